"""What became of actions later: drafts that a person edited, sent or deleted, and mails of ours that bounced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import not_
from sqlmodel import col, select

from knowledge import cases, handoffs, unsaid
from knowledge.database import Database
from knowledge.handoffs import Ending
from knowledge.tables import Action, Decision, Feedback, Message
from knowledge.unsaid import Unsaid


@dataclass(frozen=True)
class Sequel:
    """What feedback does to the case, and to the handoff of a letter."""

    case_id: int
    moves: Mapping[str, str]
    void: Unsaid | None = None
    ending: Ending | None = None


def note(db: Database, row: Feedback, sequel: Sequel | None = None) -> bool:
    """Write feedback down with what follows from it; False where the same was noted before."""
    known = select(Feedback.id).where(
        Feedback.action_id == row.action_id, Feedback.kind == row.kind, Feedback.detail == row.detail
    )
    with db.write() as session:
        if sequel and sequel.ending:
            handoffs.end(session, sequel.ending, row.noted_at)
        if session.exec(known).first() is not None:
            return False
        session.add(row)
        if sequel:
            cases.move(session, sequel.case_id, sequel.moves)
        if sequel and sequel.void:
            unsaid.take_back(session, sequel.void)
        return True


def kinds_of(db: Database, action_id: int) -> list[str]:
    """List the kinds of feedback on an action."""
    with db.read() as session:
        return list(session.exec(select(Feedback.kind).where(Feedback.action_id == action_id)))


def of_message(db: Database, message_id: int) -> list[Feedback]:
    """List the feedback on a message's actions, the oldest first."""
    with db.read() as session:
        statement = (
            select(Feedback)
            .join(Action, col(Action.id) == col(Feedback.action_id))
            .where(Action.message_id == message_id)
            .order_by(col(Feedback.id))
        )
        return list(session.exec(statement))


def open_drafts(
    db: Database, mailbox: str, *, drafts: Sequence[str], stored: str, final: Sequence[str], since: datetime
) -> list[int]:
    """List the ids of the stored drafts of a mailbox, newer than ``since``, of which no final feedback is known yet.

    Those of a withdrawn decision are left out: what a person makes of the next draft is none of their doing. Ids alone,
    for there may be thousands: see ``draft_of``.
    """
    closed = select(Feedback.id).where(col(Feedback.action_id) == Action.id, col(Feedback.kind).in_(final)).exists()
    with db.read() as session:
        statement = (
            select(Action.id)
            .join(Message, col(Message.id) == col(Action.message_id))
            .join(Decision, col(Decision.id) == col(Action.decision_id), isouter=True)
            .where(col(Action.kind).in_(drafts), Action.state == stored, Message.mailbox == mailbox, not_(closed))
            .where(col(Decision.withdrawn_at).is_(None))
            .where(col(Action.updated_at) >= since)
            .order_by(col(Action.id))
        )
        return [number for number in session.exec(statement) if number]


def draft_of(db: Database, action_id: int) -> tuple[Action, Message]:
    """Give a draft's action, and the message that it answers."""
    with db.read() as session:
        statement = (
            select(Action, Message)
            .join(Message, col(Message.id) == col(Action.message_id))
            .where(Action.id == action_id)
        )
        action, message = session.exec(statement).one()
        return action, message
