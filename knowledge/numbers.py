"""What the page of numbers and the digest are made of: plain rows since a day, for the judgement to count."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import Action, Approval, Decision, Fact, Message, Turn


class Decided(NamedTuple):
    """A decision: of which category, when it was made, and when its mail came in."""

    category: str
    at: datetime
    received_at: datetime


class Answered(NamedTuple):
    """A person's word on an action: on which category, what it was, and when."""

    category: str
    verdict: str
    at: datetime


class Context(NamedTuple):
    """How many tokens the session held behind a turn, and when that began."""

    at: datetime
    tokens: int


class Learnt(NamedTuple):
    """A lesson: of which category it was learnt, what it says, and when it was taught."""

    number: int
    category: str
    text: str
    at: datetime


def received(db: Database, since: datetime) -> list[datetime]:
    """Say when each mail came in."""
    with db.read() as session:
        mails = select(Message.received_at).where(Message.received_at >= since, col(Message.about_id).is_(None))
        return list(session.exec(mails))


def decided(db: Database, since: datetime) -> list[Decided]:
    """List the decisions on mails that stand, those by a rule, too."""
    statement = (
        select(Decision.category, Decision.decided_at, Message.received_at)
        .join(Message, col(Message.id) == col(Decision.message_id))
        .where(Decision.decided_at >= since, col(Decision.withdrawn_at).is_(None), col(Message.about_id).is_(None))
    )
    with db.read() as session:
        return [Decided(*row) for row in session.exec(statement)]


def answered(db: Database, since: datetime, kinds: Sequence[str]) -> list[Answered]:
    """List what was said of actions of these kinds."""
    statement = (
        select(Decision.category, Approval.verdict, Approval.given_at)
        .join(Action, col(Action.id) == col(Approval.action_id))
        .join(Decision, col(Decision.id) == col(Action.decision_id))
        .where(Approval.given_at >= since, col(Action.kind).in_(kinds))
    )
    with db.read() as session:
        return [Answered(*row) for row in session.exec(statement)]


def contexts(db: Database, since: datetime) -> list[Context]:
    """List the contexts behind the turns, in their order."""
    with db.read() as session:
        turns = select(Turn.started_at, Turn.context_tokens).where(Turn.started_at >= since)
        return [Context(*row) for row in session.exec(turns.order_by(col(Turn.started_at)))]


def learnt(db: Database, since: datetime, lesson: str) -> list[Learnt]:
    """List the lessons of a category that stand; ``lesson`` is the kind of fact that lessons are."""
    told = (Fact.kind == lesson, Fact.category != "", Fact.recorded_at >= since, col(Fact.expired_at).is_(None))
    with db.read() as session:
        rows = session.exec(
            select(Fact.id, Fact.category, Fact.text, Fact.recorded_at).where(*told).order_by(col(Fact.id))
        )
        return [Learnt(number or 0, category, text, at) for number, category, text, at in rows]
