"""Sessions: one is live, and only its newest holder moves it."""

import pytest
from sqlalchemy.exc import IntegrityError

from knowledge import decisions, sessions, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import AgentSession, Turn
from tests.knowledge.rows import NOW, after, closed, dump, live, opened, screened, session_row, settle


def settled(db: Database, uid: int, session: AgentSession, offset: int) -> Turn:
    """Settle a turn on a new mail, up to this offset of the transcript."""
    message = screened(db, uid)
    turn = closed(opened(db, message, session), head_offset=offset)
    settle(db, turn, session, message)
    return turn


def test_there_is_no_live_session_at_first(db: Database) -> None:
    """A new database has none."""
    assert sessions.live(db, "live") is None


def test_a_session_that_begins_is_live(db: Database) -> None:
    """It is found by its state."""
    live(db)
    found = sessions.live(db, "live")
    assert found
    assert found.id == "one"


def test_there_is_only_one_live_session(db: Database) -> None:
    """The table itself allows no second one."""
    live(db)
    with pytest.raises(IntegrityError, match=r"sessions\.state|one_live_session"), db.write() as session:
        session.add(session_row("two"))


def test_many_sessions_may_have_ended(db: Database) -> None:
    """The index is about live ones alone."""
    for name in ("one", "two", "three"):
        live(db, name)
    assert [row.state for row in sessions.chain(db)].count("ended") == 2


def test_a_session_that_begins_ends_the_one_before(db: Database) -> None:
    """The predecessor keeps when and why it ended."""
    live(db)
    live(db, "two", created_at=after(60))
    ended = next(row for row in sessions.chain(db) if row.id == "one")
    assert (ended.state, ended.ended_at, ended.end_reason) == ("ended", after(60), "a successor began")


def test_an_older_daemon_cannot_begin_a_session(db: Database) -> None:
    """The live session of a newer generation stays, and nothing is written."""
    live(db, generation=2)
    before = dump(db)
    with pytest.raises(IntegrityError, match=r"sessions\.state|one_live_session"):
        live(db, "two", generation=1)
    assert dump(db) == before


def test_a_session_ends_without_a_successor(db: Database) -> None:
    """The next turn begins one."""
    sessions.end(db, live(db), ended="ended", reason="too long", now=after(60))
    (row,) = sessions.chain(db)
    assert (row.state, row.end_reason, sessions.live(db, "live")) == ("ended", "too long", None)


def test_an_older_daemon_cannot_end_a_session(db: Database) -> None:
    """A newer generation holds it."""
    row = live(db)
    sessions.take_over(db, "one", 2)
    with pytest.raises(FenceError, match=r"^session one: "):
        sessions.end(db, row, ended="ended", reason="too long", now=NOW)


def test_a_session_ends_once(db: Database) -> None:
    """There is nothing left to end."""
    row = live(db)
    sessions.end(db, row, ended="ended", reason="too long", now=NOW)
    with pytest.raises(FenceError, match=r"^session one: "):
        sessions.end(db, row, ended="ended", reason="too long", now=NOW)


@pytest.mark.parametrize("generation", [3, 4])
def test_a_daemon_takes_a_session_over(db: Database, generation: int) -> None:
    """The same generation may do so again."""
    live(db, generation=3)
    sessions.take_over(db, "one", generation)
    found = sessions.live(db, "live")
    assert found
    assert found.generation == generation


def test_an_older_daemon_cannot_take_a_session_over(db: Database) -> None:
    """Whoever is newer keeps it."""
    live(db, generation=3)
    with pytest.raises(FenceError, match=r"^session one: "):
        sessions.take_over(db, "one", 2)


def test_it_lists_the_settled_turns_of_a_session_the_newest_first(db: Database) -> None:
    """Where the transcript is short, they are tried in this order."""
    session = live(db)
    for uid in (1, 2, 3):
        settled(db, uid, session, uid * 100)
    assert [turn.head_offset for turn in sessions.settled_turns(db, "one", "settled")] == [300, 200, 100]


def test_setting_a_session_back_moves_its_head(db: Database) -> None:
    """The head is that of the turn that is still there."""
    session = live(db)
    first = settled(db, 1, session, 100)
    settled(db, 2, session, 200)
    sessions.set_back(db, session, first, settled="settled", lost="lost")
    found = sessions.live(db, "live")
    assert found
    assert (found.head_uuid, found.head_offset) == (first.head_uuid, 100)


def test_setting_a_session_back_makes_later_turns_lost(db: Database) -> None:
    """Those turns are no longer in the transcript."""
    session = live(db)
    first = settled(db, 1, session, 100)
    for uid in (2, 3):
        settled(db, uid, session, uid * 100)
    sessions.set_back(db, session, first, settled="settled", lost="lost")
    assert [turn.head_offset for turn in turns.in_state(db, "lost")] == [200, 300]


def test_setting_back_a_session_that_a_newer_daemon_holds_writes_nothing(db: Database) -> None:
    """The fence comes first."""
    session = live(db)
    first = settled(db, 1, session, 100)
    settled(db, 2, session, 200)
    sessions.take_over(db, "one", 2)
    before = dump(db)
    with pytest.raises(FenceError, match=r"^session one: "):
        sessions.set_back(db, session, first, settled="settled", lost="lost")
    assert dump(db) == before


def test_what_lost_turns_decided_is_briefed_until_a_later_turn_has_settled(db: Database) -> None:
    """The gap is told once."""
    session = live(db)
    first = settled(db, 1, session, 100)
    settled(db, 2, session, 200)
    sessions.set_back(db, session, first, settled="settled", lost="lost")
    told = [entry.message.uid for entry in decisions.of_lost_turns(db, "one", "lost", "settled")]
    settled(db, 3, session, 200)
    assert (told, decisions.of_lost_turns(db, "one", "lost", "settled")) == ([2], [])


def test_it_lists_all_sessions_the_newest_first(db: Database) -> None:
    """The chain of predecessors can be read."""
    for number, name in enumerate(("one", "two", "three")):
        live(db, name, created_at=after(number))
    assert [row.id for row in sessions.chain(db)] == ["three", "two", "one"]
