"""Upkeeps: opened before they begin, closed with what they change, all or nothing."""

from typing import Any

import pytest

from knowledge import service, sessions, turns, upkeeps
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.service import Closing
from knowledge.tables import AgentSession, Upkeep
from knowledge.upkeeps import Summary, Words
from tests.knowledge.rows import NOW, after, dump, live, screened, session_row

WORDS = Words("live", "ended")


def opened_upkeep(db: Database, session: AgentSession, kind: str = "rotate", **changes: Any) -> Upkeep:
    """Open an upkeep of a session."""
    values: dict[str, Any] = {
        "session_id": session.id,
        "generation": session.generation,
        "kind": kind,
        "why": "messages: 2 of 2",
        "state": "open",
        "model": "m",
        "reserved_usd": 0.5,
        "started_at": NOW,
    }
    return upkeeps.begin(db, Upkeep(**{**values, **changes}))


def done(row: Upkeep, **changes: Any) -> Upkeep:
    """Fill in what closes one."""
    for name, value in {"state": "done", "ended_at": after(2), "cost_usd": 0.02, **changes}.items():
        setattr(row, name, value)
    return row


def found(db: Database) -> AgentSession:
    """Give the live session as it stands now."""
    row = sessions.live(db, "live")
    assert row
    return row


def test_one_that_is_open_counts_with_all_that_it_reserved(db: Database) -> None:
    """And when it is closed, with what it cost."""
    row = opened_upkeep(db, live(db))
    assert turns.spent_since(db, NOW) == 0.5
    upkeeps.failed(db, done(row, state="failed"))
    assert turns.spent_since(db, NOW) == pytest.approx(0.02)


def test_a_compaction_moves_the_head_and_says_what_it_freed(db: Database) -> None:
    """The session goes on under its id, with what was measured behind the summary."""
    session = live(db)
    row = done(opened_upkeep(db, session, "compact"), tokens_before=9000, tokens_after=1500)
    upkeeps.compacted(db, row, session, Summary("summary", 700, 0.83), None)
    now = found(db)
    assert (now.id, now.head_uuid, now.head_offset, now.context_tokens) == (session.id, "summary", 700, 1500)
    assert now.reclaimed == 0.83
    assert [item.state for item in upkeeps.of_session(db, session.id)] == ["done"]


def test_a_compaction_of_a_session_that_a_newer_daemon_holds_writes_nothing(db: Database) -> None:
    """The fences come first."""
    session = live(db)
    row = done(opened_upkeep(db, session, "compact"))
    sessions.take_over(db, session.id, 2)
    before = dump(db)
    with pytest.raises(FenceError, match=r"^session one: "):
        upkeeps.compacted(db, row, session, Summary("summary", 700, 0.8), None)
    assert dump(db) == before


def test_a_rotation_ends_the_old_session_and_keeps_its_notes(db: Database) -> None:
    """The successor is live, and both know of each other."""
    case = screened(db, 1).case_id or 0
    session = live(db)
    successor = session_row("two", predecessor="one", created_at=after(2))
    upkeeps.rotated(db, done(opened_upkeep(db, session)), successor, {case: "She waits."}, WORDS, None)
    assert (found(db).id, found(db).predecessor) == ("two", "one")
    old = sessions.get(db, "one")
    assert old
    assert (old.state, old.end_reason, old.ended_at) == ("ended", "messages: 2 of 2", after(2))
    assert [(note.case_id, note.text) for note in upkeeps.notes_of(db, "one")] == [(case, "She waits.")]


def test_one_that_was_closed_cannot_be_closed_again(db: Database) -> None:
    """What a crash left open is closed once; a late success finds it closed, and changes nothing."""
    session = live(db)
    row = opened_upkeep(db, session)
    upkeeps.failed(db, done(row, state="failed"))
    before = dump(db)
    with pytest.raises(FenceError, match=r"^upkeep 1: "):
        upkeeps.rotated(db, done(row), session_row("two"), {}, WORDS, None)
    assert dump(db) == before


def test_those_that_a_crash_left_open_are_found(db: Database) -> None:
    """By their state."""
    session = live(db)
    upkeeps.failed(db, done(opened_upkeep(db, session), state="failed"))
    second = opened_upkeep(db, session)
    assert [row.id for row in upkeeps.in_state(db, "open")] == [second.id]


def test_a_session_s_standing_counts_what_its_upkeeps_cost(db: Database) -> None:
    """Beside its turns."""
    session = live(db)
    upkeeps.failed(db, done(opened_upkeep(db, session), state="failed"))
    turns, last, dollars = sessions.standing(db, session.id, "settled")
    assert (turns, last) == (0, None)
    assert dollars == pytest.approx(0.02)


def test_a_rotation_of_a_session_that_is_no_longer_live_writes_nothing(db: Database) -> None:
    """Whatever took its place goes on."""
    session = live(db)
    row = done(opened_upkeep(db, session))
    live(db, "other")
    before = dump(db)
    with pytest.raises(FenceError, match=r"^session one: "):
        upkeeps.rotated(db, row, session_row("two"), {}, WORDS, None)
    assert dump(db) == before


def test_the_order_for_one_is_closed_with_it(db: Database) -> None:
    """In the same transaction: a crash cannot have it carried out twice."""
    session = live(db)
    number = service.leave_order(db, "rotate", "", "waiting", NOW)
    order = service.order(db, number)
    assert order
    closing = Closing(order, "done", "it has ended")
    upkeeps.rotated(db, done(opened_upkeep(db, session)), session_row("two"), {}, WORDS, closing)
    closed = service.order(db, number)
    assert closed
    assert (closed.state, closed.outcome) == ("done", "it has ended")


def test_failures_are_counted_since_the_last_success(db: Database) -> None:
    """The pause before the next try grows with them."""
    session = live(db)
    assert upkeeps.failures(db, session.id, "failed", kinds=["rotate", "compact"], but="stopped") == (0, None)
    upkeeps.failed(db, done(opened_upkeep(db, session), state="failed"))
    upkeeps.compacted(db, done(opened_upkeep(db, session, "compact")), session, Summary("s", 9, None), None)
    for seconds in (10, 20):
        upkeeps.failed(db, done(opened_upkeep(db, session), state="failed", ended_at=after(seconds)))
    upkeeps.failed(db, done(opened_upkeep(db, session), state="failed", failure="stopped"))
    assert upkeeps.failures(db, session.id, "failed", kinds=["rotate", "compact"], but="stopped") == (2, after(20))
    assert upkeeps.failures(db, session.id, "failed", kinds=["compact"], but="stopped") == (0, None)
    opened_upkeep(db, session)
    assert upkeeps.failures(db, session.id, "failed", kinds=["rotate", "compact"], but="stopped") == (2, after(20))
