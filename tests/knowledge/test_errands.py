"""Handoffs to those who work beside the turns: begun, put back, closed, cancelled; and what they hold of the caps."""

from collections.abc import Callable
from typing import Any

import pytest

from knowledge import cases, errands, folders, handoffs, ledger, turns
from knowledge.database import Database
from knowledge.errands import Begin, Closing, Spent, States, Waiting
from knowledge.errors import FenceError
from knowledge.past import Moment, Past, Unknown
from knowledge.tables import Case, Handoff, Message, Turn
from tests.knowledge.rows import (
    NOW,
    after,
    closed,
    dump,
    handoff_row,
    live,
    opened,
    screened,
    settle,
    stored,
    turn_row,
)
from tests.knowledge.test_rollbacks import back

STATES = States("open", "working", "cancelled")
USED = Spent(0.03, 100, 20, 3, 4, 1.5, ("recall",))
OUTSTANDING = ("open", "working")


@pytest.fixture
def handed(db: Database) -> Handoff:
    """Settle a turn that hands its message over."""
    session = live(db)
    message = screened(db, 1)
    turn = closed(opened(db, message, session))
    settle(db, turn, session, message)
    return add(db, turn)


def add(db: Database, turn: Turn, **changes: Any) -> Handoff:
    """Write a handoff of a turn."""
    row = handoff_row(turn, **changes)
    with db.write() as session:
        session.add(row)
    return row


def now_is(db: Database, row: Handoff) -> Handoff:
    """Give the row as it stands now."""
    with db.read() as session:
        return session.get_one(Handoff, row.id)


def begin(db: Database, row: Handoff, fits: Callable[..., bool] = lambda *_spent: True) -> Handoff | None:
    """Begin a try, with half a dollar reserved."""
    return errands.begin(db, row, STATES, Begin(0.5, after(60), (NOW, NOW), fits))


def begun(db: Database, row: Handoff) -> Handoff:
    """Begin a try that the caps bear."""
    found = begin(db, row)
    assert found
    return found


def report(row: Handoff, **changes: Any) -> Message:
    """Make the message that brings a report."""
    values = {"mailbox": "m", "folder": "(handoffs)", "uidvalidity": 0, "uid": row.id, "size": 1, "about_id": 1,
              "received_at": NOW, "state": "received", "updated_at": NOW}  # fmt: skip
    return Message(**{**values, **changes})


def close(db: Database, row: Handoff, **files: str) -> int | None:
    """Close a handoff with a report."""
    message = report(row, sha256=stored(db, row.message_id).sha256, words="They may.")
    return errands.close(db, row, STATES, USED, Closing("reported", "They may.", message, files), after(90))


def of_turn(db: Database, number: int) -> Turn:
    """Give a turn that is there."""
    found = turns.get(db, number)
    assert found
    return found


def test_the_oldest_that_waits_for_a_fork_is_next(db: Database, handed: Handoff) -> None:
    """Not one that waits for something else, that ended, or that somebody is at."""
    turn = of_turn(db, handed.turn_id)
    later = add(db, turn)
    add(db, turn, awaits="a person")
    add(db, turn, awaits="", state="reported")
    assert [found.id for _ in range(2) if (found := errands.next_open(db, "open", "fork"))] == [handed.id] * 2
    begin(db, handed)
    found = errands.next_open(db, "open", "fork")
    assert found
    assert found.id == later.id
    begin(db, later)
    assert errands.next_open(db, "open", "fork") is None


def test_a_try_begins_with_its_dollars_reserved(db: Database, handed: Handoff) -> None:
    """They count in every window that the try is in, until it is known what it cost."""
    row = begun(db, handed)
    assert (row.state, row.tries, row.reserved_usd, row.started_at) == ("working", 1, 0.5, after(60))
    assert turns.spent_since(db, after(30)) == 0.5
    assert turns.spent_since(db, after(61)) == 0.0
    assert turns.held_beside(db) == 0.5
    assert turns.spent_on_case(db, 1) == pytest.approx(0.6)
    close(db, row)
    assert turns.spent_since(db, after(30)) == pytest.approx(0.03)
    assert turns.held_beside(db) == 0.0
    assert turns.spent_on_case(db, 1) == pytest.approx(0.13)


def test_one_that_ended_within_its_turn_is_part_of_the_turns_dollars(db: Database, handed: Handoff) -> None:
    """It must not be counted twice."""
    add(db, of_turn(db, handed.turn_id), awaits="", state="reported", cost_usd=0.04)
    assert turns.spent_since(db, NOW) == pytest.approx(0.1)
    assert turns.spent_on_case(db, 1) == pytest.approx(0.1)


def test_a_try_that_is_too_dear_leaves_nothing(db: Database, handed: Handoff) -> None:
    """What it is weighed against holds its own dollars, in the same transaction."""
    seen: list[float] = []
    before = dump(db)

    def too_dear(*spent: float) -> bool:
        seen.extend(spent)
        return False

    assert begin(db, handed, too_dear) is None
    assert seen == [pytest.approx(0.6), pytest.approx(0.6)]
    assert dump(db) == before


def test_nothing_is_begun_twice(db: Database, handed: Handoff) -> None:
    """The fence holds off whoever comes second."""
    begin(db, handed)
    with pytest.raises(FenceError):
        begin(db, handed)


def test_one_that_is_put_back_waits_again_with_what_it_used(db: Database, handed: Handoff) -> None:
    """The next try adds to it."""
    errands.put_back(db, begun(db, handed), STATES, USED, Waiting(0, after(70)))
    row = now_is(db, handed)
    assert (row.state, row.tries, row.outage_at, row.reserved_usd) == ("open", 0, after(70), 0.0)
    assert (row.cost_usd, row.input_tokens, row.output_tokens, row.seconds) == (0.03, 100, 20, 1.5)
    assert close(db, begun(db, row))
    row = now_is(db, handed)
    assert (row.cost_usd, row.cache_read_tokens, row.cache_write_tokens, row.seconds) == (0.06, 6, 8, 3.0)
    assert row.tools == ["recall", "recall"]


def test_a_report_comes_in_with_the_handoffs_end(db: Database, handed: Handoff) -> None:
    """In the case and of the person of what was handed over, with the files, in one transaction."""
    number = close(db, begun(db, handed), **{"notes.txt": "They may."})
    row, brought = now_is(db, handed), stored(db, number)
    assert (row.state, row.report, row.ended_at, row.report_id) == ("reported", "They may.", after(90), number)
    assert (brought.case_id, brought.person_id, brought.words, brought.state) == (1, 1, "They may.", "received")
    assert [(file.name, file.turn_id) for file in folders.of_case(db, 1)] == [("notes.txt", handed.turn_id)]
    found = handoffs.of_report(db, number or 0)
    assert found
    assert found.id == handed.id
    assert handoffs.of_report(db, handed.message_id) is None


def test_a_report_comes_into_the_case_as_that_is_then(db: Database, handed: Handoff) -> None:
    """It was merged meanwhile."""
    row = begun(db, handed)
    screened(db, 2)
    with db.write() as session:
        cases.merge(session, session.get_one(Case, 2), session.get_one(Case, 1), "closed")
    assert stored(db, close(db, row, **{"notes.txt": "-"})).case_id == 2
    assert len(folders.of_case(db, 2)) == 1


@pytest.mark.parametrize("late", [0, 1])
def test_an_earlier_try_that_comes_late_closes_nothing(db: Database, handed: Handoff, late: int) -> None:
    """Another one has begun since: only the newest may say what came of it."""
    first = begun(db, handed)
    errands.put_back(db, first, STATES, USED, Waiting(1, None))
    begin(db, now_is(db, handed))
    before = dump(db)
    with pytest.raises(FenceError):
        close(db, first) if late else errands.put_back(db, first, STATES, USED, Waiting(1, None))
    assert dump(db) == before


@pytest.mark.parametrize("ending", ["close", "put back"])
def test_what_was_cancelled_meanwhile_is_only_paid(db: Database, handed: Handoff, ending: str) -> None:
    """Its report is discarded, and its files with it; it is not tried again."""
    row = begun(db, handed)
    assert errands.is_at_work(db, row)
    back(db, of_turn(db, handed.turn_id))
    assert not errands.is_at_work(db, row)
    assert turns.held_beside(db) == 0.5
    if ending == "close":
        assert close(db, row, **{"notes.txt": "They may."}) is None
    else:
        errands.put_back(db, row, STATES, USED, Waiting(0, None))
    found = now_is(db, handed)
    assert (found.state, found.report, found.report_id) == ("cancelled", "", None)
    assert (found.cost_usd, found.reserved_usd) == (0.03, 0.0)
    assert folders.of_case(db, 1) == []
    assert ledger.counts(db) == {"held": 1}


def test_what_a_crash_has_left_is_found(db: Database, handed: Handoff) -> None:
    """Those at work, and those cancelled since whose cost nobody has written down."""
    turn = of_turn(db, handed.turn_id)
    other = add(db, turn)
    begin(db, handed)
    begin(db, other)
    with db.write() as session:
        handoffs.cancel_of_case(session, 1, ["working"], "cancelled", NOW)
    assert begun(db, add(db, turn)).id == 3
    assert [(row.id, row.state) for row in errands.left_working(db, STATES)] == [
        (1, "cancelled"), (2, "cancelled"), (3, "working"),
    ]  # fmt: skip
    errands.pay(db, now_is(db, handed), STATES, Spent(0.5))
    assert (now_is(db, handed).cost_usd, now_is(db, handed).reserved_usd) == (0.5, 0.0)
    assert [row.id for row in errands.left_working(db, STATES)] == [2, 3]


def test_a_rollback_cancels_what_its_turns_have_left_open_and_nothing_else(db: Database, handed: Handoff) -> None:
    """Also where the report is in: nobody is to act on it any more. What ended within its turn stays as it ended."""
    session = live(db, "two")
    message = screened(db, 2)
    turn = closed(opened(db, message, session), head_offset=200)
    settle(db, turn, session, message)
    theirs = [add(db, turn), add(db, turn, state="reported", ended_at=NOW), add(db, turn, awaits="", state="failed")]
    back(db, turn, after(99))
    assert [(now_is(db, row).state, now_is(db, row).ended_at) for row in theirs] == [
        ("cancelled", after(99)), ("cancelled", NOW), ("failed", None),
    ]  # fmt: skip
    assert now_is(db, handed).state == "open"


def test_closing_a_case_cancels_those_of_its_messages(db: Database, handed: Handoff) -> None:
    """And of no other case."""
    session = live(db, "two")
    other = add(db, opened(db, screened(db, 2), session))
    with db.write() as writing:
        assert handoffs.cancel_of_case(writing, 1, OUTSTANDING, "cancelled", NOW) == 1
    assert (now_is(db, handed).state, now_is(db, other).state) == ("cancelled", "open")


def test_what_is_outstanding_is_listed_with_what_was_handed_over(db: Database, handed: Handoff) -> None:
    """The oldest first, in whichever case."""
    add(db, of_turn(db, handed.turn_id), state="reported")
    at_work = add(db, of_turn(db, handed.turn_id), state="working")
    assert [(row.id, of.id) for row, of in handoffs.outstanding(db, OUTSTANDING)] == [(handed.id, 1), (at_work.id, 1)]
    assert handoffs.numbers(db, OUTSTANDING) == [handed.id, at_work.id]


def test_a_replay_sees_what_was_outstanding_then(db: Database, handed: Handoff) -> None:
    """Neither a report that came in later, nor a handoff of a later turn."""
    row = begun(db, handed)
    close(db, row, **{"notes.txt": "They may."})
    message = screened(db, 2)
    with db.write() as session:
        late = turn_row(message, live(db, "two"), started_at=after(200))
        session.add(late)
    add(db, late)
    seen = []
    for at in (after(80), after(95)):
        past = Past(
            db, Moment(late.id or 0, message.id or 0, at), Unknown("screened", "planned", "open", "open", "open")
        )
        (found,) = handoffs.of_case(past, 1)
        seen.append((found.state, found.report, found.report_id, len(folders.of_case(past, 1))))
        past.close()
    assert seen == [("open", "", None, 0), ("reported", "They may.", now_is(db, handed).report_id, 1)]


def test_a_handoff_is_counted_by_how_it_stands(db: Database, handed: Handoff) -> None:
    """Reports, and those whose report is to come."""
    add(db, of_turn(db, handed.turn_id), state="reported", cost_usd=0.25, seconds=2.0)
    (balance,) = handoffs.balances(db, "reported", OUTSTANDING)
    assert (balance.count, balance.reported, balance.outstanding, balance.dollars) == (2, 1, 1, 0.25)
