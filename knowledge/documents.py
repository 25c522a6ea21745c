"""The company's documents: each as it was read, with its passages; a row is closed, never overwritten."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from knowledge import passages, prints
from knowledge.database import Database
from knowledge.tables import Document, Passage


def standing(db: Database) -> list[Document]:
    """List the documents that stand, by their names: what is known of each, and why a file could not be read."""
    with db.read() as session:
        still = select(Document).where(col(Document.expired_at).is_(None))
        return list(session.exec(still.order_by(col(Document.name), col(Document.id))))


def of_path(db: Database, path: str) -> list[Document]:
    """List the rows of a file that stand."""
    with db.read() as session:
        return list(session.exec(select(Document).where(Document.path == path, col(Document.expired_at).is_(None))))


def put(db: Database, row: Document, pieces: Sequence[Passage], closes: Sequence[Document], now: datetime) -> None:
    """Write a document with its passages in the place of earlier rows of the same file, in one transaction."""
    with db.write() as session:
        _close(session, closes, now)
        session.add(row)
        session.flush()
        for piece in pieces:
            piece.document_id = row.id
        passages.add(session, pieces)


def close(db: Database, rows: Sequence[Document], now: datetime) -> None:
    """Close rows with their passages: their files are gone, or can be read again."""
    with db.write() as session:
        _close(session, rows, now)


def _close(session: Session, rows: Sequence[Document], now: datetime) -> None:
    numbers = [row.id for row in rows]
    still = update(Document).where(col(Document.id).in_(numbers), col(Document.expired_at).is_(None))
    session.connection().execute(still.values(expired_at=now))
    passages.expire_of_documents(session, numbers, now)
    prints.forget(session, [prints.of_document(number) for number in numbers])
