"""Vectors of passages: kept under the name of the embedder that made them, read for one owner alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel import Session

from knowledge.database import POSTGRESQL, SQLITE, Database
from knowledge.whose import Whose, conditions, values

# A person's newest: all of what an ordinary one wrote. Of one who wrote far more, the older is recalled by its words.
MOST_COMPARED = 1_000

# The owner is part of the query, and leads to the rows by the index on it: no other owner's vector is ever read.
FIND = (
    "SELECT passages.id, CASE WHEN fact_id IS NULL THEN case_id END, speaker, vector "
    "FROM passages JOIN passage_vectors ON passage_id = passages.id "
    "WHERE {} AND expired_at IS NULL AND embedder = :embedder AND length(vector) > 0 "
    "ORDER BY passages.id DESC LIMIT :most"
)
_MISSING = (
    "SELECT id, text FROM passages WHERE id IN ("
    "SELECT id FROM passages {} WHERE expired_at IS NULL AND NOT EXISTS ("
    "SELECT 1 FROM passage_vectors WHERE passage_id = passages.id AND embedder = :embedder) "
    "ORDER BY id DESC LIMIT :most) ORDER BY id DESC"
)
# SQLite would else go through the whole table to spare itself the order.
MISSING = {SQLITE: text(_MISSING.format("INDEXED BY ix_passages_owner")), POSTGRESQL: text(_MISSING.format(""))}
# What was closed or changed while its vector was made gets none.
KEEP = text(
    "INSERT INTO passage_vectors (passage_id, embedder, vector) "
    "SELECT id, :embedder, :vector FROM passages WHERE id = :number AND expired_at IS NULL AND text = :text "
    "ON CONFLICT (passage_id) DO UPDATE SET embedder = excluded.embedder, vector = excluded.vector"
)


class Vector(NamedTuple):
    """The vector of a passage; ``case_id`` is the case in which it was said, None of a fact."""

    number: int
    case_id: int | None
    speaker: str
    vector: bytes


@dataclass(frozen=True)
class Made:
    """A vector that was made of a text."""

    number: int
    text: str
    vector: bytes


def find(session: Session, whose: Whose, embedder: str) -> list[Vector]:
    """Give the vectors of one owner's newest standing passages, the oldest first; part of a transaction."""
    wanted = {**values(whose), "embedder": embedder, "most": MOST_COMPARED}
    return [Vector(*row) for row in session.connection().execute(statement(whose), wanted).all()][::-1]


def statement(whose: Whose) -> TextClause:
    """Give the statement that finds the vectors of an owner."""
    return _finding(conditions(whose))


@cache
def _finding(owned: str) -> TextClause:
    return text(FIND.format(owned))


def missing(db: Database, embedder: str, most: int) -> Mapping[int, str]:
    """Give the texts of standing passages that have no vector of this embedder, the newest first."""
    with db.read() as session:
        rows = session.connection().execute(MISSING[db.kind], {"embedder": embedder, "most": most})
        return {int(number): str(words) for number, words in rows}


def keep(db: Database, embedder: str, made: Sequence[Made]) -> None:
    """Write vectors, each in the place of one that another embedder made; in a transaction of its own."""
    with db.write() as session:
        rows = [
            {"embedder": embedder, "number": each.number, "text": each.text, "vector": each.vector} for each in made
        ]
        session.connection().execute(KEEP, rows)
