"""The ledger: what has been received, and what is due."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from knowledge import ledger, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.ledger import Rescan
from knowledge.tables import Message, RawMail
from knowledge.turns import Step
from tests.knowledge.rows import (
    FOLDER,
    MAILBOX,
    NOW,
    action_row,
    after,
    arrival,
    dump,
    position,
    received,
    screened,
    stored,
)

ANEW = 8


def set_due(db: Database, message: int, due_at: datetime | None) -> None:
    """Put a message off."""
    with db.write() as session:
        ledger.move(session, message, source="screened", target="screened", now=NOW, due_at=due_at)


def set_state(db: Database, message: int, state: str) -> None:
    """Move a message on."""
    with db.write() as session:
        ledger.move(session, message, source="screened", target=state, now=NOW)


def next_uid(db: Database, now: datetime = NOW) -> int | None:
    """Give the uid of the message that is to be put to the model next."""
    row = ledger.next_due(db, "screened", now)
    return row.uid if row else None


# Receiving


def test_it_receives_a_mail(db: Database) -> None:
    """The row says where the mail is, when it came, and that it was received."""
    row = received(db, 1, after(60), received_at=after(5), size=99, whole=False)
    assert (row.uid, row.state, row.message_id, row.received_at, row.updated_at, row.size, row.whole) == (
        1,
        "received",
        "<1@quill.example>",
        after(5),
        after(60),
        99,
        False,
    )


def test_a_mail_that_was_only_received_has_neither_sender_nor_case(db: Database) -> None:
    """What stands in it is read later, where it can do no harm."""
    row = received(db, 1)
    assert (row.subject, row.sender_address, row.correspondents, row.removed, row.person_id, row.case_id) == (
        "",
        "",
        [],
        [],
        None,
        None,
    )


def test_it_gives_the_numbers_of_new_mails_by_their_uids(db: Database) -> None:
    """Mails that were known before are not among them, and the order of the UIDs is that of the numbers."""
    received(db, 5)
    arrivals = [arrival(uid) for uid in (9, 5, 3)]
    assert ledger.receive(db, arrivals, position(9), NOW) == {3: 2, 9: 3}


def test_a_batch_without_mails_moves_the_cursor_alone(db: Database) -> None:
    """The first start writes where it begins."""
    numbers = ledger.receive(db, [], position(7), NOW)
    assert (numbers, ledger.cursor(db, MAILBOX, FOLDER)) == ({}, position(7))


def test_it_keeps_the_bytes_of_a_mail(db: Database) -> None:
    """What was received can be had again, to the byte."""
    raw = bytes(range(256)) * 100
    assert ledger.raw_mail(db, received(db, 1, raw=raw)) == raw


def test_it_receives_the_same_mail_once(db: Database) -> None:
    """Whoever reads the folder again after a crash writes nothing new."""
    received(db, 1)
    before = dump(db)
    again = ledger.receive(db, [arrival(1)], position(1), after(60))
    assert (again, dump(db)) == ({}, before)


def test_it_receives_the_same_mail_once_in_one_batch(db: Database) -> None:
    """A server that lists a mail twice makes one row."""
    assert len(ledger.receive(db, [arrival(1), arrival(1)], position(1), NOW)) == 1


@pytest.mark.parametrize(
    "changes", [{"uid": 2}, {"uidvalidity": 8}, {"folder": "Other"}, {"mailbox": "other@imap.example"}]
)
def test_it_receives_a_mail_from_another_place_too(db: Database, changes: dict[str, Any]) -> None:
    """A mail is known by mailbox, folder, UIDVALIDITY and UID together."""
    received(db, 1)
    assert list(ledger.receive(db, [arrival(**{"uid": 1, **changes})], position(2), NOW).values()) == [2]


def test_it_stores_identical_bytes_once(db: Database) -> None:
    """Two rows share one copy."""
    rows = [received(db, uid, raw=b"The same") for uid in (1, 2)]
    with db.read() as session:
        assert [kept.sha256 for kept in session.exec(select(RawMail))] == [rows[0].sha256] == [rows[1].sha256]


def test_it_stores_identical_bytes_of_one_batch_once(db: Database) -> None:
    """A mail that lies in the folder twice is two messages and one copy."""
    ledger.receive(db, [arrival(uid, raw=b"The same") for uid in (1, 2)], position(2), NOW)
    assert (len(dump(db)["messages"]), len(dump(db)["raw_mails"])) == (2, 1)


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
    with pytest.raises(IntegrityError, match=r"messages\.state|\"state\" of relation \"messages\""):
        ledger.receive(db, [arrival(1), arrival(2, state=None)], position(2), NOW)
    assert dump(db) == before


# A folder numbered anew


def rescanned(db: Database, *uids: int, before: datetime | None = None, **changes: Any) -> dict[int, int]:
    """Receive mails of the folder after it was numbered anew."""
    arrivals = [arrival(uid, **{"uidvalidity": ANEW, "message_id": "", **changes}) for uid in uids]
    return ledger.receive(db, arrivals, position(0), NOW, Rescan(before))


def places(db: Database) -> list[tuple[int, int]]:
    """Give UIDVALIDITY and UID of all messages, the oldest first."""
    with db.read() as session:
        return [(row.uidvalidity, row.uid) for row in session.exec(select(Message).order_by(col(Message.id)))]


def test_a_known_mail_gets_its_new_place(db: Database) -> None:
    """It is recognised by its bytes, and is not worked again."""
    received(db, 1, raw=b"Known")
    assert (rescanned(db, 10, raw=b"Known"), places(db)) == ({}, [(ANEW, 10)])


def test_a_mail_with_a_rewritten_header_is_known_by_its_message_id_and_body(db: Database) -> None:
    """A server that moved house may add lines to the header and change how lines end."""
    received(db, 1, raw=b"Subject: Hours\r\n\r\nWhen?\r\n", message_id="<1@quill.example>")
    moved = b"X-Moved: yes\nSubject: Hours\n\nWhen?\n"
    assert (rescanned(db, 10, raw=moved, message_id="<1@quill.example>"), places(db)) == ({}, [(ANEW, 10)])


@pytest.mark.parametrize(
    "changes",
    [
        {"raw": b"Subject: Hours\n\nWho?\n", "message_id": "<1@quill.example>"},
        {"raw": b"X-Moved: yes\n\nWhen?\n", "message_id": "<2@quill.example>"},
        {"raw": b"X-Moved: yes\n\nWhen?\n", "message_id": ""},
    ],
    ids=["another body", "another Message-ID", "no Message-ID"],
)
def test_a_mail_that_only_resembles_a_known_one_is_new(db: Database, changes: dict[str, Any]) -> None:
    """Message-ID and body must both agree: a Message-ID alone may be forged, a body alone is a form letter."""
    received(db, 1, raw=b"Subject: Hours\n\nWhen?\n", message_id="<1@quill.example>")
    assert rescanned(db, 10, **changes) == {10: 2}


def test_a_body_without_a_message_id_does_not_make_two_mails_one(db: Database) -> None:
    """Many mails have neither."""
    received(db, 1, raw=b"Subject: One\n\nHello\n", message_id="")
    assert rescanned(db, 10, raw=b"Subject: Two\n\nHello\n") == {10: 2}


def test_the_same_mail_twice_stays_two_mails(db: Database) -> None:
    """Each of two copies gets a place of its own."""
    for uid in (1, 2):
        received(db, uid, raw=b"The same")
    assert (rescanned(db, 10, 11, raw=b"The same"), places(db)) == ({}, [(ANEW, 10), (ANEW, 11)])


def test_a_third_copy_of_a_mail_is_new(db: Database) -> None:
    """Two are known, one more has come."""
    for uid in (1, 2):
        received(db, uid, raw=b"The same")
    assert rescanned(db, 10, 11, 12, raw=b"The same") == {12: 3}


def test_a_rescan_that_was_cut_off_begins_again_without_a_change(db: Database) -> None:
    """What was placed stays where it is, also where one of two copies has left the folder."""
    for uid in (1, 2):
        received(db, uid, raw=b"The same")
    rescanned(db, 10, raw=b"The same")
    before = dump(db)
    assert (rescanned(db, 10, raw=b"The same"), dump(db)) == ({}, before)


@pytest.mark.parametrize("changes", [{"folder": "Other"}, {"mailbox": "other@imap.example"}], ids=["folder", "mailbox"])
def test_a_mail_of_another_place_is_not_taken_for_one_that_moved(db: Database, changes: dict[str, Any]) -> None:
    """Only the folder that was numbered anew is searched."""
    received(db, 1, raw=b"Known", **changes)
    assert rescanned(db, 10, raw=b"Known") == {10: 2}


@pytest.mark.parametrize(("seconds", "numbers"), [(-1, {}), (0, {10: 1}), (1, {10: 1})])
def test_an_unknown_mail_from_before_the_first_start_is_left_out(
    db: Database, seconds: int, numbers: dict[int, int]
) -> None:
    """Mail that was not to be worked then is not worked now."""
    assert rescanned(db, 10, before=NOW, received_at=after(seconds)) == numbers


def test_an_old_mail_is_worked_where_all_mail_is(db: Database) -> None:
    """Without a time, nothing is left out."""
    assert rescanned(db, 10, received_at=after(-(10**9))) == {10: 1}


# Copies


def copy_of(db: Database, row: Message, raw: bytes, **changes: str) -> int | None:
    """Give the number of the message that this one is a copy of."""
    values = {"message_id": "<1@quill.example>", "sender": "ada@quill.example", **changes}
    found = ledger.copy_of(db, row, raw, **values)
    return found.id if found else None


def test_the_same_bytes_are_a_copy(db: Database) -> None:
    """Whatever stands in them."""
    first = received(db, 1, raw=b"The same")
    second = received(db, 2, raw=b"The same")
    assert copy_of(db, second, b"The same", message_id="", sender="") == first.id


def test_the_same_bytes_in_another_mailbox_are_a_copy(db: Database) -> None:
    """A mail to two of the employee's addresses is answered once."""
    first = received(db, 1, raw=b"The same", mailbox="other@imap.example")
    second = received(db, 2, raw=b"The same")
    assert copy_of(db, second, b"The same") == first.id


def test_the_same_mail_that_came_another_way_is_a_copy(db: Database) -> None:
    """Only the header's trace of the way differs."""
    first = screened(db, 1, raw=b"Received: one way\r\n\r\nHello\r\n")
    raw = b"Received: another way\n\nHello\n"
    assert copy_of(db, received(db, 2, raw=raw), raw) == first.id


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (b"X: y\n\nPay now\n", {}),
        (b"X: y\n\nHello\n", {"message_id": "<2@quill.example>"}),
        (b"X: y\n\nHello\n", {"message_id": ""}),
        (b"X: y\n\nHello\n", {"sender": "eve@evil.example"}),
    ],
    ids=["another body", "another Message-ID", "no Message-ID", "another sender"],
)
def test_a_mail_that_only_resembles_an_earlier_one_is_no_copy(
    db: Database, raw: bytes, changes: dict[str, str]
) -> None:
    """Message-ID, sender and body must all agree, or whoever knows a Message-ID could make a mail disappear."""
    screened(db, 1, raw=b"Subject: Hello\n\nHello\n")
    assert copy_of(db, received(db, 2, raw=raw), raw, **changes) is None


def test_two_mails_without_a_message_id_are_no_copies_for_their_body(db: Database) -> None:
    """A person may write the same words twice, and mean each."""
    screened(db, 1, raw=b"Subject: Hello\n\nHello\n", message_id="")
    with db.write() as session:
        session.get_one(Message, 1).message_id = ""
    raw = b"Subject: Again\n\nHello\n"
    assert copy_of(db, received(db, 2, raw=raw), raw, message_id="") is None


def test_the_first_of_two_is_no_copy_of_the_second(db: Database) -> None:
    """Otherwise neither would be worked."""
    first = received(db, 1, raw=b"The same")
    received(db, 2, raw=b"The same")
    assert copy_of(db, first, b"The same") is None


def test_a_message_is_no_copy_of_itself(db: Database) -> None:
    """A message that is read again stands in the ledger already."""
    assert copy_of(db, screened(db, 1, raw=b"X: y\n\nHello"), b"X: y\n\nHello") is None


def test_the_third_copy_is_one_of_the_first_mail(db: Database) -> None:
    """All copies lead to the message that was worked."""
    rows = [received(db, uid, raw=b"The same") for uid in (1, 2, 3)]
    assert copy_of(db, rows[2], b"The same") == rows[0].id


# What is due


def test_the_oldest_message_is_due_first(db: Database) -> None:
    """Mail is worked in the order in which it came."""
    for uid in (1, 2, 3):
        screened(db, uid)
    assert next_uid(db) == 1


def test_nothing_is_due_in_an_empty_ledger(db: Database) -> None:
    """There may be nothing to do."""
    assert next_uid(db) is None


def test_a_message_in_another_state_is_not_due(db: Database) -> None:
    """Only the state that was asked for counts."""
    set_state(db, screened(db, 1).id or 0, "done")
    screened(db, 2)
    assert next_uid(db) == 2


@pytest.mark.parametrize(("seconds", "uid"), [(0, 2), (59, 2), (60, 1), (61, 1)])
def test_a_message_that_was_put_off_is_passed_over_until_it_is_due(db: Database, seconds: int, uid: int) -> None:
    """Others go first until its time has come."""
    set_due(db, screened(db, 1).id or 0, after(60))
    screened(db, 2)
    assert next_uid(db, after(seconds)) == uid


def test_a_case_waits_for_its_earlier_message(db: Database) -> None:
    """A mail is not worked before the one that it follows, even when that one was put off."""
    set_due(db, screened(db, 1).id or 0, after(60))
    screened(db, 2, case=1)
    screened(db, 3)
    assert next_uid(db) == 3


def test_a_case_whose_earlier_message_waits_may_leave_nothing_due(db: Database) -> None:
    """Where only such messages are left, there is nothing to do yet."""
    set_due(db, screened(db, 1).id or 0, after(60))
    screened(db, 2, case=1)
    assert next_uid(db) is None


@pytest.mark.parametrize("state", ["done", "held", "failed", "decided", "escalated"])
def test_a_case_does_not_wait_for_a_message_that_was_worked(db: Database, state: str) -> None:
    """A message that a person must look at does not block the rest of its case."""
    set_state(db, screened(db, 1).id or 0, state)
    screened(db, 2, case=1)
    assert next_uid(db) == 2


def test_a_case_does_not_wait_for_its_later_message(db: Database) -> None:
    """The earlier one goes first."""
    screened(db, 1)
    set_due(db, screened(db, 2, case=1).id or 0, after(60))
    assert next_uid(db) == 1


def test_messages_that_were_not_read_yet_do_not_wait_for_each_other(db: Database) -> None:
    """Without a case there is nothing to wait for."""
    turns.step(db, received(db, 1).id or 0, Step("received", "received", due_at=after(60)), [], NOW)
    received(db, 2)
    row = ledger.next_due(db, "received", NOW)
    assert row
    assert row.uid == 2


# Moving


def test_it_moves_a_message_on(db: Database) -> None:
    """State, reason and time are those of the step."""
    row = received(db, 1)
    turns.step(db, row.id or 0, Step("received", "held", "look at it"), [], after(5))
    moved = stored(db, row.id)
    assert (moved.state, moved.reason, moved.updated_at) == ("held", "look at it", after(5))


def test_it_moves_only_the_message_that_is_meant(db: Database) -> None:
    """Its neighbours stay."""
    screened(db, 1)
    set_state(db, screened(db, 2).id or 0, "held")
    assert ledger.counts(db) == {"screened": 1, "held": 1}


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
        set_state(db, screened(db, uid).id or 0, state)
    assert [row.uid for row in ledger.in_states(db, ["held", "failed"])] == [1, 3, 4]


def test_an_unknown_message_is_none(db: Database) -> None:
    """There is no row for it."""
    assert ledger.get(db, 99) is None
