"""Moves of a message, each taken from the one table of states."""

from datetime import datetime

from daemon.judgement.casework import CaseEvent, moves
from daemon.judgement.states import Event, MessageState, after
from knowledge.turns import Step


def move(
    source: MessageState,
    event: Event,
    reason: str = "",
    due_at: datetime | None = None,
    attempts: int | None = None,
    outage_at: datetime | None = None,
) -> Step:
    """Make the step that an event causes; raise IllegalMoveError where the table has none."""
    target = after(source, event)
    case_moves = moves(CaseEvent.OURS) if target in (MessageState.HELD, MessageState.FAILED) else {}
    return Step(source, target, reason, due_at, attempts, outage_at, case_moves)
