"""Promises with a date: made in the transaction of a turn, settled in another, and brought up when they are due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Decision, Message, Promise


@dataclass(frozen=True)
class Closing:
    """How promises are closed: the state that is open, when, and what closed them (a turn, or in words)."""

    open: str
    at: datetime
    turn: int | None = None
    words: str = ""


def of_case(db: Database, case_id: int, states: Sequence[str] | None = None) -> list[Promise]:
    """List a case's promises, the soonest due first; those in these states, or all."""
    with db.read() as session:
        statement = select(Promise).where(Promise.case_id == case_id).order_by(col(Promise.due), col(Promise.id))
        if states is not None:
            statement = statement.where(col(Promise.state).in_(states))
        return list(session.exec(statement))


def in_state(db: Database, state: str) -> list[Promise]:
    """List all promises in a state, the soonest due first."""
    with db.read() as session:
        return list(
            session.exec(select(Promise).where(Promise.state == state).order_by(col(Promise.due), col(Promise.id)))
        )


def numbers(db: Database, state: str) -> list[int]:
    """Give the bare numbers of the promises in a state: what a handover is checked against."""
    with db.read() as session:
        return [number or 0 for number in session.exec(select(Promise.id).where(Promise.state == state))]


def of_reminder(db: Database, message_id: int) -> Promise | None:
    """Give the promise that a message of clerkd's own has brought up."""
    with db.read() as session:
        return session.exec(select(Promise).where(Promise.reminder_id == message_id)).first()


def settle(session: Session, case_id: int, settled: Mapping[int, str], closing: Closing) -> None:
    """Close open promises of a case; one that was closed meanwhile stays as it is. Part of a transaction."""
    for number, state in settled.items():
        known = (col(Promise.id) == number, col(Promise.case_id) == case_id, col(Promise.state) == closing.open)
        session.connection().execute(update(Promise).where(*known).values(**_closed(state, closing)))


def close_of_case(session: Session, case_id: int, state: str, closing: Closing) -> None:
    """Close all open promises of a case; part of a transaction."""
    open_ones = (col(Promise.case_id) == case_id, col(Promise.state) == closing.open)
    session.connection().execute(update(Promise).where(*open_ones).values(**_closed(state, closing)))


def close_of_decision(session: Session, decision_id: int, by: str, state: str, closing: Closing) -> None:
    """Close the open promises that one side made with a decision; part of a transaction."""
    theirs = (col(Promise.decision_id) == decision_id, col(Promise.by) == by, col(Promise.state) == closing.open)
    session.connection().execute(update(Promise).where(*theirs).values(**_closed(state, closing)))


def close_of_reminder(session: Session, message_id: int, state: str, closing: Closing) -> None:
    """Close the promise that a message of clerkd's own has brought up, where it is open; part of a transaction."""
    that = (col(Promise.reminder_id) == message_id, col(Promise.state) == closing.open)
    session.connection().execute(update(Promise).where(*that).values(**_closed(state, closing)))


def reopen(session: Session, turns: Sequence[int], open_state: str) -> None:
    """Open again the promises that these turns closed; part of a transaction."""
    reopened = {"state": open_state, "closed_at": None, "closed_by": None, "closing": ""}
    session.connection().execute(update(Promise).where(col(Promise.closed_by).in_(turns)).values(**reopened))


def withdraw(session: Session, turns: Sequence[int], withdrawn: str, closing: Closing) -> None:
    """Withdraw the open promises that these turns made; part of a transaction, behind ``reopen`` for all of them."""
    made = select(Decision.id).where(col(Decision.turn_id).in_(turns))
    session.connection().execute(
        update(Promise)
        .where(col(Promise.decision_id).in_(made), col(Promise.state) == closing.open)
        .values(**_closed(withdrawn, closing))
    )


def due(db: Database, open_state: str, now: datetime) -> tuple[Promise, Message] | None:
    """Give the promise that is due longest and has not come up, with the message that it was made in."""
    with db.read() as session:
        statement = (
            select(Promise, Message)
            .join(Message, col(Message.id) == col(Promise.message_id))
            .where(Promise.state == open_state, col(Promise.reminder_id).is_(None), col(Promise.comes_up_at) <= now)
        )
        return session.exec(statement.order_by(col(Promise.comes_up_at), col(Promise.id)).limit(1)).first()


def remind(db: Database, promise: Promise, reminder: Message, open_state: str) -> int:
    """Put a reminder on the ledger and tie it to its promise, once; give its number."""
    number, open_still = col(Promise.id) == promise.id, col(Promise.state) == open_state
    with db.write() as session:
        untold = update(Promise).where(number, open_still, col(Promise.reminder_id).is_(None))
        fence(session, untold.values(state=open_state), f"promise {promise.id}")
        session.add(reminder)
        session.flush()
        session.connection().execute(update(Promise).where(number).values(reminder_id=reminder.id))
        return reminder.id or 0


def reminders_since_mail(db: Database, case_id: int) -> int:
    """Count clerkd's own messages in a case since its last mail."""
    with db.read() as session:
        last = select(func.max(Message.id)).where(Message.case_id == case_id, col(Message.about_id).is_(None))
        newer = select(func.count()).where(
            Message.case_id == case_id,
            col(Message.about_id).is_not(None),
            col(Message.id) > func.coalesce(last.scalar_subquery(), 0),
        )
        return int(session.exec(newer).one())


def _closed(state: str, closing: Closing) -> dict[str, object]:
    return {"state": state, "closed_at": closing.at, "closed_by": closing.turn, "closing": closing.words}
