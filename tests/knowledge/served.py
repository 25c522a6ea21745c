"""The knowledge database on a PostgreSQL of the tests' own, as far as the decision log needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlmodel import SQLModel

from knowledge.database import Database
from tests import databases

UNIQUE = {
    "one_live_session": "sessions (state) WHERE state = 'live'",
    "one_decision": "decisions (message_id) WHERE withdrawn_at IS NULL",
}


class Served(Database):
    """A handle on it."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened yet."""
        self.path = Path()
        self.url = url
        where = make_url(url).set(drivername="postgresql+psycopg", password=databases.PASSWORD)
        self.engine = self._writer = create_engine(where)

    def make_tables(self) -> None:
        """Make the tables; the conditions of their unique indexes are known for SQLite alone so far."""
        SQLModel.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            for name, what in UNIQUE.items():
                connection.execute(text(f"DROP INDEX {name}"))
                connection.execute(text(f"CREATE UNIQUE INDEX {name} ON {what}"))

    def empty(self) -> None:
        """Take all rows out, and count from one again."""
        names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
        with self.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))


@contextmanager
def served() -> Iterator[Served]:
    """Run a server with the tables."""
    with databases.postgres() as url:
        db = Served(url)
        db.make_tables()
        yield db
        db.close()
