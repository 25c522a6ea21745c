"""The log's index made as the migration makes it, of what is in a database."""

from functools import cache
from types import ModuleType

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete

from knowledge import migrate
from knowledge.database import Database
from knowledge.tables import LogEntry, LogWord


def index_anew(db: Database) -> None:
    """Forget the log's entries and enter all that has been concluded."""
    with db.write() as session:
        connection = session.connection()
        for table in (LogEntry, LogWord):
            connection.execute(delete(table))
        with Operations.context(MigrationContext.configure(connection)):
            _migration().fill()


@cache
def _migration() -> ModuleType:
    scripts = ScriptDirectory.from_config(migrate._config()).walk_revisions()
    return next(script.module for script in scripts if hasattr(script.module, "fill"))
