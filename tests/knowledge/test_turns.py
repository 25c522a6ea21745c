"""Turns: all or nothing, and never twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from knowledge import decisions, sessions, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import AgentSession, Message, Turn
from knowledge.turns import Step
from tests.knowledge.rows import (
    ASK,
    NOW,
    action_row,
    after,
    closed,
    dump,
    live,
    opened,
    screened,
    settle,
    stored,
    turn_row,
)

BACK = Step("asking", "screened", "it broke")
Asked = tuple[Message, AgentSession, Turn]


@pytest.fixture
def asked(db: Database) -> Asked:
    """Open a turn on a first mail."""
    message, session = screened(db, 1), live(db)
    return message, session, opened(db, message, session)


def drop(db: Database, turn: Turn) -> None:
    """Drop a turn that has been closed."""
    turns.drop(db, turn, open_state="open", step=BACK, actions=[], now=NOW)


def test_an_opened_turn_takes_its_message_on(db: Database, asked: Asked) -> None:
    """Turn and message are committed together before anything is sent."""
    (turn,) = turns.in_state(db, "open")
    row = stored(db, asked[0].id)
    assert (turn.prompt_uuid, row.state, row.attempts) == (asked[2].prompt_uuid, "asking", 1)


def test_a_message_has_no_second_open_turn(db: Database, asked: Asked) -> None:
    """A message that is being asked about is not asked about again."""
    before = dump(db)
    with pytest.raises(FenceError, match=r"^message 1: "):
        opened(db, asked[0], asked[1])
    assert dump(db) == before


def test_a_prompt_has_one_turn(db: Database, asked: Asked) -> None:
    """The uuid by which a prompt is found in the transcript is unique."""
    other = turn_row(screened(db, 2), asked[1], prompt_uuid=asked[2].prompt_uuid)
    with pytest.raises(IntegrityError, match="prompt_uuid"):
        turns.open_turn(db, other, ASK, NOW)


# Settling


def test_a_settled_turn_writes_all_that_came_of_it(db: Database, asked: Asked) -> None:
    """Decision, action, usage, head and the message's move are there together."""
    message, session, turn = asked
    settle(db, closed(turn), session, message, action_row(message))
    entry = decisions.of_message(db, message.id or 0)
    held = sessions.live(db, "live")
    assert entry
    assert entry.decision
    assert entry.turn
    assert held
    assert (entry.message.state, entry.decision.category, entry.turn.state, held.head_uuid, held.head_offset) == (
        "decided",
        "question",
        "settled",
        "head-1",
        100,
    )


def test_the_actions_of_a_settled_turn_belong_to_its_decision(db: Database, asked: Asked) -> None:
    """From an action one finds what was decided."""
    message, session, turn = asked
    settle(db, closed(turn), session, message, action_row(message))
    entry = decisions.of_message(db, message.id or 0)
    assert entry
    assert entry.decision
    assert [action.decision_id for action in entry.actions] == [entry.decision.id]


def take_over(db: Database, asked: Asked) -> None:
    """Let a newer daemon hold the session."""
    sessions.take_over(db, asked[1].id, 2)


def succeed(db: Database, _asked: Asked) -> None:
    """Begin another session."""
    live(db, "two")


def lose(db: Database, asked: Asked) -> None:
    """Drop the turn."""
    drop(db, closed(asked[2].model_copy(), "dropped"))


def move_away(db: Database, asked: Asked) -> None:
    """Move the message, but leave the turn open."""
    turns.step(db, asked[0].id or 0, Step("asking", "held"), [], NOW)


def decide_already(db: Database, asked: Asked) -> None:
    """Settle the turn."""
    message, session, turn = asked
    settle(db, closed(turn.model_copy()), session, message)


@pytest.mark.parametrize(
    ("meanwhile", "fence"),
    [
        (decide_already, "turn 1"),
        (lose, "turn 1"),
        (take_over, "session one"),
        (succeed, "session one"),
        (move_away, "message 1"),
    ],
    ids=["it has settled", "it was dropped", "a newer daemon began", "another session began", "the message was moved"],
)
def test_a_turn_that_came_too_late_writes_nothing(
    db: Database, asked: Asked, meanwhile: Callable[[Database, Asked], None], fence: str
) -> None:
    """Whatever happened meanwhile, the fence says so and the database stays as it was."""
    message, session, turn = asked
    meanwhile(db, asked)
    before = dump(db)
    with pytest.raises(FenceError, match=f"^{fence}: it was changed by somebody else meanwhile$"):
        settle(db, closed(turn), session, message, action_row(message))
    assert dump(db) == before


def test_a_turn_of_another_generation_does_not_settle(db: Database, asked: Asked) -> None:
    """A turn belongs to the daemon that opened it."""
    message, session, turn = asked
    with pytest.raises(FenceError, match=r"^turn 1: "):
        settle(db, closed(turn, generation=2), session, message)


def test_a_message_is_decided_once(db: Database, asked: Asked) -> None:
    """A second decision on a message is refused by the table itself, and nothing of its turn is written."""
    message, session, turn = asked
    settle(db, closed(turn), session, message)
    turns.step(db, message.id or 0, Step("decided", "screened"), [], NOW)
    again = opened(db, message, session)
    before = dump(db)
    with pytest.raises(IntegrityError, match=r"decisions\.message_id|one_decision"):
        settle(db, closed(again), session, message)
    assert dump(db) == before


# Dropping


def test_a_dropped_turn_puts_its_message_back(db: Database, asked: Asked) -> None:
    """The message waits again, with the reason."""
    message, _session, turn = asked
    drop(db, closed(turn, "dropped", failure="it broke"))
    row = stored(db, message.id)
    assert (row.state, row.reason, len(turns.in_state(db, "dropped"))) == (
        "screened",
        "it broke",
        1,
    )


def test_a_dropped_turn_leaves_the_head_where_it_was(db: Database, asked: Asked) -> None:
    """Only a settled turn moves the session on."""
    drop(db, closed(asked[2], "dropped"))
    held = sessions.live(db, "live")
    assert held
    assert (held.head_uuid, held.head_offset) == (None, 0)


def test_a_turn_is_dropped_once(db: Database, asked: Asked) -> None:
    """A turn that is closed is not closed again, and nothing is written."""
    drop(db, closed(asked[2], "dropped"))
    before = dump(db)
    with pytest.raises(FenceError, match=r"^turn 1: "):
        drop(db, closed(asked[2], "dropped", failure="again"))
    assert dump(db) == before


def test_closing_a_turn_leaves_its_prompt_alone(db: Database, asked: Asked) -> None:
    """What was asked, of which message and in which session, never changes."""
    turn = asked[2]
    changed = turn.model_copy(update={"prompt": "Other", "prompt_uuid": "other", "session_id": "x", "message_id": 99})
    with pytest.raises(FenceError, match=r"^message 99: "):
        drop(db, closed(changed, "dropped"))
    (kept,) = turns.in_state(db, "open")
    assert (kept.prompt, kept.message_id) == ("Decide.", 1)


@pytest.mark.parametrize(
    ("step", "attempts", "due"),
    [
        (Step("asking", "screened"), 1, None),
        (Step("asking", "screened", attempts=0), 0, None),
        (Step("asking", "screened", due_at=after(60)), 1, after(60)),
    ],
    ids=["as it was", "not counted", "put off"],
)
def test_a_step_changes_what_it_names(db: Database, asked: Asked, step: Step, attempts: int, due: object) -> None:
    """Attempts stay where the step says nothing of them; a due time is only there where it is given."""
    turns.drop(db, closed(asked[2], "dropped"), open_state="open", step=step, actions=[], now=NOW)
    row = stored(db, asked[0].id)
    assert (row.attempts, row.due_at) == (attempts, due)


def test_a_step_keeps_the_last_outage_where_it_names_none(db: Database, asked: Asked) -> None:
    """When a message last met an outage is remembered."""
    message, session, turn = asked
    met = Step("asking", "screened", outage_at=NOW)
    turns.drop(db, closed(turn, "dropped"), open_state="open", step=met, actions=[], now=NOW)
    drop(db, closed(opened(db, message, session), "dropped"))
    row = stored(db, message.id)
    assert row.outage_at == NOW


# Money


def test_nothing_was_spent_in_an_empty_database(db: Database) -> None:
    """The sum of no turns is nought."""
    assert turns.spent_since(db, NOW) == 0.0


def test_an_open_turn_counts_with_its_reservation(db: Database, asked: Asked) -> None:
    """What a turn may cost is taken for spent until it is known."""
    assert turns.spent_since(db, asked[2].started_at) == 0.5


@pytest.mark.parametrize("state", ["settled", "dropped", "lost"])
def test_a_closed_turn_counts_with_its_cost(db: Database, asked: Asked, state: str) -> None:
    """What was spent was spent, however the turn ended."""
    turns.drop(db, closed(asked[2], state), open_state="open", step=BACK, actions=[], now=NOW)
    assert turns.spent_since(db, NOW) == pytest.approx(0.1)


def test_a_turn_that_cost_nothing_counts_nothing(db: Database, asked: Asked) -> None:
    """A known cost of nought is not an unknown one."""
    drop(db, closed(asked[2], "dropped", cost_usd=0.0))
    assert turns.spent_since(db, NOW) == 0.0


@pytest.mark.parametrize(("seconds", "spent"), [(-1, 0.0), (0, 0.5), (1, 0.5), (10**9, 0.5)])
def test_a_turn_counts_from_the_beginning_of_the_window_without_end(db: Database, seconds: int, spent: float) -> None:
    """A row stamped in the future counts inside every cap."""
    opened(db, screened(db, 1), live(db), started_at=NOW + timedelta(seconds=seconds))
    assert turns.spent_since(db, NOW) == spent


def test_all_turns_of_the_window_are_added_up(db: Database, asked: Asked) -> None:
    """Open and closed ones together."""
    drop(db, closed(asked[2], "dropped"))
    opened(db, screened(db, 2), asked[1])
    assert turns.spent_since(db, NOW) == pytest.approx(0.6)


def test_it_says_when_a_turn_settled_last(db: Database, asked: Asked) -> None:
    """The newest end of a settled turn counts."""
    message, session, turn = asked
    settle(db, closed(turn, ended_at=after(60)), session, message)
    assert turns.last_settled_at(db, "settled") == after(60)


def test_no_turn_has_settled_at_first(db: Database, asked: Asked) -> None:
    """A dropped turn has not settled."""
    drop(db, closed(asked[2], "dropped"))
    assert turns.last_settled_at(db, "settled") is None


def test_what_a_case_cost_is_what_the_turns_of_its_messages_cost(db: Database) -> None:
    """Dropped ones count, too, and an open one with what it reserved."""
    session = live(db)
    first, second, other = screened(db, 1), screened(db, 2, case=1), screened(db, 3)
    for message, cost in ((first, 0.1), (other, 0.7)):
        turn = closed(opened(db, message, session), cost_usd=cost)
        settle(db, turn, session, message)
    opened(db, second, session)
    assert turns.spent_on_case(db, first.case_id or 0) == pytest.approx(0.6)
    assert turns.spent_on_case(db, 99) == 0.0
