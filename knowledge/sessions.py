"""Sessions: where the one conversation stands. Only ``head_uuid`` and ``head_offset`` say it."""

from datetime import datetime

from sqlalchemy import Update, func, update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import AgentSession, Turn, Upkeep


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


def advance(
    session: Session,
    row: AgentSession,
    head_uuid: str,
    head_offset: int,
    context_tokens: int,
    reclaimed: float | None = None,
) -> None:
    """Move the head, with what was measured there; part of one transaction. ``reclaimed`` stays where it is None."""
    measured = {"context_tokens": context_tokens} | ({} if reclaimed is None else {"reclaimed": reclaimed})
    statement = (
        update(AgentSession)
        .where(
            col(AgentSession.id) == row.id,
            col(AgentSession.state) == row.state,
            col(AgentSession.generation) == row.generation,
        )
        .values(head_uuid=head_uuid, head_offset=head_offset, **measured)
    )
    fence(session, statement, f"session {row.id}")


def forget_compactions(session: Session, session_id: str, offset: int) -> None:
    """Forget where compactions stand that are cut off with all behind the offset; part of a transaction."""
    behind = (col(Upkeep.session_id) == session_id, col(Upkeep.head_offset) > offset)
    session.connection().execute(update(Upkeep).where(*behind).values(head_uuid=None, head_offset=None))


def forget_mirror(session: Session, session_id: str) -> None:
    """Have a session mirrored anew: it may come to the same length again with other turns. Part of a transaction."""
    known = update(AgentSession).where(col(AgentSession.id) == session_id)
    session.connection().execute(known.values(mirrored_offset=0))


def set_back(db: Database, row: AgentSession, to: Turn, *, settled: str, lost: str) -> None:
    """Set the head back to an earlier turn, because the transcript's end is gone; later turns become lost."""
    with db.write() as session:
        advance(session, row, to.head_uuid or "", to.head_offset or 0, to.context_tokens)
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
        forget_compactions(session, row.id, to.head_offset or 0)
        forget_mirror(session, row.id)


def settled_turns(db: Database, session_id: str, settled: str) -> list[Turn]:
    """List the settled turns of a session, the newest first."""
    with db.read() as session:
        statement = (
            select(Turn)
            .where(Turn.session_id == session_id, Turn.state == settled)
            .order_by(col(Turn.head_offset).desc())
        )
        return list(session.exec(statement))


def standing(db: Database, session_id: str, settled: str) -> tuple[int, datetime | None, float]:
    """Count a session's settled turns, say when the last one ended, and what all its turns and upkeeps cost."""
    with db.read() as session:
        count = func.count().filter(col(Turn.state) == settled)
        last = func.max(Turn.ended_at).filter(col(Turn.state) == settled)
        dollars = func.sum(func.coalesce(Turn.cost_usd, Turn.reserved_usd))
        turns, at, spent = session.exec(select(count, last, dollars).where(Turn.session_id == session_id)).one()
        kept = select(func.sum(func.coalesce(Upkeep.cost_usd, Upkeep.reserved_usd)))
        upkeeps = session.exec(kept.where(Upkeep.session_id == session_id)).one()
        return int(turns), at, float(spent or 0) + float(upkeeps or 0)


def get(db: Database, session_id: str) -> AgentSession | None:
    """Give one session."""
    with db.read() as session:
        return session.get(AgentSession, session_id)


def newest_ended(db: Database) -> AgentSession | None:
    """Give the session that ended last: what a new one comes after where none is live."""
    with db.read() as session:
        ended = select(AgentSession).where(col(AgentSession.ended_at).is_not(None))
        return session.exec(ended.order_by(col(AgentSession.ended_at).desc()).limit(1)).first()


def unmirrored(db: Database) -> list[AgentSession]:
    """List the sessions of which the session store has more or less than is settled, the oldest first."""
    with db.read() as session:
        behind = select(AgentSession).where(
            col(AgentSession.head_uuid).is_not(None), AgentSession.mirrored_offset != AgentSession.head_offset
        )
        return list(session.exec(behind.order_by(col(AgentSession.created_at))))


def mirrored(db: Database, session_id: str, offset: int) -> None:
    """Note how far the session store has a session; what has settled since is still to come."""
    with db.write() as session:
        known = update(AgentSession).where(col(AgentSession.id) == session_id)
        fence(session, known.values(mirrored_offset=offset), f"session {session_id}")


def chain(db: Database) -> list[AgentSession]:
    """List all sessions, the newest first."""
    with db.read() as session:
        return list(session.exec(select(AgentSession).order_by(col(AgentSession.created_at).desc())))
