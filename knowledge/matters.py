"""What is still open: actions not carried out, mails that wait for a person, and the cases that are not at rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import Action, Case, Decision, Message


@dataclass(frozen=True)
class OpenCase:
    """A case with its size, and the category and summary of its newest decision."""

    case: Case
    messages: int
    category: str
    summary: str


def unsettled(db: Database, states: Sequence[str]) -> list[tuple[Action, Message]]:
    """List the actions in these states with their messages, the oldest first."""
    with db.read() as session:
        statement = select(Action, Message).join(Message, col(Message.id) == col(Action.message_id))
        return list(session.exec(statement.where(col(Action.state).in_(states)).order_by(col(Action.id))))


def owed(db: Database, message_states: Sequence[str], action_states: Sequence[str]) -> tuple[list[int], list[int]]:
    """Give the bare numbers of the messages and actions in these states: what a handover is checked against."""
    with db.read() as session:
        messages = session.exec(select(Message.id).where(col(Message.state).in_(message_states)))
        actions = session.exec(select(Action.id).where(col(Action.state).in_(action_states)))
        return [number or 0 for number in messages], [number or 0 for number in actions]


def open_cases(db: Database, since: datetime) -> list[OpenCase]:
    """List the cases that something happened in since then, the newest first; all others are dormant."""
    newest = select(func.max(Decision.id)).join(Message, col(Message.id) == col(Decision.message_id))
    of_case = newest.where(col(Message.case_id) == col(Case.id)).correlate(Case).scalar_subquery()
    size = select(func.count()).where(col(Message.case_id) == col(Case.id)).correlate(Case).scalar_subquery()
    statement = (
        select(Case, size, Decision)
        .join(Decision, col(Decision.id) == of_case, isouter=True)
        .where(col(Case.updated_at) >= since)
        .order_by(col(Case.updated_at).desc(), col(Case.id).desc())
    )
    with db.read() as session:
        return [
            OpenCase(case, int(count), decision.category if decision else "", decision.summary if decision else "")
            for case, count, decision in session.exec(statement)
        ]
