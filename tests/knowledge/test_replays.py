"""Replays: which messages, and what is written of them."""

import pytest

from knowledge import replays, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.replays import Selection, Words
from knowledge.tables import Replay, ReplayTurn, Turn
from tests.knowledge.rows import NOW, after, closed, live, opened, screened, settle, turn_row


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
    return replays.open_turn(db, [], lambda: row)


def begun(db: Database, place: str = "here") -> Replay:
    """Begin a replay."""
    row = Replay(of_live_session=False, place=place, wanted=1, variants=["v"], started_at=NOW)
    return replays.begin(db, row)


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
    """What was closed stays as it was, and so does a replay whose place somebody holds."""
    assert two
    first, second = begun(db), begun(db, "held")
    left, done, other = turn_of(db, first), turn_of(db, first), turn_of(db, second)
    done.state, done.cost_usd = "settled", 0.1
    replays.close_turn(db, done, "open")
    replays.break_off(db, ["held"], Words("open", "dropped", "it ended"), after(5))
    found = {row.id: (row.state, row.cost_usd, row.failure) for row, _message in replays.results(db, first.id or 0)}
    assert found == {left.id: ("dropped", 0.5, "it ended"), done.id: ("settled", 0.1, "")}
    assert [row.ended_at for row in replays.newest(db)] == [None, after(5)]
    assert [row.state for row, _message in replays.results(db, other.replay_id)] == ["open"]


def test_an_ended_replay_keeps_its_end(db: Database) -> None:
    """Only one without an end is broken off."""
    row = begun(db)
    replays.end(db, row.id or 0, after(9))
    replays.break_off(db, [], Words("open", "dropped", "it ended"), after(99))
    found = replays.get(db, row.id or 0)
    assert found
    assert found.ended_at == after(9)


def test_a_row_is_made_of_what_was_spent_until_then(db: Database, two: list[Turn]) -> None:
    """No other can reserve in between: it is asked in the transaction that writes the row."""
    assert two
    first = turn_of(db, begun(db))
    seen: list[float] = []

    def make(today: float, month: float) -> ReplayTurn:
        seen.extend((today, month))
        return ReplayTurn(**first.model_dump(exclude={"id"}))

    replays.open_turn(db, [after(3600), NOW], make)
    assert seen == [pytest.approx(0.0), pytest.approx(0.7)]


def test_what_replays_hold_is_what_their_open_turns_reserved(db: Database, two: list[Turn]) -> None:
    """A closed one holds nothing."""
    assert two
    assert turns.held_beside(db) == 0.0
    row = turn_of(db, begun(db))
    assert turns.held_beside(db) == 0.5
    row.state, row.cost_usd = "settled", 0.02
    replays.close_turn(db, row, "open")
    assert turns.held_beside(db) == 0.0


def test_a_message_is_selected_with_all_of_its_turns(db: Database) -> None:
    """Also with those from before the time that is asked for."""
    session = live(db)
    message = screened(db, 1)
    opened(db, message, session)
    with db.write() as rows:
        rows.add(turn_row(message, session, started_at=after(60)))
    assert len(replays.turns_of(db, Selection(since=after(30)))) == 2
