"""Prints: by which a run of somebody's words is known again without a look at all that was said.

Of each text some shingles (five words in a row) are kept as numbers, chosen by the text alone: in every four that
follow each other the smallest. So any eight words in a row that two texts have in common give both the same print
(winnowing: Schleimer, Wilkerson and Aiken, 2003), at two prints for five words. Whose they are is kept with them, once
an owner: a person, or a document of the company.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Print
from knowledge.whose import Whose

SHINGLE = 5  # words
WINDOW = 4  # shingles; with them eight words
MANY = 500  # rows of a statement
WORD = re.compile(r"[^\W_]+")
PUT = text("INSERT INTO prints (print, owner) VALUES (:print, :owner) ON CONFLICT DO NOTHING")
DOCUMENT = "d"


def of(words: str) -> frozenset[int]:
    """Give the prints of a text; one of less than eight words has none."""
    seen = "".join(each for each in words if unicodedata.category(each) != "Cf")
    found = WORD.findall(unicodedata.normalize("NFKC", seen).casefold())
    shingles = [_number(found[at : at + SHINGLE]) for at in range(len(found) - SHINGLE + 1)]
    return frozenset(min(shingles[at : at + WINDOW]) for at in range(len(shingles) - WINDOW + 1))


def _number(words: Iterable[str]) -> int:
    digest = hashlib.blake2b(" ".join(words).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def of_person(number: int | None) -> str:
    """Name a person as an owner."""
    return str(Whose(number))


def of_document(number: int | None) -> str:
    """Name a document as an owner: what stood in one alone is forgotten with it."""
    return f"{DOCUMENT}{number}"


def is_document(owner: str) -> bool:
    """Say whether an owner is a document."""
    return owner.startswith(DOCUMENT)


def add(session: Session, owner: str, words: str) -> None:
    """Say whose words these are; part of a transaction."""
    rows = [{"print": each, "owner": owner} for each in sorted(of(words))]
    if rows:
        session.connection().execute(PUT, rows)


def forget(session: Session, owners: Sequence[str]) -> None:
    """Forget all that these owners said; part of a transaction."""
    session.connection().execute(delete(Print).where(col(Print.owner).in_(owners)))


def in_documents(db: Database, prints: Collection[int]) -> frozenset[int]:
    """Say which of these prints stand in our documents."""
    wanted, found = sorted(prints), set[int]()
    with db.read() as session:
        for start in range(0, len(wanted), MANY):
            here = (col(Print.print).in_(wanted[start : start + MANY]), col(Print.owner).startswith(DOCUMENT))
            found.update(session.exec(select(Print.print).where(*here)))
    return frozenset(found)


def owners(db: Database, prints: Collection[int], fewer_than: int) -> Mapping[int, frozenset[str]]:
    """Say who has used each of these prints; of what many have used, nothing is told."""
    wanted, found = sorted(prints), defaultdict[int, set[str]](set)
    with db.read() as session:
        for start in range(0, len(wanted), MANY):
            here = col(Print.print).in_(wanted[start : start + MANY])
            rare = select(Print.print).where(here).group_by(col(Print.print)).having(func.count() < fewer_than)
            for row in session.exec(select(Print).where(col(Print.print).in_(rare))):
                found[row.print].add(row.owner)
    return {number: frozenset(names) for number, names in found.items()}
