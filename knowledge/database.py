"""The one engine of the knowledge database, and its two kinds of transaction.

It is a file of SQLite, or a database on a PostgreSQL server. Either way writers take turns, a commit is on the disk
when it returns, and a reader sees one moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from knowledge import postgresql, sqlite
from knowledge.errors import TakenOverError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
GENERATION = text("SELECT generation FROM service WHERE id = 1")


class Database:
    """A handle on the knowledge database; cheap to make, safe to share between threads."""

    def __init__(self, place: Path | URL) -> None:
        """Prepare the engine for a file, or for a database on a server; nothing is opened yet."""
        self.place = place
        engines = sqlite.engines_of(place) if isinstance(place, Path) else postgresql.engines_of(place)
        self.engine, self.writer = engines
        self.generation: int | None = None
        self._hold: Connection | None = None

    @property
    def kind(self) -> str:
        """What it is made of: ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    def __str__(self) -> str:
        """Name it for a person, without a password."""
        return str(self.place) if isinstance(self.place, Path) else self.place.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that commits at the end of the block and rolls back on any exception.

        A daemon's handle knows its ``generation``: once another has taken over, it writes nothing (TakenOverError).
        """
        with Session(self.writer, expire_on_commit=False) as session, session.begin():
            if self.generation is not None and self.generation != session.connection().execute(GENERATION).scalar():
                message = f"another clerkd has taken the knowledge database {self} over"
                raise TakenOverError(message)
            yield session

    @property
    def path(self) -> Path:
        """The file; raise TypeError where it is none."""
        if isinstance(self.place, Path):
            return self.place
        message = f"{self} is no file"
        raise TypeError(message)

    def create(self) -> None:
        """Create the file where it is one; a database on a server is there already."""
        if self.kind == SQLITE:
            sqlite.create(self.path)

    @property
    def is_there(self) -> bool:
        """Say whether there is something to open."""
        return self.kind == POSTGRESQL or self.path.exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one that works on it; raise HeldElsewhereError, naming the other, where there is one.

        Whoever works on a file holds the state directory around it already.
        """
        with nullcontext() if self.kind == SQLITE else postgresql.held(self.writer) as self._hold:
            yield

    def check_hold(self) -> None:
        """See that it is held still; raise TakenOverError where the hold went with its connection."""
        if self._hold is None:
            return
        try:
            self._hold.execute(text("SELECT 1"))
        except SQLAlchemyError:
            message = f"the connection that held the knowledge database {self} was lost: somebody else may work on it"
            raise TakenOverError(message) from None

    @property
    def is_held(self) -> bool:
        """Say whether somebody works on it, as far as the database itself knows."""
        return self.kind == POSTGRESQL and postgresql.is_held(self.engine)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction on one consistent snapshot; what it loads may be used after the block.

        It ends as one that writes nothing, yet with a commit: after a rollback the client of PostgreSQL forgets the
        statements that it has prepared (measured: of a recall's wait for the server, two fifths went).
        """
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session
            session.expunge_all()
            if session.is_active:
                session.commit()

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()
