"""How it stands with each watched folder, as ``clerkd status`` shows it."""

from collections.abc import Collection

from sqlmodel import select

from knowledge.database import Database
from knowledge.tables import Connection


def get(db: Database, mailbox: str, folder: str) -> Connection | None:
    """Give how it stands with a folder, None where it has never been looked at."""
    with db.read() as session:
        return session.get(Connection, (mailbox, folder))


def write(db: Database, connection: Connection) -> None:
    """Write down how it stands with a folder."""
    with db.write() as session:
        session.merge(connection)


def keep_only(db: Database, folders: Collection[tuple[str, str]]) -> None:
    """Forget the folders (mailbox, folder) that are no longer watched."""
    with db.write() as session:
        for row in session.exec(select(Connection)):
            if (row.mailbox, row.folder) not in folders:
                session.delete(row)


def every(db: Database) -> list[Connection]:
    """List the watched folders."""
    with db.read() as session:
        return list(session.exec(select(Connection).order_by(Connection.mailbox, Connection.folder)))
