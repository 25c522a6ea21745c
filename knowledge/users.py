"""Who may sign in to the pages."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import User, Visit


def add(db: Database, user: User) -> bool:
    """Add somebody; False where the name is taken."""
    with db.write() as session:
        if session.get(User, user.name):
            return False
        session.add(user)
        return True


def get(db: Database, name: str) -> User | None:
    """Give somebody by name."""
    with db.read() as session:
        return session.get(User, name)


def every(db: Database) -> list[User]:
    """List all, by name."""
    with db.read() as session:
        return list(session.exec(select(User).order_by(User.name)))


def change(db: Database, name: str, *, role: str = "", password: str = "") -> bool:
    """Give somebody another role or password, and sign them out everywhere; False where there is nobody of the name."""
    values = {key: value for key, value in (("role", role), ("password", password)) if value}
    with db.write() as session:
        changed = session.connection().execute(update(User).where(col(User.name) == name).values(**values))
        session.connection().execute(delete(Visit).where(col(Visit.user) == name))
        return bool(changed.rowcount)


def drop(db: Database, name: str) -> bool:
    """Take somebody off, and sign them out everywhere; False where there is nobody of the name."""
    with db.write() as session:
        session.connection().execute(delete(Visit).where(col(Visit.user) == name))
        return bool(session.connection().execute(delete(User).where(col(User.name) == name)).rowcount)


def visited_at(db: Database) -> dict[str, datetime]:
    """Say when each of those who are signed in was seen last."""
    with db.read() as session:
        return {visit.user: visit.seen_at for visit in session.exec(select(Visit).order_by(col(Visit.seen_at)))}
