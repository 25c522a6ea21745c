"""What persons said of decisions: how they should have been."""

from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Correction, Decision


def add(session: Session, row: Correction) -> None:
    """Write one down; part of a transaction."""
    session.add(row)


def of_message(db: Database, message_id: int) -> list[Correction]:
    """List what was said of a message's decisions, the oldest first."""
    theirs = select(Decision.id).where(Decision.message_id == message_id)
    with db.read() as session:
        statement = select(Correction).where(col(Correction.decision_id).in_(theirs))
        return list(session.exec(statement.order_by(col(Correction.id))))
