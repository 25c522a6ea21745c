"""Orders about cases: a person closes one, makes one of two, or takes messages out of one."""

from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.judgement.casework import CaseEvent, CaseState, PromiseState, moves
from daemon.judgement.handoffs import OUTSTANDING, HandoffState
from daemon.judgement.policy import Kind
from daemon.judgement.states import ActionState
from daemon.steps.approval_orders import call_off, onward
from daemon.steps.numbers import Deed, numbers_of, two_of
from knowledge import approvals, cases, handoffs, ledger, promises
from knowledge.database import Database
from knowledge.promises import Closing
from knowledge.tables import Case, Message, Order

CLOSED_BY = "its case was closed by a person"


def case_of(db: Database, number: int) -> Case:
    """Give the case of that number; raise OrderRefused where there is none, or where it was merged into another."""
    case = cases.get(db, number)
    if case is None:
        message = f"there is no case {number}; `clerkd case list` shows them"
        raise OrderRefused(message)
    if case.merged_into:
        message = f"case {number} was merged into case {case.merged_into}"
        raise OrderRefused(message)
    return case


def close(db: Database, clock: Clock, order: Order) -> Deed:
    """Close a case; what was promised in it, and what specialists were to report, is no longer waited for.

    Nor is anybody asked any more: a letter that waits for a person's word is rejected.
    """
    (number,) = numbers_of(order.argument)
    case_of(db, number)
    waiting = [each for each in approvals.waiting(db, ActionState.WAITING) if each.message.case_id == number]
    letters = [each.action for each in waiting if each.action.kind == Kind.LETTER]
    dropped = len(promises.of_case(db, number, [PromiseState.OPEN]))

    def deed(session: Session) -> str:
        cases.move(session, number, moves(CaseEvent.REST))
        closing = Closing(PromiseState.OPEN, clock(), words=CLOSED_BY)
        promises.close_of_case(session, number, PromiseState.DROPPED, closing)
        cancelled = handoffs.cancel_of_case(session, number, OUTSTANDING, HandoffState.CANCELLED, clock())
        call_off(session, order, letters, CLOSED_BY, onward(), clock())
        told = [f"{dropped} open promise(s) are dropped"] if dropped else []
        told += [f"{cancelled} open handoff(s) are cancelled"] if cancelled else []
        return "; ".join([f"case {number} is closed", *told])

    return deed


def merge(db: Database, _clock: Clock, argument: str) -> Deed:
    """Make one case of two: the first is kept, and has all that the second had."""
    kept, other = two_of(argument, "a case cannot be merged into itself")
    case_of(db, kept)
    case_of(db, other)

    def deed(session: Session) -> str:
        cases.merge(session, session.get_one(Case, kept), session.get_one(Case, other), CaseState.CLOSED)
        return f"case {other} is now part of case {kept}"

    return deed


def split(db: Database, _clock: Clock, argument: str) -> Deed:
    """Take messages out of a case into one of their own."""
    number, *named = numbers_of(argument)
    chosen = list(dict.fromkeys(named))
    case_of(db, number)
    rows = [_message_of_case(db, number, each) for each in chosen]
    left = [row for row in ledger.of_case(db, number) if row.id not in chosen and row.about_id is None]
    if not left:
        message = f"at least one message must stay in case {number}"
        raise OrderRefused(message)

    def deed(session: Session) -> str:
        fresh = cases.split(session, session.get_one(Case, number), rows).id
        return f"case {fresh} now holds message(s) {', '.join(map(str, chosen))} of case {number}"

    return deed


def _message_of_case(db: Database, case_id: int, number: int) -> Message:
    row = ledger.get(db, number)
    if row is None or row.case_id != case_id or row.about_id is not None:
        message = f"message {number} is no mail of case {case_id}; `clerkd case show {case_id}` lists them"
        raise OrderRefused(message)
    return row
