"""Rollback: the session is set back to just before a decision, and what came of it and of all later ones is withdrawn.

This is the cure for a session that a mail has taken over. The transcript is cut when the session is opened again, at
the head that the knowledge database gives: so one transaction is the whole of it, and a crash leaves all or nothing.
"""

import asyncio
from collections.abc import Iterable, Mapping

from daemon.agent.store.base import StoreError
from daemon.agent.transcript import Head, holds
from daemon.errors import OrderRefused
from daemon.house import House
from daemon.judgement.casework import CaseEvent, PromiseState, moves
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.states import (
    ON_ITS_WAY,
    ActionState,
    Event,
    IllegalMoveError,
    MessageState,
    OrderState,
    SessionState,
    TurnState,
    UpkeepState,
    after,
)
from daemon.steps.message_orders import message_of
from daemon.steps.mirror import fetched
from daemon.steps.orders import REQUEUED
from daemon.steps.record import attention
from daemon.steps.resume import new_session
from knowledge import rollbacks, sessions
from knowledge.rollbacks import Behind, Mark, Words
from knowledge.service import Closing
from knowledge.tables import Action, AgentSession, Message, Order, Turn

STANDING = (TurnState.SETTLED, TurnState.LOST)  # of a turn that a power loss took, the decision stands all the same
REASON = "its decision was rolled back"
WORDS = Words(
    live=SessionState.LIVE,
    ended=SessionState.ENDED,
    rolled_back=TurnState.ROLLED_BACK,
    cancelled=ActionState.CANCELLED,
    reason=REASON,
    open_promise=PromiseState.OPEN,
    withdrawn_promise=PromiseState.WITHDRAWN,
    cancelled_handoff=HandoffState.CANCELLED,
)
UNSENT = (ActionState.PLANNED, ActionState.HELD, ActionState.WAITING)
GONE = (
    "the transcript of session {} does not hold what was before message {} any more, so it cannot be set back there; "
    "`clerkd session rotate` ends the live session and begins another from the knowledge database"
)


async def roll_back(house: House, order: Order) -> None:
    """Carry out the order; its argument is a message's number, and whether to requeue those behind it.

    The message itself is held in any case: it may be the one that took the session over.

    Raises OrderRefused where the message has no decision of a session, or the transcript is gone.
    """
    number, _, wish = order.argument.partition(" ")
    row = message_of(house.db, number)
    turn = rollbacks.turn_of(house.db, row.id or 0, STANDING)
    if turn is None:
        message = f"message {row.id} has no decision of the model that stands; `clerkd log show {row.id}` tells its way"
        raise OrderRefused(message)
    await house.session.abandon()
    mark = rollbacks.before(house.db, turn, TurnState.SETTLED, UpkeepState.DONE)
    successor = await _successor(house, turn, mark)
    undone = rollbacks.behind(house.db, turn, STANDING)
    again = {message.id for message in undone.messages if wish == REQUEUED and message.id != row.id}
    targets = {message.id or 0: _target(message, requeue=message.id in again) for message in undone.messages}
    outcome = _told(undone, targets, successor, row)
    _write(house, successor, undone, targets, Closing(order, OrderState.DONE, outcome))
    house.log.warning(
        "session_rolled_back", session=successor.id, message=row.id, turns=len(undone.turns), requeued=bool(wish)
    )


async def _successor(house: House, turn: Turn, mark: Mark) -> AgentSession:
    """Give the session that goes on: the turn's own, as it stood before, or a new one where nothing was before."""
    own = sessions.get(house.db, turn.session_id)
    if own is None:
        error = "a turn belongs to a session"
        raise LookupError(error)
    if mark.uuid is None:
        return new_session(house, own.predecessor, own.handover)
    path, head = house.session.engine.transcript(own.id), Head(mark.uuid, mark.offset)
    if not await asyncio.to_thread(holds, path, head) and not await _is_fetched(house, own, head):
        raise OrderRefused(GONE.format(own.id, turn.message_id))
    own.state, own.ended_at, own.end_reason = SessionState.LIVE, None, ""
    own.head_uuid, own.head_offset, own.context_tokens = mark.uuid, mark.offset, mark.context_tokens
    own.generation, own.reclaimed = house.generation, None
    return own


async def _is_fetched(house: House, own: AgentSession, head: Head) -> bool:
    try:
        return await fetched(house, own, head)
    except StoreError as error:
        message = f"the transcript of session {own.id} is not here, and {error}; try again"
        raise OrderRefused(message) from None


def _target(row: Message, *, requeue: bool) -> MessageState:
    try:
        held = after(MessageState(row.state), Event.ROLL_BACK)
    except IllegalMoveError:
        message = f"message {row.id} is {row.state}: wait until it is through"
        raise OrderRefused(message) from None
    return after(held, Event.REQUEUE) if requeue else held


def _write(house: House, successor: AgentSession, undone: Behind, targets: Mapping[int, str], closing: Closing) -> None:
    now = house.clock()
    held = [row for row in undone.messages if targets[row.id or 0] == MessageState.HELD]
    rollbacks.apply(
        house.db,
        successor=successor,
        undone=undone,
        cancel=UNSENT,
        targets=targets,
        flags=[attention(row, "rolled back", now) for row in held],
        case_moves=moves(CaseEvent.OURS),
        words=WORDS,
        closing=closing,
        now=now,
    )


def _told(undone: Behind, targets: Mapping[int, str], successor: AgentSession, row: Message) -> str:
    """Say in lines what was withdrawn, and list what has left already: that only a person can undo."""
    held = [number for number, target in targets.items() if target == MessageState.HELD]
    again = sorted(targets.keys() - held)
    left = [_effect(action, message) for action, message in undone.actions if _may_have_left(action)]
    left += [f"call of {call.server}.{call.tool}, of message {number}" for call, number in undone.calls]
    cancelled = [action for action, _message in undone.actions if action.state in UNSENT and not _may_have_left(action)]
    return "\n".join(
        [
            f"session {successor.id} stands before message {row.id}; the decisions on {_list(targets)} are withdrawn",
            f"held: {_list(held)}; `clerkd requeue ID` puts one to the model again",
            *([f"queued again: {_list(again)}"] if again else []),
            f"{len(cancelled)} action(s) had not left and are cancelled",
            *(["what has left already, for you to look at:"] if left else []),
            *(f"  {each}" for each in left),
        ]
    )


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _may_have_left(action: Action) -> bool:
    return action.state in ON_ITS_WAY or action.may_have_left


def _effect(action: Action, message: Message) -> str:
    what = f"to {', '.join(action.recipients)}" if action.recipients else action.target
    return f"{action.kind} {what}, of message {message.id}{_how_sure(action)}"


def _how_sure(action: Action) -> str:
    if action.may_have_left and action.state not in ON_ITS_WAY:
        return " (nobody knows whether it left)"
    return "" if action.state == ActionState.SENT else " (it was on its way)"
