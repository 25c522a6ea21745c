"""Compactions and rotations: opened before they begin, closed in one transaction with what they change."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import update
from sqlmodel import Session, col, select

from knowledge import service, sessions
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.service import Closing
from knowledge.tables import AgentSession, CaseNote, Upkeep


def begin(db: Database, row: Upkeep) -> Upkeep:
    """Commit the row, with its greatest cost reserved, before the engine is asked for anything."""
    with db.write() as session:
        session.add(row)
        session.flush()
        return row


@dataclass(frozen=True)
class Summary:
    """Where a compaction left the session; ``freed`` is the share of the context, None where it is not to count."""

    head_uuid: str
    head_offset: int
    freed: float | None


@dataclass(frozen=True)
class Words:
    """The states of a session, as the daemon's judgement calls them."""

    live: str
    ended: str


def compacted(db: Database, row: Upkeep, held_by: AgentSession, summary: Summary, closing: Closing | None) -> None:
    """Close a compaction, and the order for it, and move the session's head behind it: all or nothing."""
    with db.write() as session:
        row.head_uuid, row.head_offset = summary.head_uuid, summary.head_offset
        _close(session, row)
        sessions.advance(session, held_by, summary.head_uuid, summary.head_offset, row.tokens_after or 0, summary.freed)
        service.close(session, closing, row.ended_at or row.started_at)


def rotated(
    db: Database, row: Upkeep, successor: AgentSession, notes: Mapping[int, str], words: Words, closing: Closing | None
) -> None:
    """Close a rotation: the old session ends, its notes are kept, its successor is the live one. All or nothing."""
    now = successor.created_at
    with db.write() as session:
        _close(session, row)
        ended = (
            update(AgentSession)
            .where(
                col(AgentSession.id) == row.session_id,
                col(AgentSession.state) == words.live,
                col(AgentSession.generation) == row.generation,
            )
            .values(state=words.ended, ended_at=now, end_reason=row.why)
        )
        fence(session, ended, f"session {row.session_id}")
        session.add(successor)
        session.add_all(
            CaseNote(session_id=row.session_id, case_id=case, text=text, noted_at=now) for case, text in notes.items()
        )
        service.close(session, closing, now)


def failed(db: Database, row: Upkeep, closing: Closing | None = None) -> None:
    """Close one that came to nothing, and the order for it: the session goes on where it stood."""
    with db.write() as session:
        _close(session, row)
        service.close(session, closing, row.ended_at or row.started_at)


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


def failures(
    db: Database, session_id: str, failed_state: str, *, kinds: Collection[str], but: str
) -> tuple[int, datetime | None]:
    """Count a session's failures since its last success, and say when the newest of them ended.

    Only upkeeps of these kinds count, none that is still open, and none whose failure is ``but``: that the service was
    stopped.
    """
    ended = [row for row in of_session(db, session_id) if row.ended_at is not None]
    rows = [row for row in ended if row.kind in kinds and row.failure != but]
    recent = list(takewhile(lambda row: row.state == failed_state, reversed(rows)))
    return len(recent), recent[0].ended_at if recent else None


def _close(session: Session, row: Upkeep) -> None:
    values = row.model_dump(exclude={"id", "session_id", "generation", "kind", "why", "model", "started_at"})
    statement = (
        update(Upkeep)
        .where(col(Upkeep.id) == row.id, col(Upkeep.ended_at).is_(None), col(Upkeep.generation) == row.generation)
        .values(**values)
    )
    fence(session, statement, f"upkeep {row.id}")
