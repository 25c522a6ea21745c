"""Handoffs to persons: tied to our letter, ended with a report, brought up once, and as they were in the past."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from knowledge import actions, cases, feedback, handoffs, rollbacks, screenings, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.feedback import Sequel
from knowledge.handoffs import Ending, Work
from knowledge.past import Moment, Past, Unknown
from knowledge.screenings import Screened
from knowledge.tables import Action, Case, Feedback, Handoff, Message
from knowledge.turns import Conclusion
from tests.knowledge.rows import (
    DECIDE,
    FILE,
    NOW,
    action_row,
    after,
    closed,
    decision_row,
    dump,
    findings,
    handoff_row,
    live,
    opened,
    placing,
    received,
    screened,
    stored,
)

OWN_ID = "<0123.clerkd@harbourpine.example>"


@pytest.fixture
def asked(db: Database) -> Handoff:
    """Settle a turn that hands its message to a person."""
    session = live(db)
    message = screened(db, 1)
    turn = closed(opened(db, message, session))
    letter = action_row(message, kind="letter", ordinal=1, own_message_id=OWN_ID, recipients=["alice@quill.example"])
    row = handoff_row(turn, specialist="books", awaits="answer", comes_up_at=after(600))
    concluded = Conclusion(
        decision_row(message, turn_id=turn.id), [action_row(message), letter], handoffs=[Work(row, letter=letter)]
    )
    turns.settle(db, turn, open_state="open", held_by=session, concluded=concluded, step=DECIDE, now=NOW)
    return row


def own(db: Database, folder: str = "(handoffs)", **changes: Any) -> Message:
    """Make a message of clerkd's own about the first mail."""
    values = {"mailbox": "m", "folder": folder, "uidvalidity": 0, "uid": 1, "sha256": stored(db, 1).sha256, "size": 1,
              "about_id": 1, "received_at": NOW, "state": "received", "updated_at": NOW, "words": "Paid."}  # fmt: skip
    return Message(**{**values, **changes})


def ending(db: Database, state: str = "reported") -> Ending:
    """End the handoff with a report."""
    return Ending(1, ["open"], state, "Paid.", own(db))


def end(db: Database) -> int:
    """End it in a transaction of its own."""
    with db.write() as session:
        return handoffs.end(session, ending(db), after(90))


def now_is(db: Database) -> Handoff:
    """Give the handoff as it stands."""
    return handoffs.get(db, 1)[0]


def test_a_handoff_is_tied_to_the_letter_that_is_written_with_it(db: Database, asked: Handoff) -> None:
    """And found by the letter's Message-ID, or by the letter's action."""
    letter = actions.get(db, asked.letter_id or 0)
    assert letter
    assert (letter.kind, letter.own_message_id, letter.decision_id) == ("letter", OWN_ID, 1)
    found = handoffs.of_letter(db, OWN_ID)
    assert found
    assert (found[0].id, found[1].id, found[2].id) == (1, letter.id, 1)
    assert handoffs.of_action(db, letter.id or 0) == (now_is(db), stored(db, 1))
    assert (handoffs.of_letter(db, "<other>"), handoffs.of_action(db, 1), actions.get(db, 99)) == (None, None, None)


@pytest.mark.usefixtures("asked")
def test_it_ends_once_with_the_message_that_brings_the_report(db: Database) -> None:
    """In the case, and about the person, as they are then."""
    with db.write() as session:
        message = session.get_one(Message, 1)
        fresh = cases.split(session, session.get_one(Case, message.case_id), [message])
        message.person_id = None
        number = fresh.id
    report = end(db)
    row, told = now_is(db), stored(db, report)
    assert (row.state, row.report, row.ended_at, row.report_id) == ("reported", "Paid.", after(90), report)
    assert (told.case_id, told.person_id, told.about_id, told.words) == (number, None, 1, "Paid.")
    assert handoffs.of_report(db, report) == row
    before = dump(db)
    with pytest.raises(FenceError, match="handoff 1"):
        end(db)
    assert dump(db) == before


@pytest.mark.usefixtures("asked")
def test_an_answer_is_taken_in_whole_or_not_at_all(db: Database) -> None:
    """Her mail with its decision, the handoff's end, and the report: where it has ended, nothing is written."""
    mail = received(db, 2)
    concluded = Conclusion(decision_row(mail, rule="answer"))
    taken = Screened(findings(2), placing(2, case=1), FILE, concluded, ending=ending(db))
    assert screenings.write(db, mail, taken, after(90)) == 1
    assert (stored(db, 2).state, stored(db, 3).about_id, now_is(db).report_id) == ("decided", 1, 3)
    late = received(db, 4)
    before = dump(db)
    again = Screened(findings(4), placing(4), FILE, Conclusion(decision_row(late, rule="answer")), ending=ending(db))
    with pytest.raises(FenceError, match="handoff 1"):
        screenings.write(db, late, again, after(99))
    assert dump(db) == before


def test_a_letter_that_is_deleted_ends_it_with_the_feedback(db: Database, asked: Handoff) -> None:
    """Both, or where it has ended meanwhile, neither."""
    note = Feedback(action_id=asked.letter_id or 0, kind="deleted", noted_at=after(90))
    sequel = Sequel(1, {"open": "waiting for us"}, ending=ending(db, "unsent"))
    assert feedback.note(db, note, sequel)
    assert (now_is(db).state, now_is(db).report_id, feedback.kinds_of(db, note.action_id)) == ("unsent", 2, ["deleted"])
    before = dump(db)
    with pytest.raises(FenceError, match="handoff 1"):
        feedback.note(db, Feedback(action_id=note.action_id, kind="sent", noted_at=after(99)), sequel)
    assert dump(db) == before


@pytest.mark.usefixtures("asked")
def test_it_comes_up_when_its_time_has_come_and_once(db: Database) -> None:
    """As long as nobody has answered."""
    assert handoffs.overdue(db, "open", "waiting", after(599)) is None
    found = handoffs.overdue(db, "open", "waiting", after(600))
    assert found
    row, handed = found
    assert (row.id, handed.id) == (1, 1)
    number = handoffs.remind(db, row, own(db, "(waiting)"), "open")
    assert now_is(db).reminder_id == number
    assert handoffs.of_reminder(db, number) == now_is(db)
    assert handoffs.overdue(db, "open", "waiting", after(700)) is None
    with pytest.raises(FenceError, match="handoff 1"):
        handoffs.remind(db, row, own(db, "(waiting)", uid=2), "open")


@pytest.mark.usefixtures("asked")
def test_what_is_answered_does_not_come_up(db: Database) -> None:
    """Nor can it, where the answer came just before."""
    row = now_is(db)
    end(db)
    assert handoffs.overdue(db, "open", "waiting", after(700)) is None
    with pytest.raises(FenceError, match="handoff 1"):
        handoffs.remind(db, row, own(db, "(waiting)"), "open")


def test_it_does_not_come_up_while_its_letter_waits_and_later_by_as_long(db: Database, asked: Handoff) -> None:
    """Nobody was asked before the letter was let go."""
    with db.write() as session:
        session.get_one(Action, asked.letter_id).state = "waiting"
    assert handoffs.overdue(db, "open", "waiting", after(700)) is None
    with db.write() as session:
        session.get_one(Action, asked.letter_id).state = "planned"
        handoffs.put_off(session, asked.letter_id or 0, timedelta(seconds=150))
    assert handoffs.overdue(db, "open", "waiting", after(749)) is None
    assert handoffs.overdue(db, "open", "waiting", after(750))


def test_the_handoffs_of_letters_that_are_called_off_are_cancelled_where_they_are_open(
    db: Database, asked: Handoff
) -> None:
    """One that has ended stays as it is."""
    letters = [asked.letter_id or 0]
    with db.write() as session:
        handoffs.cancel_of_letters(session, letters, ["open"], "cancelled", after(90))
    assert (now_is(db).state, now_is(db).ended_at) == ("cancelled", after(90))
    with db.write() as session:
        handoffs.cancel_of_letters(session, letters, ["open"], "another", after(99))
    assert now_is(db).state == "cancelled"


@pytest.mark.usefixtures("asked")
def test_a_handoff_that_waits_for_no_answer_never_comes_up(db: Database) -> None:
    """One on a fork has no such time."""
    with db.write() as session:
        session.get_one(Handoff, 1).comes_up_at = None
    assert handoffs.overdue(db, "open", "waiting", after(10_000)) is None


@pytest.mark.usefixtures("asked")
def test_letters_are_looked_after_as_drafts_are(db: Database) -> None:
    """Where the kinds that are asked for name them."""
    with db.write() as session:
        for action in session.exec(select(Action)).all():
            action.state = "sent"
            session.add(action)
    wanted = {"stored": "sent", "final": ["deleted"], "since": NOW}
    mailbox = stored(db, 1).mailbox
    assert feedback.open_drafts(db, mailbox, drafts=["draft", "letter"], **wanted) == [1, 2]  # type: ignore[arg-type]
    assert feedback.open_drafts(db, mailbox, drafts=["draft"], **wanted) == [1]  # type: ignore[arg-type]


@pytest.mark.usefixtures("asked")
def test_the_past_knows_neither_the_answer_nor_that_it_came_up(db: Database) -> None:
    """Before the turn of the reminder, it had not come up; in that turn, it had."""
    row = now_is(db)
    reminder = handoffs.remind(db, row, own(db, "(waiting)"), "open")
    end(db)
    unknown = Unknown("screened", "planned", "open", "open", "open")
    turn = turns.get(db, row.turn_id)
    assert turn
    for message, seen in ((reminder - 1, None), (reminder, reminder)):
        past = Past(db, Moment(row.turn_id + 1, message, after(60)), unknown)
        with past.read() as session:
            then = session.get_one(Handoff, 1)
        assert (then.state, then.report, then.reminder_id, then.letter_id) == ("open", "", seen, row.letter_id)
        past.close()


def test_a_rollback_finds_the_letter_among_what_the_turn_did(db: Database, asked: Handoff) -> None:
    """It is an action as any other."""
    turn = turns.get(db, asked.turn_id)
    assert turn
    undone = rollbacks.behind(db, turn, ["settled"])
    assert [action.kind for action, _message in undone.actions] == ["draft", "letter"]
