"""A person's word on actions that wait for one: each counts once, and for the very bytes that the person saw."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge import chain, ledger
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Action, Approval, Decision, Message
from knowledge.turns import Step


@dataclass(frozen=True)
class Word:
    """What was said of an action, by whom, from where and why; ``target`` is the state that it takes from that."""

    verdict: str
    target: str
    by: str
    place: str
    why: str = ""


@dataclass(frozen=True)
class Item:
    """An action that waits, with its message and decision."""

    action: Action
    message: Message
    decision: Decision | None


def waiting(db: Database, state: str) -> list[Item]:
    """List what waits, the oldest first."""
    with db.read() as session:
        return [Item(*row) for row in session.exec(_items(state).order_by(col(Action.id)))]


def one(db: Database, number: int, state: str) -> Item | None:
    """Give what waits under a number; None where nothing does."""
    with db.read() as session:
        row = session.exec(_items(state).where(Action.id == number)).first()
        return Item(*row) if row else None


def numbers(db: Database, state: str) -> list[int]:
    """List the numbers of what waits, the oldest first."""
    with db.read() as session:
        return [
            number or 0
            for number in session.exec(select(Action.id).where(Action.state == state).order_by(col(Action.id)))
        ]


def _items(state: str) -> Select[Action, Message, Decision]:
    return (
        select(Action, Message, Decision)
        .join(Message, col(Message.id) == col(Action.message_id))
        .outerjoin(Decision, col(Decision.id) == col(Action.decision_id))
        .where(Action.state == state)
    )


def say(session: Session, action: Action, word: Word, step: Step | None, now: datetime) -> Approval:
    """Write down what was said of an action, and move it on; part of a transaction.

    ``step`` moves its message, once no other action of it waits. Raises FenceError where the action does not wait any
    more, or is not what the person saw.
    """
    waits = (col(Action.id) == action.id, col(Action.state) == action.state, col(Action.digest) == action.digest)
    moved = update(Action).where(*waits).values(state=word.target, reason=word.why, due_at=None, updated_at=now)
    fence(session, moved, f"action {action.id}")
    approval = Approval(
        action_id=action.id or 0,
        digest=action.digest,
        verdict=word.verdict,
        by=word.by,
        place=word.place,
        why=word.why,
        given_at=now,
    )
    session.add(approval)
    session.flush()
    if step and not _waits_still(session, action) and _is_in(session, action.message_id, step.source):
        ledger.move(session, action.message_id, source=step.source, target=step.target, now=now, reason=step.reason)
    return approval


def link(session: Session, approval: Approval, now: datetime) -> None:
    """Put it into the chain, once all of it is written; part of the same transaction."""
    chain.answered(session, approval, now)


def put_in_place(session: Session, new: Action, approval: Approval) -> Action:
    """Put another version in the place of the action that the approval is about; part of a transaction."""
    session.add(new)
    session.flush()
    approval.version = new.id
    session.add(approval)
    session.flush()
    return new


def is_approved(db: Database, action_id: int | None, verdict: str) -> bool:
    """Say whether a person has approved an action, or written it."""
    said = or_(
        and_(col(Approval.action_id) == action_id, col(Approval.verdict) == verdict), col(Approval.version) == action_id
    )
    with db.read() as session:
        return session.exec(select(Approval.id).where(said)).first() is not None


def _waits_still(session: Session, action: Action) -> bool:
    others = select(func.count()).where(Action.message_id == action.message_id, Action.state == action.state)
    return bool(session.exec(others).one())


def _is_in(session: Session, message_id: int, state: str) -> bool:
    return session.exec(select(Message.state).where(Message.id == message_id)).one() == state


def of_message(db: Database, message_id: int) -> list[Approval]:
    """List what was said of a message's actions."""
    theirs = select(Action.id).where(Action.message_id == message_id)
    with db.read() as session:
        return list(
            session.exec(select(Approval).where(col(Approval.action_id).in_(theirs)).order_by(col(Approval.id)))
        )


def of_action(db: Database, action_id: int) -> list[Approval]:
    """List what was said of an action, the oldest first."""
    with db.read() as session:
        statement = select(Approval).where(Approval.action_id == action_id).order_by(col(Approval.id))
        return list(session.exec(statement))
