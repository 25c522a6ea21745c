"""A session store in SQL: SQLite in a file, or PostgreSQL."""

import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from claude_agent_sdk import (
    SessionKey,
    SessionStoreListEntry,
    SessionSummaryEntry,
)
from claude_agent_sdk.types import SessionListSubkeysKey
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from daemon.agent.store.base import LineStore, Place, StoreError, TakenError, conflict, folded, place_of
from daemon.agent.store.deadline import in_time
from knowledge import sqlite

T = TypeVar("T")
METADATA = MetaData()
KEY = ("project", "session", "subpath")
HOLDERS = Table(
    "project_holders",
    METADATA,
    Column("project", String, primary_key=True),
    Column("holder", String, nullable=False),
)
TRANSCRIPTS = Table(
    "session_transcripts",
    METADATA,
    *(Column(name, String, primary_key=True) for name in KEY),
    Column("lines", Integer, nullable=False),
    Column("written_ms", BigInteger, nullable=False),
    Column("summary", Text, nullable=False),
)
LINES = Table(
    "session_lines",
    METADATA,
    *(Column(name, String, primary_key=True) for name in KEY),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
)


class SqlStore(LineStore):
    """Keeps lines as rows."""

    def __init__(self, url: URL, seconds: float) -> None:
        """``seconds`` is how long the server may take to answer; nothing is opened yet."""
        super().__init__()
        self._engine = _engine(url, seconds)
        self._seconds = seconds
        self._is_ready = False

    async def hold(self, project: str) -> None:
        """Take a project over."""
        await self._run(lambda connection: _hold(connection, project, self.me))

    async def touch(self, project: str) -> None:
        """Write that it is still held."""
        await self._run(lambda connection: _fence(connection, project, self.me))

    async def add(self, place: Place, lines: Sequence[str], at: int | None = None) -> None:
        """Append lines."""
        await self._run(lambda connection: _add(connection, place, self.me, lines, at))

    async def tail(self, place: Place, most: int | None = None) -> list[str]:
        """Give the last lines."""
        statement = select(LINES.c.line).where(*_at(LINES, place)).order_by(LINES.c.ordinal.desc()).limit(most)
        return await self._run(lambda connection: list(connection.scalars(statement))[::-1])

    async def read(self, place: Place, first: int, most: int) -> list[str]:
        """Give lines from a number on."""
        statement = select(LINES.c.line).where(*_at(LINES, place), LINES.c.ordinal >= first)
        wanted = statement.order_by(LINES.c.ordinal).limit(most)
        return await self._run(lambda connection: list(connection.scalars(wanted)))

    async def count(self, place: Place) -> int:
        """Count the lines."""
        return await self._run(lambda connection: _count(connection, place))

    async def cut(self, place: Place, count: int) -> None:
        """Keep the first lines."""
        await self._run(lambda connection: _cut(connection, place, self.me, count))

    async def delete(self, key: SessionKey) -> None:
        """Delete a session with all of its transcripts, or one of a subagent."""
        await self._run(lambda connection: _delete(connection, place_of(key)))

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """List the sessions of a project."""
        return [{"session_id": row.session, "mtime": row.written_ms} for row in await self._mains(project_key)]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """List the SDK's summaries of a project's sessions."""
        return [
            {"session_id": row.session, "mtime": row.written_ms, "data": json.loads(row.summary)}
            for row in await self._mains(project_key)
        ]

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """List the transcripts of a session's subagents."""
        of_session = (TRANSCRIPTS.c.project == key["project_key"], TRANSCRIPTS.c.session == key["session_id"])
        statement = select(TRANSCRIPTS.c.subpath).where(*of_session, TRANSCRIPTS.c.subpath != "")
        return await self._run(lambda connection: list(connection.scalars(statement)))

    async def close(self) -> None:
        """End all connections."""
        self._engine.dispose()

    async def _mains(self, project: str) -> list[Row[Any]]:
        mains = (TRANSCRIPTS.c.project == project, TRANSCRIPTS.c.subpath == "", TRANSCRIPTS.c.lines > 0)
        statement = select(TRANSCRIPTS).where(*mains)
        return await self._run(lambda connection: list(connection.execute(statement)))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        return await in_time(lambda: self._at_once(work), self._seconds)

    def _at_once(self, work: Callable[[Connection], T]) -> T:
        try:
            if not self._is_ready:
                _make_private(self._engine)
                METADATA.create_all(self._engine)
                self._is_ready = True
            with self._engine.begin() as connection:
                return work(connection)
        except OperationalError as error:  # it tells of the connection, never of what is stored
            why = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
            message = f"the session store cannot be used: {why[0]}"
            raise StoreError(message) from None
        except OSError as error:
            message = f"the session store cannot be used: {error.strerror}"
            raise StoreError(message) from None
        except SQLAlchemyError as error:
            message = f"the session store refuses ({type(getattr(error, 'orig', None) or error).__name__})"
            raise StoreError(message) from None


def _engine(url: URL, seconds: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        return sqlite.prepare(create_engine(url, connect_args={"timeout": seconds})).execution_options(write=True)
    milliseconds = int(seconds * 1000)
    limits = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    postgres = url.set(drivername="postgresql+psycopg")
    wait = {"connect_timeout": max(2, int(seconds)), "options": limits, "tcp_user_timeout": milliseconds}
    engine = create_engine(postgres, connect_args=wait, pool_pre_ping=True)
    event.listen(engine, "connect", _durable)
    return engine


def _make_private(engine: Engine) -> None:
    """Create SQLite's file readable by its owner alone: it holds people's mail."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        os.close(os.open(engine.url.database, os.O_CREAT | os.O_RDWR, 0o600))


def _durable(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
    """Have a commit be on the disk when it returns, whatever the server's default is."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    connection.commit()


def _at(table: Table, place: Place) -> tuple[Any, ...]:
    return (table.c.project == place.project, table.c.session == place.session, table.c.subpath == place.subpath)


def _of_session(table: Table, place: Place) -> tuple[Any, ...]:
    return (table.c.project == place.project, table.c.session == place.session)


def _hold(connection: Connection, project: str, me: str) -> None:
    found = connection.execute(update(HOLDERS).where(HOLDERS.c.project == project).values(holder=me))
    if not found.rowcount:
        connection.execute(insert(HOLDERS).values(project=project, holder=me))


def _fence(connection: Connection, project: str, me: str) -> None:
    """See that nobody else holds the project; the row stays locked to the end of the transaction."""
    ours = update(HOLDERS).where(HOLDERS.c.project == project, HOLDERS.c.holder == me).values(holder=me)
    if connection.execute(ours).rowcount:
        return
    try:
        connection.execute(insert(HOLDERS).values(project=project, holder=me))
    except IntegrityError:
        raise TakenError from None


def _count(connection: Connection, place: Place) -> int:
    return connection.scalar(select(TRANSCRIPTS.c.lines).where(*_at(TRANSCRIPTS, place))) or 0


def _add(connection: Connection, place: Place, me: str, lines: Sequence[str], at: int | None) -> None:
    _fence(connection, place.project, me)
    first = _count(connection, place)
    if at is not None and first != at:
        raise conflict(first, at)
    rows = [
        {"project": place.project, "session": place.session, "subpath": place.subpath, "ordinal": ordinal, "line": line}
        for ordinal, line in enumerate(lines, first)
    ]
    connection.execute(insert(LINES), rows)
    known = connection.scalar(select(TRANSCRIPTS.c.summary).where(*_at(TRANSCRIPTS, place)))
    _write_head(connection, place, first + len(lines), folded(place, known, lines))


def _write_head(connection: Connection, place: Place, count: int, summary: str) -> None:
    values = {"lines": count, "written_ms": int(time.time() * 1000), "summary": summary}
    if not connection.execute(update(TRANSCRIPTS).where(*_at(TRANSCRIPTS, place)).values(**values)).rowcount:
        key = {"project": place.project, "session": place.session, "subpath": place.subpath}
        connection.execute(insert(TRANSCRIPTS).values(**key, **values))


def _cut(connection: Connection, place: Place, me: str, count: int) -> None:
    _fence(connection, place.project, me)
    connection.execute(delete(LINES).where(*_at(LINES, place), LINES.c.ordinal >= count))
    left = list(connection.scalars(select(LINES.c.line).where(*_at(LINES, place)).order_by(LINES.c.ordinal)))
    _write_head(connection, place, len(left), folded(place, None, left))


def _delete(connection: Connection, place: Place) -> None:
    which = _at if place.subpath else _of_session
    for table in (LINES, TRANSCRIPTS):
        connection.execute(delete(table).where(*which(table, place)))
