"""What the page of numbers is made of: plain rows since a day, for the judgement to count."""

from collections.abc import Sequence
from dataclasses import dataclass
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


class Spent(NamedTuple):
    """A turn: when it began, what it cost in US dollars, and how many tokens the session held behind it."""

    at: datetime
    dollars: float
    context_tokens: int


class Learnt(NamedTuple):
    """A lesson: of which category it was learnt, what it says, and when it was taught."""

    number: int
    category: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Numbers:
    """All rows since a day."""

    received: list[datetime]
    decided: list[Decided]
    answered: list[Answered]
    spent: list[Spent]
    learnt: list[Learnt]


def since(
    db: Database, day: datetime, lesson: str, kinds: Sequence[str] = (), earlier: datetime | None = None
) -> Numbers:
    """Read the rows since then; ``lesson`` is the kind of fact that lessons are. Decisions by a rule count, too.

    What was said is that of actions of these ``kinds``, since an ``earlier`` day where one is given.
    """
    with db.read() as session:
        received = select(Message.received_at).where(Message.received_at >= day, col(Message.about_id).is_(None))
        decided = (
            select(Decision.category, Decision.decided_at, Message.received_at)
            .join(Message, col(Message.id) == col(Decision.message_id))
            .where(Decision.decided_at >= day, col(Decision.withdrawn_at).is_(None), col(Message.about_id).is_(None))
        )
        answered = (
            select(Decision.category, Approval.verdict, Approval.given_at)
            .join(Action, col(Action.id) == col(Approval.action_id))
            .join(Decision, col(Decision.id) == col(Action.decision_id))
            .where(Approval.given_at >= (earlier or day), col(Action.kind).in_(kinds))
        )
        spent = select(Turn.started_at, Turn.cost_usd, Turn.reserved_usd, Turn.context_tokens)
        learnt = select(Fact.id, Fact.category, Fact.text, Fact.recorded_at).where(
            Fact.kind == lesson, Fact.category != "", Fact.recorded_at >= day, col(Fact.expired_at).is_(None)
        )
        return Numbers(
            list(session.exec(received)),
            [Decided(*row) for row in session.exec(decided)],
            [Answered(*row) for row in session.exec(answered)],
            [
                Spent(at, reserved if cost is None else cost, tokens)
                for at, cost, reserved, tokens in session.exec(
                    spent.where(Turn.started_at >= day).order_by(col(Turn.started_at))
                )
            ],
            [
                Learnt(number or 0, category, text, at)
                for number, category, text, at in session.exec(learnt.order_by(col(Fact.id)))
            ],
        )
