"""The ledger, the cases and the people: what has been received, and what is due."""

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from knowledge import ledger, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import Case, Person, RawMail
from knowledge.turns import Step
from tests.knowledge.rows import NOW, action_row, after, arrival, dump, filed, position, received


def set_due(db: Database, message: int, due_at: datetime | None) -> None:
    """Put a message off."""
    with db.write() as session:
        ledger.move(session, message, source="received", target="received", now=NOW, due_at=due_at)


def set_state(db: Database, message: int, state: str) -> None:
    """Move a message on."""
    with db.write() as session:
        ledger.move(session, message, source="received", target=state, now=NOW)


def next_uid(db: Database, now: datetime = NOW) -> int | None:
    """Give the uid of the message that is due next."""
    row = ledger.next_due(db, "received", now)
    return row.uid if row else None


# Receiving


def test_it_receives_a_mail(db: Database) -> None:
    """The row says where the mail is, who wrote it, and that it was received."""
    row = received(db, 1)
    assert (row.uid, row.state, row.message_id, row.sender_address, row.updated_at) == (
        1,
        "received",
        "<1@quill.example>",
        "ada@quill.example",
        NOW,
    )


def test_it_keeps_the_bytes_of_a_mail(db: Database) -> None:
    """What was received can be had again, to the byte."""
    raw = bytes(range(256)) * 100
    assert ledger.raw_mail(db, received(db, 1, raw=raw)) == raw


def test_it_receives_the_same_mail_once(db: Database) -> None:
    """Whoever reads the folder again after a crash writes nothing new."""
    received(db, 1)
    before = dump(db)
    again = ledger.receive(db, [arrival(1)], position(1), after(60))
    assert (again, dump(db)) == ([], before)


def test_it_receives_the_same_mail_once_in_one_batch(db: Database) -> None:
    """A server that lists a mail twice makes one row."""
    assert len(ledger.receive(db, [arrival(1), arrival(1)], position(1), NOW)) == 1


@pytest.mark.parametrize(
    "changes", [{"uid": 2}, {"uidvalidity": 8}, {"folder": "Other"}, {"mailbox": "other@imap.example"}]
)
def test_it_receives_a_mail_from_another_place_too(db: Database, changes: dict[str, Any]) -> None:
    """A mail is known by mailbox, folder, UIDVALIDITY and UID together."""
    received(db, 1)
    (row,) = ledger.receive(db, [arrival(**{"uid": 1, **changes})], position(2), NOW)
    assert row.id == 2


def test_it_stores_identical_bytes_once(db: Database) -> None:
    """Two rows share one copy."""
    rows = [received(db, uid, raw=b"The same") for uid in (1, 2)]
    with db.read() as session:
        assert [kept.sha256 for kept in session.exec(select(RawMail))] == [rows[0].sha256] == [rows[1].sha256]


def test_it_stores_different_bytes_apart(db: Database) -> None:
    """Each mail has its own copy."""
    first, second = received(db, 1), received(db, 2)
    assert first.sha256 != second.sha256


def test_the_cursor_moves_with_the_mails(db: Database) -> None:
    """The position is that of the last batch."""
    received(db, 1)
    received(db, 5)
    cursor = ledger.cursor(db, position(0).mailbox, position(0).folder)
    assert cursor == position(5)


def test_there_is_no_cursor_before_the_first_start(db: Database) -> None:
    """A folder that was never read has no position."""
    assert ledger.cursor(db, "support@imap.example", "INBOX") is None


def test_a_batch_that_fails_moves_no_cursor(db: Database) -> None:
    """Mails and position are committed together or not at all."""
    before = dump(db)
    with pytest.raises(TypeError):
        ledger.receive(db, [arrival(1), arrival(2, raw=None)], position(2), NOW)
    assert dump(db) == before


# People


def test_a_person_is_known_by_the_address(db: Database) -> None:
    """Two mails from one address are one person's."""
    assert received(db, 1).person_id == received(db, 2, sender_name="A. Quill").person_id


def test_another_address_is_another_person(db: Database) -> None:
    """The same name does not make the same person."""
    assert received(db, 1).person_id != received(db, 2, sender_address="ada@evil.example").person_id


def test_nobody_is_no_person(db: Database) -> None:
    """A mail without a sender makes no acquaintance."""
    assert received(db, 1, sender_address="").person_id is None


@pytest.mark.parametrize(("name", "kept"), [("A. Quill", "A. Quill"), ("", "Ada Quill")])
def test_a_person_has_the_newest_name(db: Database, name: str, kept: str) -> None:
    """A mail without a name takes none away."""
    received(db, 1)
    received(db, 2, sender_name=name)
    with db.read() as session:
        assert session.exec(select(Person.name)).all() == [kept]


def test_a_person_is_known_from_the_first_to_the_last_mail(db: Database) -> None:
    """Both times are kept."""
    received(db, 1)
    received(db, 2, now=after(60))
    with db.read() as session:
        person = session.get_one(Person, 1)
    assert (person.first_seen_at, person.last_seen_at) == (NOW, after(60))


# Cases


def test_a_mail_that_answers_nothing_opens_a_case(db: Database) -> None:
    """Two first mails are two cases."""
    assert received(db, 1).case_id != received(db, 2).case_id


def test_the_same_subject_makes_no_case(db: Database) -> None:
    """A stranger can write any subject."""
    assert received(db, 1, case_subject="Hours").case_id != received(db, 2, case_subject="Hours").case_id


def test_an_answer_to_a_known_mail_joins_its_case(db: Database) -> None:
    """A Message-ID that we know leads to its case."""
    first = received(db, 1)
    assert received(db, 2, related_ids=("<1@quill.example>",)).case_id == first.case_id


def test_an_answer_from_somebody_else_joins_the_case_too(db: Database) -> None:
    """A colleague who answers belongs to the matter."""
    first = received(db, 1)
    second = received(db, 2, related_ids=("<1@quill.example>",), sender_address="bo@quill.example")
    assert second.case_id == first.case_id


def test_an_answer_to_our_own_draft_joins_its_case(db: Database) -> None:
    """The Message-ID that we gave our reply leads back to the case."""
    first = received(db, 1)
    filed(db, first, action_row(first, own_message_id="<0123.clerkd@harbourpine.example>"))
    assert received(db, 2, related_ids=("<0123.clerkd@harbourpine.example>",)).case_id == first.case_id


def test_an_answer_to_an_unknown_mail_opens_a_case(db: Database) -> None:
    """A Message-ID that we do not know leads nowhere."""
    first = received(db, 1)
    assert received(db, 2, related_ids=("<nobody@quill.example>",)).case_id != first.case_id


def test_the_nearest_known_relative_decides(db: Database) -> None:
    """Unknown ids are passed over, and the first known one counts."""
    received(db, 1)
    second = received(db, 2)
    third = received(db, 3, related_ids=("<nobody@q>", "<2@quill.example>", "<1@quill.example>"))
    assert third.case_id == second.case_id


def test_actions_without_an_id_of_their_own_attract_no_mail(db: Database) -> None:
    """A flag has no Message-ID, and a mail without relatives does not find it."""
    first = received(db, 1, message_id="")
    filed(db, first, action_row(first))
    assert received(db, 2, message_id="").case_id != first.case_id


def test_a_case_keeps_its_subject_and_its_beginning(db: Database) -> None:
    """A later mail of the case only moves its last change."""
    received(db, 1, case_subject="Hours")
    received(db, 2, now=after(60), case_subject="Other", related_ids=("<1@quill.example>",))
    with db.read() as session:
        case = session.get_one(Case, 1)
    assert (case.subject, case.opened_at, case.updated_at) == ("Hours", NOW, after(60))


# What is due


def test_the_oldest_message_is_due_first(db: Database) -> None:
    """Mail is worked in the order in which it came."""
    for uid in (1, 2, 3):
        received(db, uid)
    assert next_uid(db) == 1


def test_nothing_is_due_in_an_empty_ledger(db: Database) -> None:
    """There may be nothing to do."""
    assert next_uid(db) is None


def test_a_message_in_another_state_is_not_due(db: Database) -> None:
    """Only the state that was asked for counts."""
    set_state(db, received(db, 1).id or 0, "done")
    received(db, 2)
    assert next_uid(db) == 2


@pytest.mark.parametrize(("seconds", "uid"), [(0, 2), (59, 2), (60, 1), (61, 1)])
def test_a_message_that_was_put_off_is_passed_over_until_it_is_due(db: Database, seconds: int, uid: int) -> None:
    """Others go first until its time has come."""
    set_due(db, received(db, 1).id or 0, after(60))
    received(db, 2)
    assert next_uid(db, after(seconds)) == uid


def test_a_case_waits_for_its_earlier_message(db: Database) -> None:
    """A mail is not worked before the one that it follows, even when that one was put off."""
    set_due(db, received(db, 1).id or 0, after(60))
    received(db, 2, related_ids=("<1@quill.example>",))
    received(db, 3)
    assert next_uid(db) == 3


def test_a_case_whose_earlier_message_waits_may_leave_nothing_due(db: Database) -> None:
    """Where only such messages are left, there is nothing to do yet."""
    set_due(db, received(db, 1).id or 0, after(60))
    received(db, 2, related_ids=("<1@quill.example>",))
    assert next_uid(db) is None


@pytest.mark.parametrize("state", ["done", "held", "failed", "decided", "escalated"])
def test_a_case_does_not_wait_for_a_message_that_was_worked(db: Database, state: str) -> None:
    """A message that a person must look at does not block the rest of its case."""
    set_state(db, received(db, 1).id or 0, state)
    received(db, 2, related_ids=("<1@quill.example>",))
    assert next_uid(db) == 2


def test_a_case_does_not_wait_for_its_later_message(db: Database) -> None:
    """The earlier one goes first."""
    received(db, 1)
    set_due(db, received(db, 2, related_ids=("<1@quill.example>",)).id or 0, after(60))
    assert next_uid(db) == 1


# Moving


def test_it_moves_a_message_on(db: Database) -> None:
    """State, reason and time are those of the step."""
    row = received(db, 1)
    turns.step(db, row.id or 0, Step("received", "held", "look at it"), [], after(5))
    moved = ledger.get(db, row.id or 0)
    assert moved is not None
    assert (moved.state, moved.reason, moved.updated_at) == ("held", "look at it", after(5))


def test_it_moves_only_the_message_that_is_meant(db: Database) -> None:
    """Its neighbours stay."""
    received(db, 1)
    set_state(db, received(db, 2).id or 0, "held")
    assert ledger.counts(db) == {"received": 1, "held": 1}


def test_it_refuses_to_move_a_message_from_where_it_is_not(db: Database) -> None:
    """Somebody else moved it meanwhile, and nothing is written."""
    row = received(db, 1)
    before = dump(db)
    with pytest.raises(FenceError, match=r"^message 1: it was changed by somebody else meanwhile$"):
        turns.step(db, row.id or 0, Step("asking", "held"), [action_row(row)], NOW)
    assert dump(db) == before


def test_it_refuses_to_move_a_message_that_is_not_there(db: Database) -> None:
    """An unknown number touches no row."""
    with pytest.raises(FenceError, match=r"^message 99: "):
        turns.step(db, 99, Step("received", "held"), [], NOW)


def test_it_lists_messages_by_their_states(db: Database) -> None:
    """The oldest comes first."""
    for uid, state in enumerate(("held", "done", "failed", "held"), start=1):
        set_state(db, received(db, uid).id or 0, state)
    assert [row.uid for row in ledger.in_states(db, ["held", "failed"])] == [1, 3, 4]


def test_an_unknown_message_is_none(db: Database) -> None:
    """There is no row for it."""
    assert ledger.get(db, 99) is None
