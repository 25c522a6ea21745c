"""The entries of the decision log: written, with the index, in the transaction that changes what they say."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, func, insert, select, update
from sqlmodel import Session, col

from knowledge import index, keys
from knowledge.keys import Kind, Texts
from knowledge.tables import Decision, LogEntry, Message


def _found() -> Any:  # noqa: ANN401 - so many columns have no type of SQLAlchemy's
    """Select a message as the log tells it, with the decision that stands, the open entry, and the log's end."""
    message: BindParameter[int] = bindparam("message")
    stands = and_(col(Decision.message_id) == col(Message.id), col(Decision.withdrawn_at).is_(None))
    is_open = and_(col(LogEntry.message_id) == col(Message.id), col(LogEntry.closed_at).is_(None))
    ends = {"newest": LogEntry.number, "latest": LogEntry.reached_at, "changes": LogEntry.changed}
    return (
        select(
            *(col(Message.subject), col(Message.sender_address), col(Message.sender_name), col(Message.reason)),
            *(col(Decision.category), col(Decision.summary), col(Decision.reason).label("why")),
            *(col(Message.id), col(Message.person_id), col(Message.state), col(Message.updated_at)),
            *(col(Decision.id).label("decision_id"), col(Decision.decided_at)),
            *(col(LogEntry.number), col(LogEntry.decision_id).label("told_of"), col(LogEntry.concluded_at)),
            col(LogEntry.state).label("told_state"),
            *(select(func.max(column)).scalar_subquery().label(name) for name, column in ends.items()),
        )
        .outerjoin(Decision, stands)
        .outerjoin(LogEntry, is_open)
        .where(col(Message.id) == message)
    )


def _number() -> BindParameter[int]:
    return bindparam("entry")


# Made once: a message is looked at whenever it moves.
FOUND = _found()
CHANGE = (
    update(LogEntry)
    .where(col(LogEntry.number) == _number())
    .values(state=bindparam("now_in"), changed=bindparam("change"))
)
CLOSE = (
    update(LogEntry)
    .where(col(LogEntry.number) == _number())
    .values(closed_at=bindparam("at"), changed=bindparam("change"))
)
TEXTS = len(Texts._fields)


def enter(session: Session, message_id: int, now: datetime) -> None:
    """Have the log say what is so of a message that has changed; part of the transaction that changes it."""
    session.flush()
    row = session.connection().execute(FOUND, {"message": message_id}).one()
    concluded_at = row.decided_at or (row.updated_at if row.reason else None)
    if row.number is not None and (row.told_of, row.concluded_at) == (row.decision_id, concluded_at):
        _change(session, row)
        return
    changes = row.changes or 0
    if row.number is not None:
        changes += 1
        session.connection().execute(CLOSE, {"entry": row.number, "at": now, "change": changes})
    if concluded_at is not None:
        _open(session, row, concluded_at, changes + 1)


def unite_persons(session: Session, kept: int, other: int) -> None:
    """Let what is the other person's be found as the kept one's; part of a transaction."""
    index.unite(session, keys.exact(Kind.PERSON, str(kept)), keys.exact(Kind.PERSON, str(other)))


def divide_person(session: Session, person: int, fresh: int) -> None:
    """Let what is the fresh person's now be found as theirs, and no longer as the other's; part of a transaction."""
    theirs = select(col(LogEntry.number)).join(Message, col(Message.id) == col(LogEntry.message_id))
    numbers = session.connection().execute(theirs.where(col(Message.person_id) == fresh)).scalars().all()
    index.give(session, numbers, keys.exact(Kind.PERSON, str(person)), keys.exact(Kind.PERSON, str(fresh)))


def _open(session: Session, row: Row[Any], concluded_at: datetime, change: int) -> None:
    number = (row.newest or 0) + 1
    values = {
        "number": number,
        "message_id": row.id,
        "decision_id": row.decision_id,
        "state": row.state,
        "concluded_at": concluded_at,
        "reached_at": max(row.latest or concluded_at, concluded_at),
        "changed": change,
    }
    session.connection().execute(insert(LogEntry), values)
    index.add(session, number, _keys(row))


def _change(session: Session, row: Row[Any]) -> None:
    """Keep an entry in its place; the words that it has no longer are left in the index."""
    session.connection().execute(CHANGE, {"entry": row.number, "now_in": row.state, "change": row.changes + 1})
    index.add(session, row.number, _keys(row))
    if row.told_state != row.state:
        old, new = keys.exact(Kind.STATE, row.told_state), keys.exact(Kind.STATE, row.state)
        index.give(session, [row.number], old, new)


def _keys(row: Row[Any]) -> set[bytes]:
    return keys.of_entry(Texts(*(text or "" for text in row[:TEXTS])), row.state, row.person_id)
