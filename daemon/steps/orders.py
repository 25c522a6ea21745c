"""Orders about a message: what a command asked for, carried out between two turns by whoever holds the state."""

from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from daemon.clock import Clock
from daemon.judgement.states import ActionState, Event, IllegalMoveError, MessageState, OrderState, after
from knowledge import actions, decisions, ledger, service, turns
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.service import Closing
from knowledge.tables import Message, Order

REQUEUE, DONE = "requeue", "done"
COMPACT, ROTATE, ROLL_BACK = "compact", "rotate", "roll back"  # see daemon.steps.session_orders
REQUEUED = "requeue"  # behind the number of a rollback: have the mails behind it worked again
LARGEST_ID = 2**63 - 1


class OrderRefused(Exception):  # noqa: N818 - a refusal, said to a person
    """The order cannot be carried out; the text says why."""


def obey(db: Database, clock: Clock) -> list[Order]:
    """Carry out all waiting orders about messages and write down what became of each; give them back."""
    waiting = [order for order in service.orders(db, OrderState.WAITING) if order.kind in HANDLERS]
    for order in waiting:
        state, outcome = _carry_out(db, clock, order)
        service.close_order(db, Closing(order, state, outcome), clock())
        order.state, order.outcome = state, outcome
    return waiting


def _carry_out(db: Database, clock: Clock, order: Order) -> tuple[OrderState, str]:
    try:
        handler = HANDLERS[order.kind]
        return OrderState.DONE, handler(db, clock, message_of(db, order.argument))
    except (OrderRefused, FenceError) as refusal:
        return OrderState.REFUSED, str(refusal)
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - an order must not end the service, now and at every start
        return OrderState.REFUSED, f"clerkd stumbled over the order ({type(error).__name__})"


def message_of(db: Database, argument: str) -> Message:
    """Give the message of that number; raise OrderRefused where there is none."""
    known = argument.isdecimal() and int(argument) <= LARGEST_ID
    row = ledger.get(db, int(argument)) if known else None
    if row is None:
        message = f"there is no message {argument}; `clerkd log` shows the numbers"
        raise OrderRefused(message)
    return row


def _requeue(db: Database, clock: Clock, row: Message) -> str:
    """Put a held or failed message to the model again; one with a decision only has its held actions done again."""
    entry = decisions.of_message(db, row.id or 0)
    if entry and entry.decision and row.state == MessageState.HELD:
        return _resume(db, clock, row)
    target = _after(row, Event.REQUEUE)
    turns.step(db, row.id or 0, turns.Step(row.state, target, attempts=0), [], clock())
    return f"message {row.id} is queued again"


def _resume(db: Database, clock: Clock, row: Message) -> str:
    step = turns.Step(row.state, _after(row, Event.RESUME))
    actions.plan_again(db, row.id or 0, step, ActionState.HELD, ActionState.PLANNED, clock())
    return f"the held actions of message {row.id} are done again"


def _done(db: Database, clock: Clock, row: Message) -> str:
    target = _after(row, Event.CLOSE)
    turns.step(db, row.id or 0, turns.Step(row.state, target, "closed by a person"), [], clock())
    return f"message {row.id} is closed"


def _after(row: Message, event: Event) -> MessageState:
    try:
        return after(MessageState(row.state), event)
    except IllegalMoveError:
        allowed = {Event.REQUEUE: "held or failed", Event.CLOSE: "held, failed or escalated"}.get(event, "held")
        message = f"message {row.id} is {row.state}; only {allowed} ones can be ordered so"
        raise OrderRefused(message) from None


HANDLERS: dict[str, Callable[[Database, Clock, Message], str]] = {REQUEUE: _requeue, DONE: _done}
