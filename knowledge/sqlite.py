"""The knowledge database in a file.

SQLite runs in WAL with ``synchronous=FULL``: a commit is on the disk when it returns, at the price of an
fsync each. A write begins IMMEDIATE, so a fence never waits for a lock in the middle of its transaction.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlmodel import create_engine

BUSY_SECONDS = 30


def engines_of(path: Path) -> tuple[Engine, Engine]:
    """Prepare the engines for a file, the one that reads and the one that writes; nothing is opened yet."""
    reader = prepare(create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}))
    return reader, reader.execution_options(write=True)


def prepare(engine: Engine) -> Engine:
    """Have an engine on SQLite keep to the two kinds of transaction; one with ``write`` is a writing one."""
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def create(path: Path) -> None:
    """Create the file readable by its owner alone: it holds people's mail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
    connection.isolation_level = None  # BEGIN is ours, see _begin
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
