"""What the knowledge database refuses, and what is told where it fails."""

from sqlalchemy.exc import SQLAlchemyError


class FenceError(Exception):
    """A fenced write found the row in another state than the writer believed; nothing was written."""


class SchemaError(Exception):
    """The database is missing or is not of the version that this program works with."""


class TakenOverError(Exception):
    """A newer generation works on the database: this daemon may write nothing more."""


class HeldElsewhereError(Exception):
    """Somebody else works on the database; the text names them."""


def said_by(error: SQLAlchemyError) -> str:
    """Give the first line of what a database says: behind it, a server may tell what stands in a row."""
    return str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]
