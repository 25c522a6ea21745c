"""Replays: which messages, and what is written of them."""

import pytest

from knowledge import replays, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.replays import Selection
from knowledge.tables import Replay, ReplayTurn, Turn
from tests.knowledge.rows import NOW, after, closed, live, opened, screened, settle


@pytest.fixture
def two(db: Database) -> list[Turn]:
    """Decide two mails of two cases, a minute apart."""
    session = live(db)
    found = []
    for number in range(2):
        message = screened(db, number + 1)
        turn = closed(opened(db, message, session, started_at=after(60 * number)))
        settle(db, turn, session, message)
        found.append(turn)
    return found


def turn_of(db: Database, replay: Replay) -> ReplayTurn:
    """Open a turn of a replay."""
    row = ReplayTurn(replay_id=replay.id or 0, message_id=1, session_id="one", variant="v", model="m", state="open",
                     reserved_usd=0.5, started_at=NOW)  # fmt: skip
    return replays.open_turn(db, row)


def begun(db: Database) -> Replay:
    """Begin a replay."""
    return replays.begin(db, Replay(of_live_session=False, variants=["v"], started_at=NOW))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Selection(since=after(30)), [2]),
        (Selection(case=1), [1]),
        (Selection(ids=(2, 9)), [2]),
        (Selection(since=after(30), case=1), []),
        (Selection(), [1, 2]),
    ],
)
def test_messages_are_selected_by_time_case_and_number(
    db: Database, two: list[Turn], wanted: Selection, found: list[int]
) -> None:
    """What is given narrows the choice."""
    assert two
    assert [row.uid for row, _turn in replays.turns_of(db, wanted)] == found


def test_what_is_open_counts_in_the_caps_with_all_that_it_reserved(db: Database, two: list[Turn]) -> None:
    """Then with what it cost."""
    assert two
    before = turns.spent_since(db, NOW)
    row = turn_of(db, begun(db))
    assert turns.spent_since(db, NOW) == pytest.approx(before + 0.5)
    row.state, row.cost_usd = "settled", 0.02
    replays.close_turn(db, row, "open")
    assert turns.spent_since(db, NOW) == pytest.approx(before + 0.02)


def test_a_turn_is_closed_once(db: Database, two: list[Turn]) -> None:
    """Whoever comes second finds it closed."""
    assert two
    row = turn_of(db, begun(db))
    row.state = "settled"
    replays.close_turn(db, row, "open")
    with pytest.raises(FenceError):
        replays.close_turn(db, row, "open")


def test_what_was_left_open_is_closed_with_its_charge(db: Database, two: list[Turn]) -> None:
    """What was closed stays as it was, and so does another replay."""
    assert two
    first, second = begun(db), begun(db)
    left, done, other = turn_of(db, first), turn_of(db, first), turn_of(db, second)
    done.state, done.cost_usd = "settled", 0.1
    replays.close_turn(db, done, "open")
    replays.break_off(db, first.id or 0, open_state="open", state="dropped", failure="it ended", now=after(5))
    found = {row.id: (row.state, row.cost_usd, row.failure) for row, _message in replays.results(db, first.id or 0)}
    assert found == {left.id: ("dropped", 0.5, "it ended"), done.id: ("settled", 0.1, "")}
    assert [row.id for row in replays.unfinished(db)] == [second.id]
    assert [row.state for row, _message in replays.results(db, other.replay_id)] == ["open"]


def test_an_ended_replay_is_not_unfinished(db: Database) -> None:
    """It has an end."""
    row = begun(db)
    replays.end(db, row.id or 0, after(9))
    assert replays.unfinished(db) == []
    assert replays.get(db, row.id or 0).ended_at == after(9)
