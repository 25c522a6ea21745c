"""The knowledge database on a PostgreSQL server.

Writers take turns, as they do in a file: each begins by taking one lock, so that what a transaction has read still
holds when it writes. It costs a round trip a transaction, and no more: there is one daemon, and commands write little.
Readers see one moment and wait for nobody.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from knowledge.errors import HeldElsewhereError

WAIT_SECONDS = 30
CONNECT_SECONDS = 10
WRITING, HOLDING = 0x636C6572, 0x6B64  # names of locks, within this database: of who writes, and of the one daemon
# A machine that vanished (power, network) lets go of its locks after some 25 seconds.
OPTIONS = (
    f"-c lock_timeout={WAIT_SECONDS}s -c synchronous_commit=on "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
HOLDER = text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = 0 AND objid = :lock AND granted"
)


def engines_of(url: URL) -> tuple[Engine, Engine]:
    """Prepare the engines for a server, the one that reads and the one that writes; nothing is opened yet."""
    limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": WAIT_SECONDS * 1000, "options": OPTIONS}
    # A connection that has died in the pool is found before it is used: the server may have been started anew.
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True, connect_args=limits
    )
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # A writer's statements must see what was committed before it had the lock.
    return reader, engine.execution_options(isolation_level="READ COMMITTED", write=True)


@contextmanager
def held(writer: Engine) -> Iterator[Connection]:
    """Be the one that works on the database, as long as the connection lives that is given.

    Raises HeldElsewhereError, naming the other, where there is one.
    """
    with writer.connect().execution_options(isolation_level="AUTOCOMMIT", write=False) as connection:
        name = f"process {os.getpid()} on {socket.gethostname()}"
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": HOLDING}).scalar():
            raise HeldElsewhereError(_holder(connection))
        try:
            yield connection
        finally:
            connection.invalidate()  # the lock goes with the connection, whatever became of the server


def is_held(engine: Engine) -> bool:
    """Say whether somebody works on the database."""
    with engine.connect() as connection:
        return bool(_holder(connection))


def _holder(connection: Connection) -> str:
    return str(connection.execute(HOLDER, {"lock": HOLDING}).scalar() or "")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("write", False):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITING,))


def _without_nul(
    _connection: object,
    _cursor: object,
    statement: str,
    parameters: Any,  # noqa: ANN401 - whatever a statement takes
    _context: object,
    _many: object,
) -> tuple[str, Any]:
    """Write a stranger's NUL as a sign that PostgreSQL can store: it knows no text with one."""
    return statement, _clean(parameters)


def _clean(value: Any) -> Any:  # noqa: ANN401 - as above
    match value:
        case str():
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        case dict():
            return {key: _clean(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(map(_clean, value))
        case _:
            return value
