"""Issues that several people share: proposed and linked in the transaction of a turn, named and closed by people.

A link is as good as its decision: what a rollback withdraws links nothing any more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from knowledge.database import Database
from knowledge.tables import Decision, IssueLink, Message, SharedIssue

MOST_LOOKED_AT, MOST_COUNTED = 200, 1_000


@dataclass(frozen=True)
class Summary:
    """An issue with the cases and senders that have it, and when the newest was linked."""

    issue: SharedIssue
    cases: int
    senders: int
    newest_at: datetime


def find(db: Database, limit: int, *, since: datetime | None = None, closed: bool = False) -> list[Summary]:
    """List issues that a standing decision links: the confirmed ones first, then those that most senders have.

    ``since`` leaves out those to which nothing was linked from then on; ``closed`` shows closed ones, too. Of an issue,
    its newest 1,000 links are counted, and of more than 200 issues the newest are looked at.
    """
    with db.read() as session:
        statement = rows_of(SharedIssue).where(col(SharedIssue.merged_into).is_(None))
        if not closed:
            statement = statement.where(col(SharedIssue.closed_at).is_(None))
        unconfirmed = col(SharedIssue.confirmed_at).is_(None)
        rows = session.exec(statement.order_by(unconfirmed, col(SharedIssue.id).desc()).limit(MOST_LOOKED_AT)).all()
        found = [summary for row in rows if (summary := _summary(session, row))]
    fresh = [item for item in found if since is None or item.newest_at >= since]
    fresh.sort(key=lambda item: (item.issue.confirmed_at is None, -item.senders, -(item.issue.id or 0)))
    return fresh[:limit]


def _summary(session: Session, issue: SharedIssue) -> Summary | None:
    """Count what stands of an issue; None where nothing does."""
    columns = (col(IssueLink.linked_at), col(Message.case_id), col(Message.person_id))
    links = _linked(*columns).where(col(IssueLink.issue_id).in_(_numbers(session, issue)))
    rows = session.execute(links.order_by(col(IssueLink.linked_at).desc()).limit(MOST_COUNTED)).all()
    if not rows:
        return None
    cases, senders = {row.case_id for row in rows}, {row.person_id for row in rows}
    return Summary(issue, len(cases), len(senders), rows[0].linked_at)


def _numbers(session: Session, issue: SharedIssue) -> list[int | None]:
    """Give the numbers under which an issue is linked: its own, and those of what was merged into it."""
    merged = rows_of(SharedIssue.id).where(SharedIssue.merged_into == issue.id)
    return [issue.id, *session.exec(merged)]


def get(db: Database, number: int) -> SharedIssue | None:
    """Give an issue; None where the number leads nowhere."""
    with db.read() as session:
        return session.get(SharedIssue, number)


def of_case(db: Database, case_id: int) -> list[SharedIssue]:
    """List the issues that a case is linked to, those in whose place another stands as that other."""
    with db.read() as session:
        links = _linked(col(IssueLink.issue_id)).where(col(Message.case_id) == case_id)
        rows = [session.get_one(SharedIssue, number) for number in set(session.execute(links).scalars())]
        kept = {row.merged_into or row.id for row in rows}
        return [session.get_one(SharedIssue, number) for number in sorted(filter(None, kept))]


def messages(db: Database, issue: SharedIssue) -> list[Message]:
    """List the messages whose decisions link an issue, the oldest first."""
    with db.read() as session:
        statement = _linked(Message).where(col(IssueLink.issue_id).in_(_numbers(session, issue)))
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
    """Make one issue of two; part of a transaction. The links stay: what is linked to the other counts for the kept."""
    earlier = update(SharedIssue).where(col(SharedIssue.merged_into) == other.id).values(merged_into=kept.id)
    session.connection().execute(earlier)
    other.merged_into, other.closed_at = kept.id, now
    session.add(other)


def _linked(*wanted: Any) -> Any:  # noqa: ANN401 - which rows come, its callers know
    return (
        select(*wanted)
        .select_from(IssueLink)
        .join(Decision, col(Decision.id) == col(IssueLink.decision_id))
        .join(Message, col(Message.id) == col(Decision.message_id))
        .where(col(Decision.withdrawn_at).is_(None))
    )
