"""The index of the words of passages: by FTS5 in a file, by GIN over numbers on a server.

Whose a passage is is part of each word, so that a query for one owner never touches another's, and costs the same
however many others there are. Either index only finds candidates: they are ranked in Python, alike for both.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import TextClause, text

from knowledge.database import POSTGRESQL, SQLITE
from knowledge.whose import Whose, conditions, values

EVERYTHING = "passages WHERE {} AND expired_at IS NULL ORDER BY passages.id"
COLUMNS = 'passages.id, stems, label, "before", behind, speaker'


@dataclass(frozen=True)
class WordIndex:
    """How one kind of database looks words up, and how they are written for it.

    ``candidates`` finds them where the conditions on their owner are put in.
    """

    candidates: str
    add: TextClause
    change: TextClause
    is_packed: bool = False

    def row(self, number: int | None, whose: Whose, stems: str) -> dict[str, object]:
        """Give the values of ``add`` and ``change``."""
        return {"number": number, "words": self._joined(whose, dict.fromkeys(stems.split()), " ")}

    def find(self, whose: Whose, stems: Sequence[str], most: int) -> tuple[TextClause, dict[str, object]]:
        """Give statement and values that find the newest passages with any of the stems."""
        wanted = self._joined(whose, stems, " OR ")
        return _statement(self.candidates, conditions(whose)), {**values(whose), "wanted": wanted, "most": most}

    def _joined(self, whose: Whose, stems: Iterable[str], between: str) -> object:
        keys = [_key(whose, stem) for stem in stems]
        return list(map(_packed, keys)) if self.is_packed else between.join(f"w{key.hex()}" for key in keys)


def everything(whose: Whose, most: int) -> tuple[TextClause, dict[str, object]]:
    """Give statement and values that give an owner's newest passages, whatever words are in them."""
    return _statement(EVERYTHING, conditions(whose)), {**values(whose), "most": most}


def size(whose: Whose) -> tuple[TextClause, dict[str, object]]:
    """Give statement and values that count the standing passages of an owner."""
    return _counting(conditions(whose)), {**values(whose)}


@cache
def _counting(owned: str) -> TextClause:
    return text(f"SELECT count(*) FROM passages WHERE {owned} AND expired_at IS NULL")  # noqa: S608 - words of ours


@cache
def _statement(candidates: str, owned: str) -> TextClause:
    return text(f"SELECT {COLUMNS} FROM {candidates.format(owned)} DESC LIMIT :most")  # noqa: S608 - words of ours


def _key(whose: Whose, stem: str) -> bytes:
    """Write owner and stem as eight bytes: whatever letters it has, no database divides or folds it."""
    return hashlib.blake2b(f"{whose} {stem}".encode(errors="replace"), digest_size=8).digest()


def _packed(key: bytes) -> int:
    return int.from_bytes(key, "big", signed=True)


INDEXES = {
    SQLITE: WordIndex(
        # The plus keeps SQLite from the index on the owner: it would look each of their rows up in the index of words.
        candidates="passage_words JOIN passages ON passages.id = passage_words.rowid "
        "WHERE passage_words MATCH :wanted AND +{} AND expired_at IS NULL ORDER BY passage_words.rowid",
        add=text("INSERT INTO passage_words (rowid, words) VALUES (:number, :words)"),
        change=text("UPDATE passage_words SET words = :words WHERE rowid = :number"),
    ),
    POSTGRESQL: WordIndex(
        candidates="passage_words JOIN passages ON passages.id = passage_words.passage_id "
        "WHERE words && CAST(:wanted AS bigint[]) AND {} AND expired_at IS NULL ORDER BY passages.id",
        add=text("INSERT INTO passage_words (passage_id, words) VALUES (:number, CAST(:words AS bigint[]))"),
        change=text("UPDATE passage_words SET words = CAST(:words AS bigint[]) WHERE passage_id = :number"),
        is_packed=True,
    ),
}
