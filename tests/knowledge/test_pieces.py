"""The pieces of the index of words, on both databases."""

import pytest

from knowledge import passages, pieces
from knowledge.database import Database
from tests.knowledge.rows import screened
from tests.knowledge.test_memory import found, said

WRITES = 76  # so many leave thirteen pieces
WORDS = 200  # in each, so that the index has more than a page


def write(db: Database, count: int) -> None:
    """Remember passages, each in a transaction of its own."""
    screened(db, 1)
    for number in range(count):
        with db.write() as session:
            words = " ".join(f"word{number}x{other}" for other in range(WORDS))
            passages.add(session, [said(1, 1, f"pump {words}")])


def test_in_a_new_database_there_is_nothing_to_join(db: Database) -> None:
    """Nor in one on a server, ever."""
    write(db, 3)
    assert not pieces.are_many(db)


def test_many_pieces_are_joined_bit_by_bit_and_the_same_is_found(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until they are few; each bit is a transaction of its own, so that a search and a write may come between."""
    monkeypatch.setattr(pieces, "PAGES", 8)
    write(file, WRITES)
    assert pieces.are_many(file)
    before, bits = found(file, 1, "pump"), 1
    assert pieces.join(file, begin=True)
    while pieces.join(file, begin=False):
        bits += 1
        assert found(file, 1, "pump") == before
    assert bits > 1
    assert not pieces.are_many(file)
    assert len(found(file, 1, "word7x7")) == 1
