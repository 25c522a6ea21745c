"""The index of the words of passages: by FTS5 in a file, by GIN over numbers on a server.

Whose a passage is is part of each word, so that a query for one person never touches another's, and costs the same
however many others there are. Either index only finds candidates: they are ranked in Python, alike for both.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from knowledge.database import POSTGRESQL, SQLITE

COLUMNS = 'passages.id, stems, label, "before", behind, speaker'


@dataclass(frozen=True)
class WordIndex:
    """How one kind of database looks words up, and how they are written for it."""

    find: TextClause
    find_for_everyone: TextClause
    add: TextClause
    change: TextClause
    is_packed: bool = False

    def row(self, number: int | None, person_id: int | None, stems: str) -> dict[str, object]:
        """Give the values of ``add`` and ``change``."""
        return {"number": number, "words": self._joined(person_id, dict.fromkeys(stems.split()), " ")}

    def wanted(self, person_id: int | None, stems: Sequence[str]) -> object:
        """Give what ``find`` looks for: any of the stems."""
        return self._joined(person_id, stems, " OR ")

    def _joined(self, person_id: int | None, stems: Iterable[str], between: str) -> object:
        keys = [_key(person_id, stem) for stem in stems]
        return list(map(_packed, keys)) if self.is_packed else between.join(f"w{key.hex()}" for key in keys)


def _key(person_id: int | None, stem: str) -> bytes:
    """Write person and stem as eight bytes: whatever letters it has, no database divides or folds it."""
    whose = f"p{person_id}" if person_id else "everyone"
    return hashlib.blake2b(f"{whose} {stem}".encode(errors="replace"), digest_size=8).digest()


def _packed(key: bytes) -> int:
    return int.from_bytes(key, "big", signed=True)


def _find(rest: str, person: str) -> TextClause:
    return text(f"SELECT {COLUMNS} FROM passage_words JOIN passages ON {rest.format(person)} DESC LIMIT :most")  # noqa: S608 - words of ours


# The plus keeps SQLite from the index on the person: it would look each of their rows up in the index of words.
FTS5 = (
    "passages.id = passage_words.rowid WHERE passage_words MATCH :wanted AND +person_id {} AND expired_at IS NULL "
    "ORDER BY passage_words.rowid"
)
GIN = (
    "passages.id = passage_words.passage_id WHERE words && CAST(:wanted AS bigint[]) AND person_id {} "
    "AND expired_at IS NULL ORDER BY passages.id"
)
OWN, OF_EVERYONE = "= :person", "IS NULL"
INDEXES = {
    SQLITE: WordIndex(
        find=_find(FTS5, OWN),
        find_for_everyone=_find(FTS5, OF_EVERYONE),
        add=text("INSERT INTO passage_words (rowid, words) VALUES (:number, :words)"),
        change=text("UPDATE passage_words SET words = :words WHERE rowid = :number"),
    ),
    POSTGRESQL: WordIndex(
        find=_find(GIN, OWN),
        find_for_everyone=_find(GIN, OF_EVERYONE),
        add=text("INSERT INTO passage_words (passage_id, words) VALUES (:number, CAST(:words AS bigint[]))"),
        change=text("UPDATE passage_words SET words = CAST(:words AS bigint[]) WHERE passage_id = :number"),
        is_packed=True,
    ),
}
