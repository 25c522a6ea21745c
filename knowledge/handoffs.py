"""Handoffs: written with the turn in which they happened, whatever became of that turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func
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
    """What was handed to a specialist so far: how often, for how many US dollars, and in how many seconds."""

    specialist: str
    count: int
    reported: int
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


def balances(db: Database, reported: str) -> list[Balance]:
    """Add up what each specialist did; ``reported`` is the state of a handoff that brought a report."""
    with db.read() as session:
        well = func.count().filter(col(Handoff.state) == reported)
        sums = (func.sum(col(Handoff.cost_usd)), func.sum(col(Handoff.seconds)))
        statement = columns(col(Handoff.specialist), func.count(), well, *sums).group_by(col(Handoff.specialist))
        return [Balance(*row) for row in session.connection().execute(statement.order_by(col(Handoff.specialist)))]
