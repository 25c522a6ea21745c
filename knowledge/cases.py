"""The cases: matters, each the messages of one thread."""

from datetime import datetime

from sqlmodel import Session, col, select

from knowledge.tables import Action, Case, Message


def assign(session: Session, related_ids: tuple[str, ...], subject: str, now: datetime) -> int:
    """Give the case of the nearest known relative, ours or theirs, or open a new one."""
    found = next((known for relative in related_ids if (known := _case_of(session, relative))), None)
    case = session.get_one(Case, found) if found else Case(subject=subject, opened_at=now, updated_at=now)
    case.updated_at = now
    session.add(case)
    session.flush()
    return case.id or 0


def _case_of(session: Session, message_id: str) -> int | None:
    theirs = select(Message.case_id).where(Message.message_id == message_id).order_by(col(Message.id).desc())
    ours = (
        select(Message.case_id)
        .join(Action, col(Action.message_id) == col(Message.id))
        .where(Action.own_message_id == message_id)
    )
    return session.exec(theirs).first() or session.exec(ours).first()
