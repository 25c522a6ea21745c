"""To which case a mail belongs."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.message import Address, Message
from daemon.judgement.threads import MOST_IDS, Candidate, Clue, Joined, Opened, Placement, clues, place
from tests.judgement.samples import ADA, ADDRESSES, MOMENTS, NOW, SUBJECTS, message

IDS = st.lists(st.integers(0, 200).map(lambda number: f"<{number}@quill.example>"), max_size=120).map(tuple)
EVE = Address("eve@evil.example")
ROOT = bytes(range(22))
CANDIDATES = st.builds(
    Candidate,
    st.integers(1, 9),
    st.sampled_from(Clue),
    SUBJECTS,
    st.frozensets(ADDRESSES.map(lambda address: address.email), max_size=3),
    MOMENTS,
)
MAILS = st.builds(
    lambda senders, subject, ids, sent_at: message(
        senders=tuple(senders), subject=subject, in_reply_to=ids, sent_at=sent_at
    ),
    st.lists(ADDRESSES, max_size=2),
    SUBJECTS,
    IDS,
    st.none() | MOMENTS,
)


def candidate(by: Clue = Clue.THEIR_ID, **changes: Any) -> Candidate:
    """Make the case of Ada's opening hours, of yesterday, with some things otherwise."""
    return replace(Candidate(7, by, "Opening hours", frozenset({ADA.email}), NOW - timedelta(hours=20)), **changes)


def placed(mail: Message, *candidates: Candidate, now: datetime = NOW) -> Placement:
    """Place a mail by its own clues."""
    return place(mail, clues(mail), candidates, now)


def outlook(index: bytes) -> Message:
    """Make a mail with this Thread-Index."""
    return message(headers={"thread-index": (base64.b64encode(index).decode(),)})


@pytest.mark.parametrize(
    ("in_reply_to", "references", "ids"),
    [
        ((), (), ()),
        (("<b@q>",), (), ("<b@q>",)),
        ((), ("<a@q>", "<b@q>"), ("<b@q>", "<a@q>")),
        (("<b@q>",), ("<a@q>", "<b@q>"), ("<b@q>", "<a@q>")),
        (("<c@q>",), ("<a@q>", "<b@q>"), ("<c@q>", "<b@q>", "<a@q>")),
    ],
    ids=["none", "reply", "references", "both", "reply that the references lack"],
)
def test_it_gives_the_ids_that_a_mail_answers_the_nearest_first(
    in_reply_to: tuple[str, ...], references: tuple[str, ...], ids: tuple[str, ...]
) -> None:
    """In-Reply-To comes first, then the references from the end."""
    assert clues(message(in_reply_to=in_reply_to, references=references)).ids == ids


@given(IDS, IDS)
def test_it_never_gives_an_id_twice(in_reply_to: tuple[str, ...], references: tuple[str, ...]) -> None:
    """Each id is looked up once."""
    ids = clues(message(in_reply_to=in_reply_to, references=references)).ids
    assert len(ids) == len(set(ids))


@given(IDS, IDS)
def test_it_never_gives_more_ids_than_the_most(in_reply_to: tuple[str, ...], references: tuple[str, ...]) -> None:
    """A mail cannot make the database look up thousands of ids."""
    assert len(clues(message(in_reply_to=in_reply_to, references=references)).ids) <= MOST_IDS


def test_it_keeps_the_nearest_of_too_many_ids() -> None:
    """The oldest references are left out."""
    ids = tuple(f"<{number}@q>" for number in range(60))
    assert clues(message(references=ids)).ids == ids[:9:-1]


@pytest.mark.parametrize("answers", [0, 1, 40])
def test_it_reads_the_root_of_outlook_s_thread_index(answers: int) -> None:
    """All mails of a conversation share its first 22 bytes; each answer adds five."""
    assert clues(outlook(ROOT + b"12345" * answers)).conversation == ROOT.hex()


def test_it_reads_a_thread_index_that_was_folded() -> None:
    """Long values come in two lines, which the parser joins with a blank."""
    value = base64.b64encode(ROOT).decode()
    mail = message(headers={"thread-index": (f"{value[:10]} {value[10:]}",)})
    assert clues(mail).conversation == ROOT.hex()


@pytest.mark.parametrize("value", ["", "AQ==", "not base64!", "ä" * 30, base64.b64encode(ROOT + b"12").decode()])
def test_it_leaves_out_a_thread_index_that_is_malformed(value: str) -> None:
    """What has not the length of one leads nowhere."""
    assert clues(message(headers={"thread-index": (value,)})).conversation == ""


@pytest.mark.parametrize(
    ("mail", "is_reply"),
    [(message(), False), (message(subject="AW: Opening hours"), True), (message(references=("<a@q>",)), True)],
    ids=["neither", "mark", "ids"],
)
def test_a_mail_is_a_reply_by_its_mark_or_its_ids(mail: Message, is_reply: bool) -> None:  # noqa: FBT001 - a table of cases
    """Either of the two is enough."""
    assert clues(mail).is_reply is is_reply


def test_its_subject_is_compared_without_marks() -> None:
    """The key is that of the bare subject."""
    assert clues(message(subject="Re: Opening Hours")).subject == "opening hours"


def test_a_mail_without_clues_opens_a_case() -> None:
    """Nothing leads anywhere."""
    assert placed(message()) == Opened("nothing in it leads to a known case", None)


@pytest.mark.parametrize("by", Clue)
def test_each_clue_joins_a_reply_of_the_case_s_own_person(by: Clue) -> None:
    """Ada answers in the case that she began."""
    placement = placed(message(subject="Re: Opening hours"), candidate(by))
    assert isinstance(placement, Joined)


@pytest.mark.parametrize("senders", [(EVE,), (), (ADA, EVE)], ids=["a colleague", "nobody", "two"])
def test_our_own_message_id_joins_whoever_sends(senders: tuple[Address, ...]) -> None:
    """It is random: whoever knows it was sent our mail."""
    mail = message(subject="Re: Opening hours", senders=senders)
    assert placed(mail, candidate(Clue.OWN_ID)) == Joined(7, "it answers a mail of ours")


@pytest.mark.parametrize("by", [Clue.THEIR_ID, Clue.CONVERSATION])
@pytest.mark.parametrize("senders", [(EVE,), (), (ADA, EVE)], ids=["stranger", "nobody", "two"])
def test_an_id_that_a_stranger_may_have_seen_only_relates(senders: tuple[Address, ...], by: Clue) -> None:
    """The case's history would leak to whoever guessed the id."""
    mail = message(subject="Re: Opening hours", senders=senders)
    assert placed(mail, candidate(by)) == Opened("its sender takes no part in the case that it leads to", 7)


def test_a_stranger_s_subject_relates_nothing() -> None:
    """That two people write about the same is no relation."""
    mail = message(subject="Re: Opening hours", senders=(EVE,))
    assert placed(mail, candidate(Clue.SUBJECT)) == Opened(
        "its sender takes no part in the case that it leads to", None
    )


@given(MAILS, st.lists(CANDIDATES, max_size=6), MOMENTS)
def test_a_stranger_never_joins_a_case_but_by_our_own_id(
    mail: Message, candidates: list[Candidate], now: datetime
) -> None:
    """Whatever else a mail carries, who takes no part in a case is never put into it."""
    sender = mail.sender.email if mail.sender else ""
    foreign = [replace(item, people=item.people - {sender}) for item in candidates if item.by is not Clue.OWN_ID]
    assert isinstance(placed(mail, *foreign, now=now), Opened)


@given(MAILS, st.lists(CANDIDATES, max_size=6), MOMENTS)
def test_a_subject_never_joins_across_persons(mail: Message, candidates: list[Candidate], now: datetime) -> None:
    """Where a subject alone has joined, the sender takes part in that very case."""
    named = [replace(item, by=Clue.SUBJECT, case=number) for number, item in enumerate(candidates)]
    placement = placed(mail, *named, now=now)
    if isinstance(placement, Joined):
        assert mail.sender is not None
        assert mail.sender.email in named[placement.case].people


@given(MAILS, st.lists(CANDIDATES, max_size=6), MOMENTS)
def test_placing_never_raises_and_names_only_candidates(
    mail: Message, candidates: list[Candidate], now: datetime
) -> None:
    """Any times, senders and subjects lead to a placement."""
    placement = placed(mail, *candidates, now=now)
    named = placement.case if isinstance(placement, Joined) else placement.related
    assert named in {None, *(item.case for item in candidates)}


@pytest.mark.parametrize("by", [Clue.OWN_ID, Clue.THEIR_ID, Clue.CONVERSATION])
def test_a_reply_years_later_joins_and_says_how_long_it_was_quiet(by: Clue) -> None:
    """By ids a case never grows too old."""
    mail = message(subject="Re: Opening hours")
    placement = placed(mail, candidate(by, last_at=NOW - timedelta(days=900)))
    assert placement.why.endswith(", 900 days after its last mail")


@pytest.mark.parametrize("by", [Clue.OWN_ID, Clue.THEIR_ID, Clue.CONVERSATION])
def test_a_new_topic_in_an_old_thread_opens_a_related_case(by: Clue) -> None:
    """People answer an old mail to have the address."""
    mail = message(subject="Re: Broken grinder")
    assert placed(mail, candidate(by)) == Opened("it begins a new topic in an old thread", 7)


@pytest.mark.parametrize("subject", ["", "Re:", "AW: opening hours!", "[EXTERN] Re: Opening hours on Sunday", "Hours"])
def test_a_subject_that_only_varies_is_no_new_topic(subject: str) -> None:
    """Marks, tags, additions and an empty subject are not another matter."""
    assert isinstance(placed(message(subject=subject), candidate(Clue.OWN_ID, subject="Opening hours")), Joined)


def test_a_subject_joins_a_marked_reply_of_the_same_person() -> None:
    """Some programs lose the ids."""
    mail = message(subject="AW: Opening hours")
    assert placed(mail, candidate(Clue.SUBJECT)) == Joined(7, "the same person answers under the same subject")


@pytest.mark.parametrize(
    ("mail", "case", "why"),
    [
        ("Opening hours", "Opening hours", "its subject is that of a case, but it is not marked as a reply"),
        ("Re: Opening hours on Sunday", "Opening hours", "its subject only resembles that of a case"),
        ("Re: Question", "Question", "its subject is too common to tell its case"),
        ("Re:", "", "its subject is too common to tell its case"),
        ("Re: [Ticket#18] Printer", "[Ticket#17] Printer", "its subject only resembles that of a case"),
    ],
    ids=["unmarked", "longer", "generic", "empty", "another number"],
)
def test_a_subject_that_tells_no_case_opens_one(mail: str, case: str, why: str) -> None:
    """By subject alone, everything must agree."""
    assert placed(message(subject=mail), candidate(Clue.SUBJECT, subject=case)) == Opened(why, None)


@pytest.mark.parametrize("days", [31, -31])
def test_a_subject_never_joins_what_lies_far_apart_in_time(days: int) -> None:
    """A month later the same words are another matter; a date that the sender made up lies apart as well."""
    mail = message(subject="Re: Opening hours", sent_at=NOW)
    placement = placed(mail, candidate(Clue.SUBJECT, last_at=NOW - timedelta(days=days)))
    assert placement == Opened("its subject is that of a case, but more than 30 days lie between", None)


def test_the_time_counts_when_the_mail_was_written() -> None:
    """A mail that waited for the daemon is not late."""
    mail = message(subject="Re: Opening hours", sent_at=NOW)
    assert isinstance(placed(mail, candidate(Clue.SUBJECT), now=NOW + timedelta(days=60)), Joined)


def test_a_date_in_the_future_counts_as_now() -> None:
    """A wrong clock at the sender's does not part a thread."""
    mail = message(subject="Re: Opening hours", sent_at=NOW + timedelta(days=400))
    assert isinstance(placed(mail, candidate(Clue.SUBJECT)), Joined)


def test_a_time_without_a_zone_is_taken_for_utc() -> None:
    """The database gives times so."""
    naive = (NOW - timedelta(days=2)).replace(tzinfo=None)
    placement = placed(message(subject="Re: Opening hours", sent_at=NOW), candidate(last_at=naive))
    assert placement.why.endswith(", 2 days after its last mail")


def test_one_quiet_day_is_said_in_the_singular() -> None:
    """The log is read by people."""
    mail = message(subject="Re: Opening hours", sent_at=NOW.astimezone(UTC))
    assert placed(mail, candidate(last_at=NOW - timedelta(days=1))).why.endswith(", 1 day after its last mail")


def test_our_own_id_goes_before_a_nearer_one_of_theirs() -> None:
    """The clue that cannot be forged decides."""
    mail = message(subject="Re: Opening hours")
    assert placed(mail, candidate(case=1), candidate(Clue.OWN_ID, case=2)).why.startswith("it answers a mail of ours")


def test_among_equal_clues_the_nearest_decides() -> None:
    """The database gives them in the order of the ids."""
    placement = placed(message(subject="Re: Opening hours"), candidate(case=1), candidate(case=2))
    assert isinstance(placement, Joined)
    assert placement.case == 1


def test_a_refused_clue_does_not_end_the_search() -> None:
    """In a thread that was parted, the further id may lead to the case of this topic."""
    mail = message(subject="Re: Opening hours")
    grinder = candidate(Clue.OWN_ID, case=1, subject="Broken grinder")
    placement = placed(mail, grinder, candidate(case=2))
    assert isinstance(placement, Joined)
    assert placement.case == 2


def test_the_strongest_of_several_refusals_is_told() -> None:
    """The nearest case is the related one."""
    mail = message(subject="Re: Invoice 1207")
    assert placed(mail, candidate(Clue.CONVERSATION, case=1), candidate(Clue.OWN_ID, case=2)) == Opened(
        "it begins a new topic in an old thread", 2
    )


def test_a_ticket_token_never_leads_to_a_case() -> None:
    """Numbers in a subject can be guessed, so they are no clue."""
    assert clues(message(subject="[Ticket#7] Opening hours")).ids == ()
