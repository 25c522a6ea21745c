"""What people make of drafts in their own mail program: noticed, tied to the action, and never undone."""

import email
import email.policy
from collections.abc import Callable, Iterator

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import feedback
from knowledge.database import Database
from knowledge.tables import Feedback
from tests.bed import PASSWORD, USER, Bed, mail
from tests.faults import Faults

pytestmark = pytest.mark.exhaustive
FATES = (
    "edited in place",
    "edited under another Message-ID",
    "sent as it was",
    "sent with changes",
    "sent by a program that gives it a Message-ID of its own",
    "deleted",
    "untouched",
)
PERSONS_OWN = "<by-hand@harbourpine.example>"
CHANGED = b"We close at seven"


def number(fate: str) -> int:
    """Give the message whose draft has this fate."""
    return FATES.index(fate) + 1


def draft_of(bed: Bed, fate: str) -> bytes:
    """Give the bytes of a draft as it was stored."""
    return bed.entries[number(fate) - 1].actions[0].content


def own_id(raw: bytes) -> str:
    """Give a mail's Message-ID."""
    return str(email.message_from_bytes(raw, policy=email.policy.default)["Message-ID"])


def changed(raw: bytes, message_id: str = "") -> bytes:
    """Change a draft's text as a person would, and give it another Message-ID where the mail program does."""
    head, _, _ = raw.partition(b"\r\n\r\n")
    head = head.replace(own_id(raw).encode(), message_id.encode()) if message_id else head
    return head + b"\r\n\r\n" + CHANGED + b".\r\n"


def throw_away(bed: Bed, raw: bytes) -> None:
    """Delete a draft for good."""
    with bed.imap("Drafts") as client:
        client.delete_messages(client.search(["HEADER", "Message-ID", own_id(raw)]))
        client.expunge()


def put(bed: Bed, folder: str, raw: bytes) -> None:
    """Store a mail as a mail program does."""
    with bed.imap() as client:
        if not client.folder_exists(folder):
            client.create_folder(folder)
        client.append(folder, raw)


def have_their_fates(bed: Bed) -> None:
    """Do with each draft what its name says."""
    drafts = [draft_of(bed, fate) for fate in FATES]
    for raw in drafts[:-1]:
        throw_away(bed, raw)
    put(bed, "Drafts", changed(drafts[0]))
    put(bed, "Drafts", changed(drafts[1], PERSONS_OWN))
    put(bed, "Sent", drafts[2])
    put(bed, "Sent", changed(drafts[3]))
    put(bed, "Sent", changed(drafts[4], PERSONS_OWN))


def has_news_of(*messages: int) -> Callable[[Database], bool]:
    """Say that something was noted of each of these messages' drafts."""
    return lambda db: all(feedback.of_message(db, message) for message in messages)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Draft answers to seven mails, let people do with six of them what they like, and follow them twice."""
    faults = Faults()
    with StandIn(decide, wrap=faults.around) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("followed"), server, model, faults)
        bed.sections["mailbox"] = "follow_seconds = 0.2"
        for at in range(len(FATES)):
            bed.server.deliver(
                mail(f"Question {at}", sender=f"p{at}@quill.example", Message_ID=f"<{at}@quill.example>")
            )
        bed.work(len(FATES))
        have_their_fates(bed)
        bed.run(has_news_of(*map(number, FATES[:-1])))
        _look_once_more(bed)
        yield bed


def _look_once_more(bed: Bed) -> None:
    """Delete one more draft, the last in the order of looking: once that is noted, all others were looked at again."""
    bed.server.deliver(mail("The last", sender="last@quill.example"))
    bed.work(len(FATES) + 1)
    throw_away(bed, bed.entries[-1].actions[0].content)
    bed.run(has_news_of(len(FATES) + 1))


def notes(bed: Bed, fate: str) -> list[Feedback]:
    """Give what was noted of a draft."""
    return feedback.of_message(bed.db, number(fate))


@pytest.mark.parametrize(
    ("fate", "kinds"),
    list(zip(FATES, [["edited"], ["edited"], ["sent"], ["sent"], ["sent"], ["missing", "deleted"], []], strict=True)),
)
def test_each_fate_is_noticed_once(followed: Bed, fate: str, kinds: list[str]) -> None:
    """However often a draft is looked after; of one that lies untouched there is nothing to tell."""
    assert [note.kind for note in notes(followed, fate)] == kinds


@pytest.mark.parametrize("fate", [fate for fate in FATES if fate.startswith("edited") or "with changes" in fate])
def test_what_a_person_changed_is_kept(followed: Bed, fate: str) -> None:
    """The words that came in stand behind a plus, for whoever wants to learn from them."""
    assert f"+{CHANGED.decode()}." in notes(followed, fate)[0].detail


def test_what_was_sent_as_it_was_has_no_difference(followed: Bed) -> None:
    """A draft that was good enough is told by an empty difference."""
    assert notes(followed, "sent as it was")[0].detail == ""


def test_the_feedback_is_tied_to_the_action_that_stored_the_draft(followed: Bed) -> None:
    """Not only to the message, which may have several actions."""
    action = followed.entries[number("deleted") - 1].actions[0]
    assert notes(followed, "deleted")[0].action_id == action.id


def test_a_person_s_version_is_never_overwritten(followed: Bed) -> None:
    """Among the drafts lie the two edited versions and the untouched draft, as they were left, and nothing else."""
    drafts = [draft_of(followed, fate) for fate in FATES]
    left = {drafts[-1], changed(drafts[0]), changed(drafts[1], PERSONS_OWN)}
    assert set(followed.mails_in("Drafts")) == left


def test_what_was_sent_is_left_as_it_was_sent(followed: Bed) -> None:
    """Nothing is stored, moved or flagged among the sent mails."""
    drafts = [draft_of(followed, fate) for fate in FATES]
    assert followed.mails_in("Sent") == [drafts[2], changed(drafts[3]), changed(drafts[4], PERSONS_OWN)]


def test_a_message_stays_done_whatever_becomes_of_its_draft(followed: Bed) -> None:
    """Feedback opens nothing again: no message is put to the model a second time."""
    assert {(entry.message.state, entry.message.attempts) for entry in followed.entries} == {("done", 1)}


@pytest.mark.parametrize(
    ("fate", "shown"),
    [("edited in place", f"+{CHANGED.decode()}."), ("sent as it was", "as drafted"), ("deleted", ": deleted, noted")],
)
def test_log_show_tells_what_became_of_a_draft(followed: Bed, fate: str, shown: str) -> None:
    """Beside the action, with what a person changed."""
    said = followed.clerkd("log", "show", str(number(fate)), "--config", str(followed.config)).stdout
    assert shown in said


def test_a_draft_s_fate_is_an_event_without_its_words(bed: Bed) -> None:
    """One event says which action it is and whether anything was changed; what was changed stays in the database."""
    bed.sections["mailbox"] = "follow_seconds = 0.2"
    bed.server.deliver(mail("Opening hours"))
    bed.work(1)
    raw = bed.entries[0].actions[0].content
    throw_away(bed, raw)
    put(bed, "Drafts", changed(raw))
    told = [event for event in bed.run(has_news_of(1)) if event["event"].startswith("draft_")]
    assert told == [{"event": "draft_edited", "log_level": "info", "action": 1, "message": 1, "changed": True}]
