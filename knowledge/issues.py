"""Issues that several people share: proposed and linked in the transaction of a turn, named and closed by people.

A link is as good as its decision: what a rollback withdraws links nothing any more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from knowledge.database import Database
from knowledge.tables import Decision, IssueLink, Message, SharedIssue


@dataclass(frozen=True)
class Summary:
    """An issue with the cases and senders that have it, and when the newest was linked."""

    issue: SharedIssue
    cases: int
    senders: int
    newest_at: datetime


def find(db: Database, limit: int, *, since: datetime | None = None, closed: bool = False) -> list[Summary]:
    """List issues that a standing decision links: the confirmed ones first, then those with the most cases.

    ``since`` leaves out those to which nothing was linked from then on; ``closed`` shows closed ones, too.
    """
    cases, newest = func.count(func.distinct(col(Message.case_id))), func.max(col(IssueLink.linked_at))
    statement = _linked(SharedIssue, cases, func.count(func.distinct(col(Message.person_id))), newest)
    statement = statement.group_by(col(SharedIssue.id))
    if not closed:
        statement = statement.where(col(SharedIssue.closed_at).is_(None))
    if since:
        statement = statement.having(newest >= since)
    unconfirmed = col(SharedIssue.confirmed_at).is_(None)
    ordered = statement.order_by(unconfirmed, cases.desc(), col(SharedIssue.id).desc()).limit(limit)
    with db.read() as session:
        return [Summary(*row) for row in session.execute(ordered)]


def get(db: Database, number: int) -> SharedIssue | None:
    """Give an issue; None where the number leads nowhere."""
    with db.read() as session:
        return session.get(SharedIssue, number)


def of_case(db: Database, case_id: int) -> list[SharedIssue]:
    """List the issues that a case is linked to."""
    with db.read() as session:
        statement = _linked(SharedIssue).where(col(Message.case_id) == case_id).distinct()
        return list(session.execute(statement.order_by(col(SharedIssue.id))).scalars())


def messages(db: Database, number: int) -> list[Message]:
    """List the messages whose decisions link an issue, the oldest first."""
    with db.read() as session:
        statement = _linked(Message).where(col(SharedIssue.id) == number)
        return list(session.execute(statement.order_by(col(Message.id))).scalars())


def link(session: Session, decision: Decision, number: int | None, proposal: SharedIssue | None) -> None:
    """Link a decision to an issue, or to the one that it proposes; part of a transaction."""
    if proposal:
        proposal.decision_id = decision.id or 0
        session.add(proposal)
        session.flush()
        number = proposal.id
    known = session.get(SharedIssue, number) if number else None
    if known:  # it may have been merged while the model was asked
        issue = known.merged_into or known.id or 0
        session.add(IssueLink(issue_id=issue, decision_id=decision.id or 0, linked_at=decision.decided_at))


def merge(session: Session, kept: SharedIssue, other: SharedIssue, now: datetime) -> None:
    """Make one issue of two; part of a transaction. What was linked to the other is linked to the kept one."""
    links = update(IssueLink).where(col(IssueLink.issue_id) == other.id).values(issue_id=kept.id)
    session.connection().execute(links)
    earlier = update(SharedIssue).where(col(SharedIssue.merged_into) == other.id).values(merged_into=kept.id)
    session.connection().execute(earlier)
    other.merged_into, other.closed_at = kept.id, now
    session.add(other)


def _linked(*wanted: Any) -> Any:  # noqa: ANN401 - which rows come, its callers know
    return (
        select(*wanted)
        .select_from(SharedIssue)
        .join(IssueLink, col(IssueLink.issue_id) == col(SharedIssue.id))
        .join(Decision, col(Decision.id) == col(IssueLink.decision_id))
        .join(Message, col(Message.id) == col(Decision.message_id))
        .where(col(Decision.withdrawn_at).is_(None))
    )
