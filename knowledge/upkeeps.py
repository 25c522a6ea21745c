"""Compactions and rotations: opened before they begin, closed in one transaction with what they change."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from knowledge import sessions
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import AgentSession, CaseNote, Upkeep


def begin(db: Database, row: Upkeep) -> Upkeep:
    """Commit the row, with its greatest cost reserved, before the engine is asked for anything."""
    with db.write() as session:
        session.add(row)
        session.flush()
        return row


def compacted(db: Database, row: Upkeep, held_by: AgentSession, head_uuid: str, head_offset: int, freed: float) -> None:
    """Close a compaction and move the session's head behind it: all or nothing."""
    with db.write() as session:
        _close(session, row)
        sessions.advance(session, held_by, head_uuid, head_offset, row.tokens_after or 0, freed)


def rotated(db: Database, row: Upkeep, successor: AgentSession, notes: Mapping[int, str], ended: str) -> None:
    """Close a rotation: the old session ends, its notes are kept, its successor is the live one. All or nothing."""
    now = successor.created_at
    with db.write() as session:
        _close(session, row)
        sessions.replace(session, successor, ended=ended, reason=row.why)
        session.add_all(
            CaseNote(session_id=row.session_id, case_id=case, text=text, noted_at=now) for case, text in notes.items()
        )


def failed(db: Database, row: Upkeep) -> None:
    """Close one that came to nothing: the session goes on where it stood."""
    with db.write() as session:
        _close(session, row)


def in_state(db: Database, state: str) -> list[Upkeep]:
    """List those in a state, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Upkeep).where(Upkeep.state == state).order_by(col(Upkeep.id))))


def of_session(db: Database, session_id: str) -> list[Upkeep]:
    """List a session's, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Upkeep).where(Upkeep.session_id == session_id).order_by(col(Upkeep.id))))


def notes_of(db: Database, session_id: str) -> list[CaseNote]:
    """List what a session noted for its successor."""
    with db.read() as session:
        return list(session.exec(select(CaseNote).where(CaseNote.session_id == session_id)))


def last_failed_at(db: Database, session_id: str, failed_state: str) -> datetime | None:
    """Say when an upkeep of the session failed last."""
    with db.read() as session:
        statement = select(Upkeep.ended_at).where(Upkeep.session_id == session_id, Upkeep.state == failed_state)
        return session.exec(statement.order_by(col(Upkeep.id).desc()).limit(1)).first()


def _close(session: Session, row: Upkeep) -> None:
    values = row.model_dump(exclude={"id", "session_id", "generation", "kind", "why", "model", "started_at"})
    statement = (
        update(Upkeep)
        .where(col(Upkeep.id) == row.id, col(Upkeep.ended_at).is_(None), col(Upkeep.generation) == row.generation)
        .values(**values)
    )
    fence(session, statement, f"upkeep {row.id}")
