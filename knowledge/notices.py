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


def last(db: Database, kind: str, states: Sequence[str]) -> Notice | None:
    """Give the newest of a kind in these states."""
    with db.read() as session:
        theirs = select(Notice).where(Notice.kind == kind, col(Notice.state).in_(states))
        return session.exec(theirs.order_by(col(Notice.id).desc()).limit(1)).first()


def count_since(db: Database, kind: str, since: datetime) -> int:
    """Count those of a kind since then."""
    with db.read() as session:
        return session.exec(select(func.count()).where(Notice.kind == kind, Notice.created_at >= since)).one()


def told(db: Database, kind: str) -> set[str]:
    """List what the notices of a kind are about."""
    with db.read() as session:
        return set(session.exec(select(Notice.about).where(Notice.kind == kind)))


def asked_about(db: Database, kind: str, states: Sequence[str]) -> list[Message]:
    """List the messages in these states that have an action of a kind, the newest first."""
    asking = select(Action.message_id).where(Action.kind == kind)
    with db.read() as session:
        open_ones = select(Message).where(col(Message.state).in_(states), col(Message.id).in_(asking))
        return list(session.exec(open_ones.order_by(col(Message.id).desc())))


def came_in(db: Database, behind: int | None, since: datetime) -> tuple[int, int]:
    """Count the mails behind a message, or those since then without one; and give the newest message's number."""
    counted = col(Message.received_at) >= since if behind is None else col(Message.id) > behind
    with db.read() as session:
        count = session.exec(select(func.count()).where(counted, col(Message.about_id).is_(None))).one()
        return count, session.exec(select(func.max(Message.id))).one() or 0


def walls(db: Database, since: datetime, until: datetime) -> int:
    """Count the actions of these times whose text ran into a wall."""
    with db.read() as session:
        made = select(Action.findings).where(Action.created_at >= since, Action.created_at < until)
        return sum(bool(found) for found in session.exec(made))


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
