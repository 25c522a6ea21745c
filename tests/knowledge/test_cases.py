"""The cases: what leads to one, and how a message is put into it."""

from datetime import datetime

import pytest

from knowledge import cases
from knowledge.cases import CONVERSATION, OWN_ID, SUBJECT, THEIR_ID, Placing, Trace
from knowledge.database import Database
from knowledge.tables import Case
from tests.knowledge.rows import NOW, action_row, after, filed, received, screened, stored
from tests.knowledge.test_promises import promised, reminded

OURS = "<0123.clerkd@harbourpine.example>"
ADA = "ada@quill.example"
LATER = 99  # the number of a message that comes after all others


def trace(*ids: str, conversation: str = "", subject_key: str = "", sender: str = "") -> Trace:
    """Say what to look for."""
    return Trace(ids, conversation, subject_key, sender)


def found(db: Database, wanted: Trace, before: int = LATER) -> list[tuple[str, int]]:
    """Give the kind of each clue and the case to which it led."""
    return [(relative.by, relative.case) for relative in cases.relatives(db, wanted, before)]


def placed(db: Database, placing: Placing, at: datetime) -> Case:
    """Place a message that was received then, and give its case as it is stored."""
    with db.write() as session:
        number = cases.place(session, placing, at)
    with db.read() as session:
        return session.get_one(Case, number)


# What leads to a case


def test_a_known_message_id_leads_to_its_case(db: Database) -> None:
    """Whoever answers a mail names it."""
    screened(db, 1)
    assert found(db, trace("<1@quill.example>")) == [(THEIR_ID, 1)]


def test_the_message_id_of_our_own_reply_leads_to_its_case(db: Database) -> None:
    """Nobody but us made it, so it is known apart from the others."""
    message = received(db, 1)
    filed(db, message, action_row(message, own_message_id=OURS))
    assert found(db, trace(OURS)) == [(OWN_ID, 1)]


def test_a_conversation_leads_to_its_case(db: Database) -> None:
    """Outlook keeps it where Message-IDs are lost."""
    screened(db, 1, conversation="AdabcD")
    assert found(db, trace(conversation="AdabcD")) == [(CONVERSATION, 1)]


def test_a_person_s_subject_leads_to_their_case(db: Database) -> None:
    """It is the weakest clue."""
    screened(db, 1)
    assert found(db, trace(subject_key="mail 1", sender=ADA)) == [(SUBJECT, 1)]


@pytest.mark.parametrize(
    "wanted",
    [
        trace(),
        trace("<nobody@quill.example>"),
        trace(conversation="other"),
        trace(subject_key="mail 2", sender=ADA),
        trace(subject_key="mail 1", sender="eve@evil.example"),
        trace(subject_key="mail 1"),
        trace(sender=ADA),
    ],
    ids=["nothing", "id", "conversation", "subject", "somebody else's subject", "subject alone", "sender alone"],
)
def test_what_is_not_known_leads_nowhere(db: Database, wanted: Trace) -> None:
    """A stranger can write any subject, and a person has many matters."""
    screened(db, 1, conversation="AdabcD")
    assert found(db, wanted) == []


def test_a_message_and_an_action_without_ids_attract_no_mail(db: Database) -> None:
    """A flag has no Message-ID, and neither has many a mail: a mail without any clue does not find them."""
    message = received(db, 1, message_id="")
    filed(db, message, action_row(message, kind="flag"))
    assert found(db, trace()) == []


def test_a_message_that_was_not_read_yet_leads_nowhere(db: Database) -> None:
    """It has no case yet."""
    received(db, 1)
    assert found(db, trace("<1@quill.example>")) == []


def test_a_newer_message_that_was_not_read_yet_hides_no_case(db: Database) -> None:
    """The one that was read leads on."""
    screened(db, 1)
    received(db, 2, message_id="<1@quill.example>")
    assert found(db, trace("<1@quill.example>")) == [(THEIR_ID, 1)]


def test_only_earlier_messages_lead_to_a_case(db: Database) -> None:
    """A message that is screened again does not follow itself, nor what came after it."""
    first, second = screened(db, 1), screened(db, 2)
    wanted = trace("<2@quill.example>", "<1@quill.example>")
    assert found(db, wanted, before=second.id or 0) == [(THEIR_ID, first.case_id)]


def test_the_nearest_id_comes_first(db: Database) -> None:
    """Unknown ids are passed over."""
    for uid in (1, 2):
        screened(db, uid)
    wanted = trace("<nobody@q>", "<2@quill.example>", "<1@quill.example>")
    assert found(db, wanted) == [(THEIR_ID, 2), (THEIR_ID, 1)]


def test_ids_come_before_the_conversation_and_the_subject_last(db: Database) -> None:
    """The stronger clue stands before the weaker one, whichever case is newer."""
    screened(db, 1)
    screened(db, 2, conversation="AdabcD")
    screened(db, 3)
    wanted = trace("<1@quill.example>", conversation="AdabcD", subject_key="mail 3", sender=ADA)
    assert found(db, wanted) == [(THEIR_ID, 1), (CONVERSATION, 2), (SUBJECT, 3)]


def test_our_own_id_comes_before_a_mail_that_claims_it(db: Database) -> None:
    """Whoever forges our Message-ID does not draw an answer into their own case."""
    message = received(db, 1)
    filed(db, message, action_row(message, own_message_id=OURS))
    screened(db, 2, message_id=OURS)
    assert found(db, trace(OURS)) == [(OWN_ID, 1), (THEIR_ID, 2)]


@pytest.mark.parametrize("clue", ["id", "conversation", "subject"])
def test_the_newest_of_several_cases_comes_first(db: Database, clue: str) -> None:
    """A clue that stands in two cases leads first to the one that was written in last."""
    for uid in (1, 2):
        screened(db, uid, message_id="<same@quill.example>", conversation="AdabcD")
        with db.write() as session:
            session.get_one(Case, uid).subject_key = "hours"
    wanted = {
        "id": trace("<same@quill.example>"),
        "conversation": trace(conversation="AdabcD"),
        "subject": trace(subject_key="hours", sender=ADA),
    }
    assert [case for _by, case in found(db, wanted[clue])] == [2, 1]


def test_a_relative_comes_with_what_the_judgement_weighs(db: Database) -> None:
    """Subject, everybody who took part, and when the case was last written in."""
    screened(db, 1, correspondents=(ADA, "bo@tern.example"))
    screened(db, 2, case=1, now=after(60), sender_address="cy@heron.example")
    screened(db, 3, sender_address="eve@evil.example")
    (relative,) = cases.relatives(db, trace("<1@quill.example>"), LATER)
    assert (relative.subject, relative.people, relative.last_at) == (
        "Mail 1",
        frozenset({ADA, "bo@tern.example", "cy@heron.example"}),
        after(60),
    )


def test_nobody_is_no_part_of_a_case(db: Database) -> None:
    """A mail without a sender adds no empty address, which another such mail would share."""
    screened(db, 1, sender_address="")
    (relative,) = cases.relatives(db, trace("<1@quill.example>"), LATER)
    assert relative.people == frozenset()


# Placing


def test_a_new_case_has_the_message_s_subject_and_time(db: Database) -> None:
    """By both it is found again."""
    case = placed(db, Placing(None, "Hours", "hours", "it answers nothing"), after(5))
    assert (case.subject, case.subject_key, case.opened_at, case.updated_at) == ("Hours", "hours", after(5), after(5))


def test_a_case_keeps_its_subject_and_its_beginning(db: Database) -> None:
    """A later mail of the case only moves its last change."""
    first = placed(db, Placing(None, "Hours", "hours", ""), NOW)
    case = placed(db, Placing(first.id, "Other", "other", "it answers"), after(60))
    assert (case.id, case.subject, case.subject_key, case.opened_at, case.updated_at) == (
        first.id,
        "Hours",
        "hours",
        NOW,
        after(60),
    )


def test_an_older_mail_never_sets_a_case_back(db: Database) -> None:
    """Mail may be screened in another order than it came."""
    first = placed(db, Placing(None, "Hours", "hours", ""), after(60))
    assert placed(db, Placing(first.id, "", "", "it answers"), NOW).updated_at == after(60)


def test_a_stranger_who_repeats_an_id_hides_no_case(db: Database) -> None:
    """Both cases are found under the id; which of them the sender belongs to is for the judgement to say."""
    first = screened(db, 1, message_id="<one@quill.example>")
    forged = screened(db, 2, message_id="<one@quill.example>", sender_address="eve@evil.example")
    assert found(db, trace("<one@quill.example>")) == [(THEIR_ID, forged.case_id), (THEIR_ID, first.case_id)]


# A person's open cases


def open_of(db: Database, before: int, limit: int = 9) -> list[tuple[int | None, int]]:
    """Give the other open cases of the first person beside that of this message, each with its newest mail."""
    return [(row.case_id, row.uid) for row in cases.open_of(db, 1, stored(db, before), "closed", limit)]


def test_the_other_open_cases_of_a_person_come_with_their_newest_mail_in_each(db: Database) -> None:
    """The one that they wrote in last first; neither the case at hand, nor what came later, nor another's."""
    for uid, case in ((1, None), (2, None), (3, 1), (4, None)):
        screened(db, uid, case=case)
    screened(db, 5, sender_address="bo@tern.example")
    screened(db, 6, case=2, sender_address="bo@tern.example")
    screened(db, 7, case=3)
    screened(db, 8, case=2)
    assert open_of(db, 7) == [(1, 3), (2, 2)]
    assert open_of(db, 7, limit=1) == [(1, 3)]


def test_a_closed_case_is_none_of_the_open_ones(db: Database) -> None:
    """One that a mail opens again is."""
    for uid in (1, 2):
        screened(db, uid)
    for state, found in (("closed", []), ("reopened", [(1, 1)])):
        with db.write() as session:
            cases.move(session, 1, {"open": "closed", "closed": state})
        assert open_of(db, 2) == found


def test_a_reminder_of_clerkds_own_is_no_mail_of_the_person(db: Database) -> None:
    """What they wrote last is what counts."""
    row = screened(db, 1)
    reminded(db, promised(db, row), row)
    assert open_of(db, screened(db, 2).id or 0) == [(1, 1)]
