"""Mails of ours to the supervisor: planned once for each day or mail, and sent at most once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Action, Approval, Message, Notice


def plan(db: Database, notice: Notice) -> bool:
    """Freeze one; False where there is one about the same already."""
    with db.write() as session:
        if session.exec(select(Notice.id).where(Notice.kind == notice.kind, Notice.about == notice.about)).first():
            return False
        session.add(notice)
        return True


def next_due(db: Database, states: Sequence[str], now: datetime) -> Notice | None:
    """Give the oldest in these states that is due."""
    with db.read() as session:
        due = or_(col(Notice.due_at).is_(None), col(Notice.due_at) <= now)
        statement = select(Notice).where(col(Notice.state).in_(states), due)
        return session.exec(statement.order_by(col(Notice.id)).limit(1)).first()


def change(
    db: Database,
    notice: Notice,
    state: str,
    now: datetime,
    *,
    reason: str = "",
    due: datetime | None = None,
    tries: int | None = None,
) -> Notice:
    """Move one on; raise FenceError where it is not in the state that the caller saw."""
    counted = notice.tries if tries is None else tries
    values = {"state": state, "reason": reason, "due_at": due, "updated_at": now, "tries": counted}
    with db.write() as session:
        known = (col(Notice.id) == notice.id, col(Notice.state) == notice.state)
        fence(session, update(Notice).where(*known).values(**values), f"notice {notice.id}")
    return notice.model_copy(update=values)


def last(db: Database, kind: str) -> Notice | None:
    """Give the newest of a kind."""
    with db.read() as session:
        return session.exec(select(Notice).where(Notice.kind == kind).order_by(col(Notice.id).desc()).limit(1)).first()


def count_since(db: Database, kind: str, since: datetime) -> int:
    """Count those of a kind since then."""
    with db.read() as session:
        return session.exec(select(func.count()).where(Notice.kind == kind, Notice.created_at >= since)).one()


def untold(db: Database, kind: str, state: str, since: datetime) -> list[Message]:
    """List the messages that stand in a state since then at the earliest and are told in no notice of a kind."""
    with db.read() as session:
        told = {int(about) for about in session.exec(select(Notice.about).where(Notice.kind == kind))}
        standing = select(Message).where(Message.state == state, Message.updated_at >= since)
        return [row for row in session.exec(standing.order_by(col(Message.id))) if row.id not in told]


def came_in(db: Database, behind: int) -> tuple[int, int]:
    """Count the mails behind a message, and give the number of the newest message."""
    with db.read() as session:
        mails = func.count().filter(col(Message.about_id).is_(None))
        count, newest = session.exec(select(mails, func.max(Message.id)).where(col(Message.id) > behind)).one()
        return int(count), int(newest or behind)


def in_state(db: Database, state: str, since: datetime) -> list[Notice]:
    """List those that came into a state since then."""
    with db.read() as session:
        return list(session.exec(select(Notice).where(Notice.state == state, Notice.updated_at >= since)))


def done(db: Database, state: str, since: datetime, until: datetime) -> dict[str, int]:
    """Count the actions that came into a state within these times, by kind."""
    within = (Action.state == state, Action.updated_at >= since, Action.updated_at < until)
    with db.read() as session:
        return dict(session.exec(select(Action.kind, func.count()).where(*within).group_by(Action.kind)).all())


def verdicts(db: Database, since: datetime, until: datetime) -> dict[str, int]:
    """Count what was said of actions within these times, by verdict."""
    within = (Approval.given_at >= since, Approval.given_at < until)
    with db.read() as session:
        return dict(
            session.exec(select(Approval.verdict, func.count()).where(*within).group_by(Approval.verdict)).all()
        )
