"""What is still open: actions not carried out, mails that wait for a person, and the cases that are not at rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy import case as choose
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import Action, Case, Decision, Message


@dataclass(frozen=True)
class OpenCase:
    """A case with its size, and the newest decision that the model made in it and that stands."""

    case: Case
    messages: int
    decision: Decision | None


@dataclass(frozen=True)
class Weight:
    """What makes a case weigh: a mail that is in one of these states, then its priority, the first the most.

    A case in the state ``closed`` weighs nothing, but for a mail that is in one of those states.
    """

    states: Sequence[str]
    priorities: Sequence[str]
    closed: str


def unsettled(db: Database, states: Sequence[str]) -> list[tuple[Action, Message]]:
    """List the actions in these states with their messages, the newest first."""
    with db.read() as session:
        statement = select(Action, Message).join(Message, col(Message.id) == col(Action.message_id))
        return list(session.exec(statement.where(col(Action.state).in_(states)).order_by(col(Action.id).desc())))


def owed(db: Database, message_states: Sequence[str], action_states: Sequence[str]) -> tuple[list[int], list[int]]:
    """Give the bare numbers of the messages and actions in these states: what a handover is checked against."""
    with db.read() as session:
        messages = session.exec(select(Message.id).where(col(Message.state).in_(message_states)))
        actions = session.exec(select(Action.id).where(col(Action.state).in_(action_states)))
        return [number or 0 for number in messages], [number or 0 for number in actions]


def open_cases(db: Database, since: datetime, weight: Weight, limit: int, offset: int = 0) -> list[OpenCase]:
    """List open cases, the weightiest first: not closed, something happened since then, and not by a rule alone.

    A case of newsletters is none: no decision of the model stands in it, and nothing waits for a person.
    """
    size = select(func.count()).where(col(Message.case_id) == col(Case.id)).correlate(Case).scalar_subquery()
    with db.read() as session:
        statement = _open(select(Case, size, Decision), since, weight)
        rank = choose(
            {word: place for place, word in enumerate(weight.priorities)}, value=col(Decision.priority), else_=99
        )
        ordered = statement.order_by(_waits(weight).desc(), rank, col(Case.updated_at).desc(), col(Case.id).desc())
        rows = session.exec(ordered.limit(limit).offset(offset))
        return [OpenCase(case, int(count), decision) for case, count, decision in rows]


def count_open(db: Database, since: datetime, weight: Weight) -> int:
    """Count the open cases."""
    with db.read() as session:
        return int(session.exec(_open(select(func.count(col(Case.id))).select_from(Case), since, weight)).one())


def _open(statement: Any, since: datetime, weight: Weight) -> Any:  # noqa: ANN401 - SQLAlchemy's own types
    newest = select(func.max(Decision.id)).join(Message, col(Message.id) == col(Decision.message_id))
    standing = newest.where(
        col(Message.case_id) == col(Case.id), col(Decision.withdrawn_at).is_(None), col(Decision.rule) == ""
    )
    return (
        statement.join(Decision, col(Decision.id) == standing.correlate(Case).scalar_subquery(), isouter=True)
        .where(col(Case.updated_at) >= since)
        .where(or_(and_(col(Decision.id).is_not(None), col(Case.state) != weight.closed), _waits(weight)))
    )


def _waits(weight: Weight) -> Any:  # noqa: ANN401 - SQLAlchemy's own types
    waiting = select(Message.id).where(col(Message.case_id) == col(Case.id), col(Message.state).in_(weight.states))
    return waiting.correlate(Case).exists()
