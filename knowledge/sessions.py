"""Sessions: where the one conversation stands. Only ``head_uuid`` and ``head_offset`` say it."""

from datetime import datetime

from sqlalchemy import Update, update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import AgentSession, Turn


def live(db: Database, state: str) -> AgentSession | None:
    """Give the one session in the live state."""
    with db.read() as session:
        return session.exec(select(AgentSession).where(AgentSession.state == state)).first()


def take_over(db: Database, session_id: str, generation: int) -> None:
    """Let this daemon's generation hold the session; an older daemon's writes fail from here on."""
    with db.write() as session:
        statement = (
            update(AgentSession)
            .where(col(AgentSession.id) == session_id, col(AgentSession.generation) <= generation)
            .values(generation=generation)
        )
        fence(session, statement, f"session {session_id}")


def begin(db: Database, row: AgentSession, *, ended: str, reason: str) -> None:
    """Open a session and end the one that was live, in one transaction; a unique index allows no second live one."""
    with db.write() as session:
        session.connection().execute(_ending(row.state, row.generation, ended, reason, row.created_at))
        session.add(row)


def end(db: Database, row: AgentSession, *, ended: str, reason: str, now: datetime) -> None:
    """End the live session without a successor; the next turn begins one."""
    with db.write() as session:
        fence(session, _ending(row.state, row.generation, ended, reason, now), f"session {row.id}")


def _ending(live: str, generation: int, ended: str, reason: str, now: datetime) -> Update:
    return (
        update(AgentSession)
        .where(col(AgentSession.state) == live, col(AgentSession.generation) <= generation)
        .values(state=ended, ended_at=now, end_reason=reason)
    )


def advance(session: Session, row: AgentSession, head_uuid: str, head_offset: int) -> None:
    """Move the head on; part of the turn's one transaction."""
    statement = (
        update(AgentSession)
        .where(
            col(AgentSession.id) == row.id,
            col(AgentSession.state) == row.state,
            col(AgentSession.generation) == row.generation,
        )
        .values(head_uuid=head_uuid, head_offset=head_offset)
    )
    fence(session, statement, f"session {row.id}")


def set_back(db: Database, row: AgentSession, to: Turn, *, settled: str, lost: str) -> None:
    """Set the head back to an earlier turn, because the transcript's end is gone; later turns become lost."""
    with db.write() as session:
        advance(session, row, to.head_uuid or "", to.head_offset or 0)
        later = (
            update(Turn)
            .where(
                col(Turn.session_id) == row.id,
                col(Turn.state) == settled,
                col(Turn.head_offset) > to.head_offset,
            )
            .values(state=lost)
        )
        session.connection().execute(later)


def settled_turns(db: Database, session_id: str, settled: str) -> list[Turn]:
    """List the settled turns of a session, the newest first."""
    with db.read() as session:
        statement = (
            select(Turn)
            .where(Turn.session_id == session_id, Turn.state == settled)
            .order_by(col(Turn.head_offset).desc())
        )
        return list(session.exec(statement))


def chain(db: Database) -> list[AgentSession]:
    """List all sessions, the newest first."""
    with db.read() as session:
        return list(session.exec(select(AgentSession).order_by(col(AgentSession.created_at).desc())))
