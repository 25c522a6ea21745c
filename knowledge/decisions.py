"""The decision log as it is read: rows for a table, everything about one message, and a person's history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge.database import Database
from knowledge.pattern import containing
from knowledge.tables import Action, Decision, Message, Person, Turn

Joined = Select[Message, Decision, Turn]


@dataclass(frozen=True)
class Filter:
    """What to show; an empty field does not filter."""

    since: datetime | None = None
    category: str = ""
    person: str = ""
    state: str = ""
    search: str = ""
    limit: int = 50


@dataclass(frozen=True)
class Entry:
    """One line of the log: a message with what was concluded of it."""

    message: Message
    decision: Decision | None
    turn: Turn | None
    actions: tuple[Action, ...] = field(default=())


def log(db: Database, wanted: Filter) -> list[Entry]:
    """List entries, the newest decision first; messages held or failed without one stand at their last change."""
    with db.read() as session:
        rows = session.exec(_log_statement(wanted)).all()
        return _with_actions(session, rows)


def of_message(db: Database, message_id: int) -> Entry | None:
    """Give everything about one message."""
    with db.read() as session:
        rows = session.exec(_joined().where(col(Message.id) == message_id)).all()
        return next(iter(_with_actions(session, rows)), None)


def turns_of(db: Database, message_id: int) -> list[Turn]:
    """List all turns of a message, dropped ones too."""
    with db.read() as session:
        return list(session.exec(select(Turn).where(Turn.message_id == message_id).order_by(col(Turn.id))))


def of_case(db: Database, case_id: int, before: int, limit: int) -> list[Entry]:
    """List the case's messages before this one, the oldest first."""
    with db.read() as session:
        statement = _joined().where(col(Message.case_id) == case_id, col(Message.id) < before)
        rows = session.exec(statement.order_by(col(Message.id).desc()).limit(limit)).all()
        return _with_actions(session, rows[::-1])


def of_person(db: Database, person_id: int, before: int, words: str, limit: int) -> list[Entry]:
    """Search a person's earlier messages and the decisions on them, the newest first."""
    with db.read() as session:
        statement = _joined().where(col(Message.person_id) == person_id, col(Message.id) < before)
        for word in words.split():
            statement = statement.where(_mentions(word))
        rows = session.exec(statement.order_by(col(Message.id).desc()).limit(limit)).all()
        return _with_actions(session, rows)


def acquaintance(db: Database, person_id: int | None, before: int) -> tuple[int, datetime | None]:
    """Count a person's messages before this one, and say since when they are known."""
    if person_id is None:
        return 0, None
    with db.read() as session:
        count = session.exec(
            select(func.count()).where(
                col(Message.person_id) == person_id, col(Message.id) < before, col(Message.about_id).is_(None)
            )
        ).one()
        return int(count), session.get_one(Person, person_id).first_seen_at


def _joined() -> Joined:
    """Select the messages with the decisions that stand: one that was withdrawn is none."""
    stands = and_(col(Decision.message_id) == col(Message.id), col(Decision.withdrawn_at).is_(None))
    return (
        select(Message, Decision, Turn)
        .join(Decision, stands, isouter=True)
        .join(Turn, col(Turn.id) == col(Decision.turn_id), isouter=True)
    )


def _log_statement(wanted: Filter) -> Joined:
    concluded = func.coalesce(Decision.decided_at, Message.updated_at)
    statement = _joined().where(or_(col(Decision.id).is_not(None), col(Message.reason) != ""))
    if wanted.since:
        statement = statement.where(concluded >= wanted.since)
    if wanted.category:
        statement = statement.where(col(Decision.category) == wanted.category)
    if wanted.person:
        who = containing(wanted.person)
        statement = statement.where(
            or_(col(Message.sender_address).ilike(who, escape="\\"), col(Message.sender_name).ilike(who, escape="\\"))
        )
    if wanted.state:
        statement = statement.where(col(Message.state) == wanted.state)
    for word in wanted.search.split():
        statement = statement.where(_mentions(word))
    return statement.order_by(concluded.desc(), col(Message.id).desc()).limit(wanted.limit)


def _mentions(word: str) -> Any:  # noqa: ANN401 - SQLAlchemy's own expression type
    pattern = containing(word)
    columns = (Message.subject, Message.reason, Decision.summary, Decision.reason, Decision.category)
    return or_(*(col(column).ilike(pattern, escape="\\") for column in columns))


def _with_actions(session: Session, rows: Sequence[Any]) -> list[Entry]:
    if not rows:
        return []
    ids = [message.id for message, _decision, _turn in rows]
    found: dict[int, list[Action]] = {}
    for action in session.exec(select(Action).where(col(Action.message_id).in_(ids)).order_by(col(Action.id))):
        found.setdefault(action.message_id, []).append(action)
    return [
        Entry(message, decision, turn, tuple(_standing(found.get(message.id, []), decision)))
        for message, decision, turn in rows
    ]


def _standing(actions: Sequence[Action], decision: Decision | None) -> list[Action]:
    """Leave out the actions of a decision that was withdrawn."""
    known = (None, decision.id if decision else None)
    return [action for action in actions if action.decision_id in known]


def of_lost_turns(db: Database, session_id: str, lost: str, settled: str) -> list[Entry]:
    """List what was decided in turns that the transcript lost, as long as no later turn has settled."""
    with db.read() as session:
        last = (
            select(func.max(Turn.id))
            .where(col(Turn.session_id) == session_id, col(Turn.state) == settled)
            .scalar_subquery()
        )
        statement = _joined().where(
            col(Turn.session_id) == session_id, col(Turn.state) == lost, col(Turn.id) > func.coalesce(last, 0)
        )
        return _with_actions(session, session.exec(statement.order_by(col(Message.id))).all())
