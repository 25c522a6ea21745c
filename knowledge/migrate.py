"""Brings the database to the schema of this program: Alembic, from the first table on."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

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
    with db.engine.execution_options(write=True).connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(db: Database) -> None:
    found = schema.revision(db)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        message = (
            f"the knowledge database {db.path} is of version {found}, which a newer clerkd wrote; install that one"
        )
        raise SchemaError(message)
