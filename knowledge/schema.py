"""Which version of the schema this program works with. Apart from the migrations: their library is slow to load."""

from sqlalchemy import inspect, text

from knowledge.database import Database
from knowledge.errors import SchemaError

HEAD = "0024"  # the newest of knowledge/migrations/versions; a test holds the two together


def verify(db: Database) -> None:
    """Raise SchemaError where the database is missing or not of this program's version; nothing is changed."""
    found = revision(db) if db.is_there else None
    if found is None:
        message = f"there is no knowledge database at {db} yet; `clerkd run` creates it"
        raise SchemaError(message)
    if found != HEAD:
        message = (
            f"the knowledge database {db} is of version {found}, this program works with {HEAD}; "
            "start the service once to bring it up to date"
        )
        raise SchemaError(message)


def is_laid(db: Database) -> bool:
    """Say whether there are tables, of whatever version."""
    return db.is_there and revision(db) is not None


def revision(db: Database) -> str | None:
    """Give the database's version, None where it has none."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
