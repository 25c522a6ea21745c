"""Who is signed in to the pages, who tried to, and who has looked at what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import Look, SignIn, User, Visit


@dataclass(frozen=True)
class Guest:
    """Somebody who is signed in."""

    user: User
    visit: Visit


def begin(db: Database, visit: Visit) -> None:
    """Sign somebody in."""
    with db.write() as session:
        session.add(visit)


def find(db: Database, token: str, *, begun: datetime, seen: datetime) -> Guest | None:
    """Give whoever holds a token, if they signed in and were seen since these times."""
    statement = (
        select(User, Visit)
        .join(Visit, col(Visit.user) == col(User.name))
        .where(Visit.token == token, Visit.begun_at > begun, Visit.seen_at > seen)
    )
    with db.read() as session:
        row = session.exec(statement).first()
        return Guest(*row) if row else None


def seen(db: Database, token: str, now: datetime) -> None:
    """Note that somebody who is signed in was there."""
    with db.write() as session:
        session.connection().execute(update(Visit).where(col(Visit.token) == token).values(seen_at=now))


def end(db: Database, token: str) -> None:
    """Sign somebody out."""
    with db.write() as session:
        session.connection().execute(delete(Visit).where(col(Visit.token) == token))


def tidy(db: Database, begun: datetime, tried: datetime) -> None:
    """Forget who signed in, and who tried to, before these times."""
    with db.write() as session:
        session.connection().execute(delete(Visit).where(col(Visit.begun_at) <= begun))
        session.connection().execute(delete(SignIn).where(col(SignIn.tried_at) <= tried))


def tried(db: Database, attempt: SignIn) -> None:
    """Write down a try to sign in."""
    with db.write() as session:
        session.add(attempt)


def tries(db: Database, since: datetime) -> Sequence[SignIn]:
    """List the tries since then, the oldest first."""
    with db.read() as session:
        return session.exec(select(SignIn).where(SignIn.tried_at > since).order_by(col(SignIn.id))).all()


def looked(db: Database, look: Look) -> None:
    """Write down that somebody has looked at something."""
    with db.write() as session:
        session.add(look)


def looks(db: Database, limit: int) -> list[Look]:
    """List who has looked at what, the newest first."""
    with db.read() as session:
        return list(session.exec(select(Look).order_by(col(Look.id).desc()).limit(limit)))


def looks_at(db: Database, page: str, number: int) -> list[Look]:
    """List who has looked at one thing, the newest first."""
    with db.read() as session:
        theirs = select(Look).where(Look.page == page, Look.number == number)
        return list(session.exec(theirs.order_by(col(Look.id).desc())))
