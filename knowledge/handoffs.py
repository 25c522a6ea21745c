"""Handoffs: those that ended within their turn are written with it, whatever became of it; the others as it settles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Handoff, Message, ToolCall


@dataclass(frozen=True)
class Work:
    """A handoff with the calls to servers outside that were made in it."""

    handoff: Handoff
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True)
class Balance:
    """What was handed to a specialist so far: how often, for how many US dollars, and in how many seconds.

    ``reported`` and ``outstanding`` count those that brought a report, and those whose report is still to come.
    """

    specialist: str
    count: int
    reported: int
    outstanding: int
    dollars: float
    seconds: float


def add(session: Session, works: Iterable[Work]) -> None:
    """Write handoffs with their calls; part of a transaction."""
    for work in works:
        session.add(work.handoff)
        session.flush()
        for call in work.calls:
            call.handoff_id = work.handoff.id or 0
        session.add_all(work.calls)


def of_message(db: Database, message_id: int) -> list[Handoff]:
    """List the handoffs of a message, those of dropped turns too."""
    with db.read() as session:
        statement = select(Handoff).where(Handoff.message_id == message_id)
        return list(session.exec(statement.order_by(col(Handoff.id))))


def calls_of_message(db: Database, message_id: int) -> dict[int, list[ToolCall]]:
    """List the calls to servers outside of a message's handoffs, by the handoff's number."""
    with db.read() as session:
        statement = select(ToolCall).join(Handoff, col(Handoff.id) == col(ToolCall.handoff_id))
        found: dict[int, list[ToolCall]] = {}
        for row in session.exec(statement.where(Handoff.message_id == message_id).order_by(col(ToolCall.id))):
            found.setdefault(row.handoff_id, []).append(row)
        return found


def of_case(db: Database, case_id: int) -> list[Handoff]:
    """List the handoffs of a case's messages."""
    with db.read() as session:
        statement = select(Handoff).join(Message, col(Message.id) == col(Handoff.message_id))
        return list(session.exec(statement.where(Message.case_id == case_id).order_by(col(Handoff.id))))


def balances(db: Database, reported: str, outstanding: Sequence[str]) -> list[Balance]:
    """Add up what each specialist did; ``reported`` and ``outstanding`` are the states that are counted."""
    with db.read() as session:
        counts = (
            func.count(),
            func.count().filter(col(Handoff.state) == reported),
            func.count().filter(col(Handoff.state).in_(outstanding)),
        )
        sums = (func.sum(col(Handoff.cost_usd)), func.sum(col(Handoff.seconds)))
        statement = columns(col(Handoff.specialist), *counts, *sums).group_by(col(Handoff.specialist))
        return [Balance(*row) for row in session.connection().execute(statement.order_by(col(Handoff.specialist)))]


def outstanding(db: Database, states: Sequence[str]) -> list[tuple[Handoff, Message]]:
    """List the handoffs in these states with the messages that were handed over, the oldest first."""
    with db.read() as session:
        statement = select(Handoff, Message).join(Message, col(Message.id) == col(Handoff.message_id))
        return list(session.exec(statement.where(col(Handoff.state).in_(states)).order_by(col(Handoff.id))))


def numbers(db: Database, states: Sequence[str]) -> list[int]:
    """Give the bare numbers of the handoffs in these states: what a handover is checked against."""
    with db.read() as session:
        return [number or 0 for number in session.exec(select(Handoff.id).where(col(Handoff.state).in_(states)))]


def of_report(db: Database, message_id: int) -> Handoff | None:
    """Give the handoff whose report a message of clerkd's own brings."""
    with db.read() as session:
        return session.exec(select(Handoff).where(Handoff.report_id == message_id)).first()


def cancel(session: Session, turns: Sequence[int], cancelled: str, now: datetime) -> None:
    """Cancel all that these turns have left open, also where the report is in; part of a transaction.

    What is reserved for one that is at work stays so: whoever works on it writes down what it cost.
    """
    theirs = (col(Handoff.turn_id).in_(turns), col(Handoff.awaits) != "")
    ended = func.coalesce(Handoff.ended_at, now)
    session.connection().execute(update(Handoff).where(*theirs).values(state=cancelled, ended_at=ended))


def cancel_of_case(session: Session, case_id: int, states: Sequence[str], cancelled: str, now: datetime) -> int:
    """Cancel those of a case's handoffs that are in these states, and count them; part of a transaction."""
    theirs = select(Message.id).where(Message.case_id == case_id)
    outstanding = (col(Handoff.message_id).in_(theirs), col(Handoff.state).in_(states))
    result: CursorResult[Any] = session.connection().execute(
        update(Handoff).where(*outstanding).values(state=cancelled, ended_at=now)
    )
    return result.rowcount
