"""The one engine of the knowledge database, and its two kinds of transaction.

SQLite runs in WAL with ``synchronous=FULL``: a commit is on the disk when it returns, at the price of an
fsync each. A write begins IMMEDIATE, so a fence never waits for a lock in the middle of its transaction.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlmodel import Session, create_engine

BUSY_SECONDS = 30


class Database:
    """A handle on the knowledge database; cheap to make, safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Prepare the engine for the SQLite file at ``path``; nothing is opened yet."""
        self.path = path
        self.url = f"sqlite:///{path}"
        self.engine = prepare_sqlite(create_engine(self.url, connect_args={"timeout": BUSY_SECONDS}))
        self._writer = self.engine.execution_options(write=True)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that commits at the end of the block and rolls back on any exception."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction on one consistent snapshot; what it loads may be used after the block."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()

    def make_private(self) -> None:
        """Create the file readable by its owner alone: it holds people's mail."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))


def prepare_sqlite(engine: Engine) -> Engine:
    """Have an engine on SQLite keep to the two kinds of transaction; one with ``write`` is a writing one."""
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
    connection.isolation_level = None  # BEGIN is ours, see _begin
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
