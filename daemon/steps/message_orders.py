"""Orders about a message that waits for a person."""

from collections.abc import Mapping

from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.judgement.casework import PromiseState, left_open, moves
from daemon.judgement.policy import LEAVING, Kind
from daemon.judgement.states import NEEDS_A_PERSON, ActionState, Event, IllegalMoveError, MessageState, after
from daemon.steps.approval_orders import call_off
from daemon.steps.numbers import LARGEST_ID, Deed
from knowledge import actions, cases, decisions, ledger, promises, turns
from knowledge.actions import Again
from knowledge.database import Database
from knowledge.promises import Closing
from knowledge.tables import Message, Order

CLOSED_BY = "closed by a person"
# What would leave is seen by a person again, and so is what nobody said a word on: but no letter, whose handoff ended.
AGAIN = (
    Again(ActionState.HELD, ActionState.PLANNED, LEAVING, others=True),
    Again(ActionState.HELD, ActionState.WAITING, LEAVING, keeps_reason=True),
    Again(ActionState.EXPIRED, ActionState.WAITING, tuple(kind for kind in Kind if kind is not Kind.LETTER)),
)


def message_of(db: Database, argument: str) -> Message:
    """Give the message of that number; raise OrderRefused where there is none."""
    known = argument.isdecimal() and int(argument) <= LARGEST_ID
    row = ledger.get(db, int(argument)) if known else None
    if row is None:
        message = f"there is no message {argument}; `clerkd log` shows the numbers"
        raise OrderRefused(message)
    return row


def requeue(db: Database, clock: Clock, argument: str) -> Deed:
    """Put a held or failed message to the model again; one with a decision only has its held actions done again."""
    row = message_of(db, argument)
    entry = decisions.of_message(db, row.id or 0)
    if entry and entry.decision and row.state == MessageState.HELD:
        return _resumed(clock, row)
    target = _after(row, Event.REQUEUE)

    def deed(session: Session) -> str:
        turns.move_on(session, row.id or 0, turns.Step(row.state, target, attempts=0), clock())
        return f"message {row.id} is queued again"

    return deed


def _resumed(clock: Clock, row: Message) -> Deed:
    step = turns.Step(row.state, _after(row, Event.RESUME))

    def deed(session: Session) -> str:
        actions.plan_again(session, row.id or 0, step, AGAIN, clock())
        return f"the held actions of message {row.id} are done again"

    return deed


def done(db: Database, clock: Clock, order: Order) -> Deed:
    """Close a message that a person has dealt with."""
    row = message_of(db, order.argument)
    target = _after(row, Event.CLOSE)
    step, closing = turns.Step(row.state, target, CLOSED_BY), Closing(PromiseState.OPEN, clock(), words=CLOSED_BY)
    left = _left(db, row)
    waiting = [each for each in actions.of_message(db, row.id or 0) if each.state == ActionState.WAITING]

    def deed(session: Session) -> str:
        actions.call_off(session, row.id or 0, LEAVING, ActionState.PLANNED, ActionState.CANCELLED, CLOSED_BY, clock())
        call_off(session, order, waiting, CLOSED_BY, None, clock())
        turns.move_on(session, row.id or 0, step, clock())
        promises.close_of_reminder(session, row.id or 0, PromiseState.KEPT, closing)
        if row.case_id:
            cases.move(session, row.case_id, left)
        return f"message {row.id} is closed"

    return deed


def _left(db: Database, row: Message) -> Mapping[str, str]:
    """Say where the case goes once a person has dealt with the message."""
    if row.case_id is None or cases.needs_a_person(db, row.case_id, NEEDS_A_PERSON, but=row.id):
        return {}
    open_ones = promises.of_case(db, row.case_id, [PromiseState.OPEN])
    return moves(left_open(promise.by for promise in open_ones if promise.reminder_id != row.id))


def _after(row: Message, event: Event) -> MessageState:
    try:
        return after(MessageState(row.state), event)
    except IllegalMoveError:
        allowed = {Event.REQUEUE: "held or failed", Event.CLOSE: "held, failed, escalated or waiting"}.get(
            event, "held"
        )
        message = f"message {row.id} is {row.state}; only {allowed} ones can be ordered so"
        raise OrderRefused(message) from None
