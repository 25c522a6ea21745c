"""Mail to the supervisor: a digest each day, and at once what facts make urgent; by a real submission server."""

import email
import email.policy
import time
from datetime import UTC, datetime

import pytest

from daemon import loop
from daemon.steps.notify import NOBODY_KNOWS
from knowledge import notices
from knowledge.tables import Notice
from tests.bed import USER, Bed, mail
from tests.post_office import BEFORE_MAIL, UNHEARD, Delivered, PostOffice
from tests.rules import DRAFT, deciding

BOSS = "boss@harbourpine.example"
DIGEST = f'[digest]\nto = ["{BOSS}"]\nat = "00:00"\nvips = ["tern.example"]\nmost_urgent = 2'
ESCALATE = {"kind": "escalate", "question": "May we?"}


@pytest.fixture
def telling(bed: Bed, office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """Lay a bed whose employee asks before it sends, and tells the supervisor; it looks often what there is to tell."""
    monkeypatch.setattr(loop, "NOTICE_SECONDS", 0.2)
    office.serve(bed, '[autonomy]\nreply = "ask"')
    bed.sections["digest"] = DIGEST
    return bed


def found(bed: Bed, kind: str) -> list[Notice]:
    """Give all notices of a kind."""
    states = ("planned", "sending", "sent", "held")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    every = [each for state in states for each in notices.in_state(bed.db, state, long_ago) if each.kind == kind]
    return sorted(every, key=lambda each: each.id or 0)


def run(bed: Bed, mails: int, told: int = 1) -> list[dict[str, object]]:
    """Run until so many messages are through, and so many notices."""

    def through(_db: object) -> bool:
        every = [*found(bed, "digest"), *found(bed, "urgent")]
        return bed.through(mails) and len(every) >= told and all(each.state in ("sent", "held") for each in every)

    return bed.run(through)


def idle(bed: Bed) -> None:
    """Run while it looks some times what there is to tell."""
    end = time.monotonic() + 1.5
    bed.run(lambda _db: time.monotonic() > end)


def parsed(sent: Delivered) -> tuple[str, str]:
    """Give subject and text of a mail that was handed over."""
    read = email.message_from_bytes(sent.raw, policy=email.policy.default)
    body = read.get_body(("plain",))
    assert body
    return str(read["Subject"]), " ".join(body.get_content().split())


def test_the_digest_is_sent_once_a_day(telling: Bed, office: PostOffice) -> None:
    """To the supervisor alone, marked as a machine's; a second start on the same day sends no other."""
    telling.model.rules = deciding(DRAFT)
    telling.server.deliver(mail("Opening hours"))
    run(telling, 1)
    (sent,) = office.delivered
    assert (sent.sender, sent.recipients) == (USER, (BOSS,))
    subject, text = parsed(sent)
    assert subject.startswith("Robin Reed: ")
    assert "What Robin Reed did from" in text
    assert "Nothing is approved by answering this mail" in text
    assert b"Auto-Submitted: auto-generated" in sent.raw
    idle(telling)
    assert len(office.delivered) == 1
    assert [each.state for each in found(telling, "digest")] == ["sent"]


@pytest.mark.exhaustive
def test_the_next_digest_tells_what_was_done_and_what_waits(telling: Bed, office: PostOffice) -> None:
    """With links to the pages, the cost, and nothing that a subject could put into it."""
    telling.model.rules = deciding(DRAFT)
    telling.server.deliver(mail("Hours \u202eandmore"))
    run(telling, 1)
    yesterday(telling)
    run(telling, 1, told=2)
    _subject, text = parsed(office.delivered[-1])
    assert "1 mail came in, 1 decided: 1 question." in text
    assert "Waiting for a word of yours: 1 - reply to ada@quill.example: " in text
    assert "http://127.0.0.1:8620/waiting/1" in text
    assert "\u202e" not in text
    assert "Cost: $0." in text


def yesterday(bed: Bed) -> None:
    """Let the last digest be that of an earlier day."""
    with bed.db.write() as session:
        row = session.get_one(Notice, 1)
        row.about = "2020-01-01"
        session.add(row)


@pytest.mark.exhaustive
def test_what_facts_make_urgent_is_told_at_once_and_not_without_end(telling: Bed, office: PostOffice) -> None:
    """A VIP's escalated mail is; another's, however urgent the employee finds it, waits; two a day are the most."""
    telling.model.rules = deciding(ESCALATE, priority="urgent")
    for at, sender in enumerate(("Ada <ada@quill.example>", "Bo <bo@tern.example>", "Cy <cy@tern.example>",
                                 "Di <di@tern.example>")):  # fmt: skip
        telling.server.deliver(mail(f"Stop {at}", sender=sender))
    run(telling, 4, told=3)
    urgent = [parsed(sent) for sent in office.delivered if b"urgent" in sent.raw.partition(b"\r\n\r\n")[0]]
    assert [subject for subject, _text in urgent] == ["Robin Reed: urgent: Stop 1", "Robin Reed: urgent: Stop 2"]
    assert "from bo@tern.example, as From says; nobody vouches for it" in urgent[0][1]
    assert "http://127.0.0.1:8620/log/2" in urgent[0][1]
    assert "All others of today wait for the digest" in urgent[1][1]
    idle(telling)
    assert [each.about for each in found(telling, "urgent")] == ["2", "3"]


@pytest.mark.exhaustive
def test_a_server_that_breaks_off_before_it_has_it_is_tried_again(telling: Bed, office: PostOffice) -> None:
    """Nothing has left yet, so that no try is counted."""
    office.at = BEFORE_MAIL
    events = run(telling, 0)
    assert "paused" in [event["event"] for event in events]
    assert len(office.delivered) == 1
    (digest,) = found(telling, "digest")
    assert (digest.state, digest.tries) == ("sent", 1)


@pytest.mark.exhaustive
def test_one_of_which_nobody_knows_whether_it_left_is_not_sent_again(telling: Bed, office: PostOffice) -> None:
    """The next digest says so."""
    office.at = UNHEARD
    run(telling, 0)
    idle(telling)
    assert len(office.delivered) == 1
    (digest,) = found(telling, "digest")
    assert digest.state == "held"
    yesterday(telling)
    run(telling, 0, told=2)
    assert "the digest of 2020-01-01 may not have arrived: it was cut off" in parsed(office.delivered[-1])[1]


@pytest.mark.exhaustive
def test_an_issue_that_many_share_is_told_once_whatever_else_waits_in_its_mails(telling: Bed) -> None:
    """Also where an answer beside the escalation waits for a word."""
    telling.sections["digest"] = DIGEST.replace("vips", "issue_senders = 2\nvips")
    telling.model.rules = deciding(DRAFT, ESCALATE, category="outage", propose_issue="The mail server is down")
    telling.server.deliver(mail("Down", sender="Ada <ada@quill.example>"))
    run(telling, 1)
    telling.model.rules = deciding(DRAFT, ESCALATE, category="outage", issue=1)
    for at, sender in enumerate(("Di <di@fern.example>", "Ed <ed@vane.example>")):
        telling.server.deliver(mail(f"Down {at}", sender=sender))
    run(telling, 3, told=2)
    idle(telling)
    assert [each.about for each in found(telling, "urgent")] == ["issue: The mail server is down"]


@pytest.mark.exhaustive
def test_nothing_leaves_while_the_employee_pauses(telling: Bed, office: PostOffice) -> None:
    """It is written, and leaves when somebody resumes."""
    telling.prepare()
    pause = telling.clerkd("pause", "--config", str(telling.config))
    assert pause.returncode == 0, pause.stderr
    idle(telling)
    assert office.delivered == []
    assert [each.state for each in found(telling, "digest")] == ["planned"]
    telling.clerkd("resume", "--config", str(telling.config))
    run(telling, 0)
    assert len(office.delivered) == 1


@pytest.mark.exhaustive
def test_one_that_was_cut_off_by_the_end_of_the_service_is_not_sent_again(telling: Bed, office: PostOffice) -> None:
    """It stood between the two commits: it may have left."""
    run(telling, 0)
    office.delivered.clear()
    with telling.db.write() as session:
        row = session.get_one(Notice, 1)
        row.state = "sending"
        session.add(row)
    run(telling, 0)
    assert office.delivered == []
    (digest,) = found(telling, "digest")
    assert (digest.state, digest.reason) == ("held", NOBODY_KNOWS)


@pytest.mark.exhaustive
def test_what_the_server_never_takes_is_held_with_its_words(telling: Bed, office: PostOffice) -> None:
    """The journal says so; the service goes on."""
    office.says["RCPT"] = ["550 no such user"]
    events = run(telling, 0)
    (digest,) = found(telling, "digest")
    assert digest.state == "held"
    assert "550 no such user" in digest.reason
    assert [event["reason"] for event in events if event["event"] == "notice_held"] == [digest.reason]


@pytest.mark.exhaustive
def test_without_the_section_nobody_is_told_anything(bed: Bed, office: PostOffice) -> None:
    """Nothing leaves that nobody asked for."""
    office.serve(bed)
    bed.model.rules = deciding(ESCALATE)
    bed.server.deliver(mail("Stop", sender="Bo <bo@tern.example>"))
    bed.run(lambda _db: bed.through(1))
    assert office.delivered == []
    assert notices.last(bed.db, "digest", ["planned", "sent"]) is None
