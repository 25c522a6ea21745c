"""Brings the database to the schema of this program: Alembic, from the first table on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from knowledge import schema
from knowledge.database import Database
from knowledge.errors import SchemaError


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(db: Database) -> None:
    """Create the file where there is none, and apply what is missing; a newer schema is refused."""
    db.make_private()
    _refuse_newer(db)
    config = _config()
    engine = db.engine.execution_options(write=True)
    with engine.connect() as connection, _references_unchecked(connection), connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
        message = (
            f"the knowledge database {db.path} is of version {found}, which a newer clerkd wrote; install that one"
        )
        raise SchemaError(message)
