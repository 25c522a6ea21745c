"""A real PostgreSQL for knowledge databases: each test gets one of its own, copied from one that was migrated once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, create_engine, make_url, text
from sqlmodel import SQLModel

from knowledge import migrate
from knowledge.database import Database
from tests import databases


@dataclass(frozen=True)
class KnowledgeServer:
    """A server, with a migrated database to copy."""

    url: URL
    template: str

    def copy(self) -> URL:
        """Make a migrated database, and say where it is."""
        return new_database(self.url, self.template)


@contextmanager
def serving() -> Iterator[KnowledgeServer]:
    """Run a server."""
    with databases.postgres() as where:
        url = make_url(where).set(password=databases.PASSWORD)
        template = new_database(url)
        db = Database(template)
        migrate.upgrade(db)
        db.close()
        yield KnowledgeServer(url, template.database or "")


def new_database(url: URL, template: str = "template1") -> URL:
    """Make a database of its own on a server."""
    name = f"t{uuid.uuid4().hex}"
    run(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return url.set(database=name)


def run(url: URL, statement: str) -> None:
    """Run a statement past all transactions."""
    engine = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def empty(db: Database) -> None:
    """Take all rows out of a database on a server, and count from one again."""
    names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
    with db.write() as session:
        session.connection().execute(text(f"TRUNCATE {names}, passage_words RESTART IDENTITY"))
