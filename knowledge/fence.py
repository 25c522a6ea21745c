"""The fence: a conditional UPDATE that must touch exactly one row, and comes first in its transaction."""

from typing import Any

from sqlalchemy import CursorResult, Update
from sqlmodel import Session

from knowledge.errors import FenceError


def fence(session: Session, statement: Update, what: str) -> None:
    """Run the UPDATE; raise FenceError, which rolls the transaction back, where it did not touch one row."""
    result: CursorResult[Any] = session.connection().execute(statement)
    if result.rowcount != 1:
        message = f"{what}: it was changed by somebody else meanwhile"
        raise FenceError(message)
