"""Orders: what a command asked for, carried out between two turns by whoever holds the state."""

from collections.abc import Callable, Collection

from sqlalchemy.exc import SQLAlchemyError

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.judgement.states import OrderState
from daemon.steps import (
    approval_orders,
    case_orders,
    correction_orders,
    fact_orders,
    issue_orders,
    message_orders,
    person_orders,
    rest,
)
from daemon.steps.numbers import Deed
from knowledge import service
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.service import Closing
from knowledge.tables import Order

REQUEUE, DONE = "requeue", "done"
COMPACT, ROTATE, ROLL_BACK, TAKE = "compact", "rotate", "roll back", "take"  # see daemon.steps.session_orders
WITHOUT_NOTES = "without notes"  # the argument of a rotation that does not ask the old session
REQUEUED = "requeue"  # behind the number of a rollback: have the mails behind it worked again
CLOSE_CASE, MERGE_CASES, SPLIT_CASE = "close case", "merge cases", "split case"
ADD_FACT, CORRECT_FACT, DROP_FACT = "add fact", "correct fact", "drop fact"
MERGE_PERSONS, SPLIT_PERSON = "merge persons", "split person"
APPROVE, EDIT, REJECT, CORRECT = "approve", "edit", "reject", "correct"
PAUSE, RESUME = "pause", "resume"
CONFIRM_ISSUE, CLOSE_ISSUE, MERGE_ISSUES = "confirm issue", "close issue", "merge issues"


def obey(db: Database, clock: Clock, kinds: Collection[str] | None = None) -> list[Order]:
    """Carry out waiting orders that need no session, and write down what became of each; give them back.

    Without ``kinds`` it is all of them.
    """
    mine = (*BY_ARGUMENT, *BY_ORDER) if kinds is None else kinds
    waiting = [order for order in service.orders(db, OrderState.WAITING) if order.kind in mine]
    for order in waiting:
        refusal = _carry_out(db, clock, order)
        if refusal:
            service.close_order(db, Closing(order, OrderState.REFUSED, refusal), clock())
    return waiting


def _carry_out(db: Database, clock: Clock, order: Order) -> str:
    """Carry it out and close it in one transaction, so that no crash has it done twice; or say why it is not done."""
    try:
        deed = _deed(db, clock, order)
        with db.write() as session:
            outcome = deed(session)
            service.close(session, Closing(order, OrderState.DONE, outcome), clock())
    except (OrderRefused, FenceError) as refusal:
        return str(refusal)
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - an order must not end the service, now and at every start
        return f"clerkd stumbled over the order ({type(error).__name__})"
    return ""


def _deed(db: Database, clock: Clock, order: Order) -> Deed:
    if order.kind in BY_ORDER:
        return BY_ORDER[order.kind](db, clock, order)
    return BY_ARGUMENT[order.kind](db, clock, order.argument)


# Each looks whether the order can be carried out, and gives what is to be done; that says in words what was done.
BY_ARGUMENT: dict[str, Callable[[Database, Clock, str], Deed]] = {
    REQUEUE: message_orders.requeue,
    MERGE_CASES: case_orders.merge,
    SPLIT_CASE: case_orders.split,
    DROP_FACT: fact_orders.drop,
    MERGE_PERSONS: person_orders.merge,
    SPLIT_PERSON: person_orders.split,
    CONFIRM_ISSUE: issue_orders.confirm,
    CLOSE_ISSUE: issue_orders.close,
    MERGE_ISSUES: issue_orders.merge,
    APPROVE: approval_orders.approve,
    EDIT: approval_orders.edit,
    REJECT: approval_orders.reject,
    CORRECT: correction_orders.correct,
    PAUSE: rest.pause,
    RESUME: rest.resume,
}
# Those that write down who gave it.
BY_ORDER: dict[str, Callable[[Database, Clock, Order], Deed]] = {
    DONE: message_orders.done,
    CLOSE_CASE: case_orders.close,
    ADD_FACT: fact_orders.add,
    CORRECT_FACT: fact_orders.correct,
}
# What needs no session at rest is taken while the model thinks; all else between two turns.
AT_ONCE = (APPROVE, EDIT, REJECT, CORRECT, PAUSE, RESUME)
BETWEEN_TURNS = tuple(kind for kind in (*BY_ARGUMENT, *BY_ORDER) if kind not in AT_ONCE)
