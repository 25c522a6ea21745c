"""Brings the database to the schema of this program: Alembic, from the first table on."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from knowledge import schema
from knowledge.database import POSTGRESQL, SQLITE, Database
from knowledge.errors import SchemaError

MIGRATIONS = Path(__file__).parent / "migrations"
FIRST_ON_SERVER, FIRST_REVISION_ON_SERVER = MIGRATIONS / "postgresql.sql", "0018"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(db: Database) -> None:
    """Create the file where there is none, and apply what is missing; a newer schema is refused."""
    db.create()
    _refuse_newer(db)
    config = _config()
    unchecked = _references_unchecked if db.kind == SQLITE else nullcontext
    with db.writer.connect() as connection, unchecked(connection), connection.begin():
        config.attributes["connection"] = connection
        if db.kind == POSTGRESQL:
            _begin_on_server(connection, config)
        command.upgrade(config, "head")


def _begin_on_server(connection: Connection, config: Config) -> None:
    """Lay the tables as they were when PostgreSQL came: there are no older databases on a server."""
    if not inspect(connection).has_table("alembic_version"):
        connection.exec_driver_sql(FIRST_ON_SERVER.read_text(encoding="utf-8"))
        command.stamp(config, FIRST_REVISION_ON_SERVER)


@contextmanager
def _references_unchecked(connection: Connection) -> Iterator[None]:
    """Let a migration rebuild a table that others refer to: SQLite would refuse to drop the old one.

    The pragma does nothing within a transaction, so it goes past SQLAlchemy, which would begin one.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")


def _refuse_newer(db: Database) -> None:
    found = schema.revision(db)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        message = f"the knowledge database {db} is of version {found}, which a newer clerkd wrote; install that one"
        raise SchemaError(message)
