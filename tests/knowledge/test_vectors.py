"""Vectors of passages: whose they are, and how long they last."""

import pytest
from hypothesis import given, settings
from sqlalchemy import update
from sqlmodel import col, delete, select

from knowledge import facts, people, vectors
from knowledge.database import Database
from knowledge.facts import Memory
from knowledge.past import Moment, Past, Unknown
from knowledge.tables import Passage, PassageVector
from knowledge.vectors import Made, Vector
from knowledge.whose import EVERYONE, Whose, values
from tests.knowledge.rows import NOW, after, live, opened, screened
from tests.knowledge.test_memory import (
    ADDRESSES,
    QUILL,
    STEPS,
    TERN,
    begun,
    entry,
    may_know,
    remember,
    said,
    step,
    word,
    written,
)

NAME = "letters 1"


def fill(db: Database, name: str = NAME) -> None:
    """Give all passages a vector that is their own text."""
    texts = vectors.missing(db, name, 100)
    if texts:
        vectors.keep(db, name, [Made(number, text, text.encode()) for number, text in texts.items()])


def kept(db: Database, whose: int | Whose, name: str = NAME) -> list[str]:
    """Give the vectors of a person, or of another owner."""
    return [each.vector.decode() for each in found(db, whose if isinstance(whose, Whose) else Whose(whose), name)]


def found(db: Database, whose: Whose, name: str = NAME) -> list[Vector]:
    """Find the vectors of an owner."""
    with db.read() as session:
        return vectors.find(session, whose, name)


def all_kept(db: Database) -> list[tuple[int, str, bytes]]:
    """Give all rows, whoever reads them."""
    with db.read() as session:
        rows = session.exec(select(PassageVector).order_by(col(PassageVector.passage_id)))
        return [(row.passage_id, row.embedder, row.vector) for row in rows]


def change(db: Database, number: int, **values: object) -> None:
    """Change a passage."""
    with db.write() as session:
        session.connection().execute(update(Passage).where(col(Passage.id) == number).values(**values))


def two(db: Database) -> None:
    """Remember two passages of Ada's, and give them vectors."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, "blue pump", case=1), said(1, 1, "red boat", case=1)]))
    fill(db)


def test_a_passage_has_the_vector_that_was_made_of_it(db: Database) -> None:
    """With the case in which it was said, the oldest first."""
    two(db)
    assert [(each.number, each.case_id, each.speaker, each.vector) for each in found(db, Whose(1))] == [
        (1, 1, "Ada", b"blue pump"),
        (2, 1, "Ada", b"red boat"),
    ]
    assert vectors.missing(db, NAME, 9) == {}


def test_passages_without_a_vector_are_found_the_newest_first_and_so_many_at_a_time(db: Database) -> None:
    """Where the embedder is switched on for an older database, what was said last is the most wanted."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, word) for word in ("one", "two", "three")]))
    assert list(vectors.missing(db, NAME, 2).values()) == ["three", "two"]


def test_a_vector_of_another_embedder_counts_as_none_and_gives_way(db: Database) -> None:
    """Its numbers mean something else."""
    two(db)
    assert kept(db, 1, "letters 2") == []
    assert len(vectors.missing(db, "letters 2", 9)) == 2
    fill(db, "letters 2")
    assert (kept(db, 1), kept(db, 1, "letters 2")) == ([], ["blue pump", "red boat"])
    assert len(all_kept(db)) == 2


def test_an_empty_vector_is_kept_and_never_compared(db: Database) -> None:
    """A text of which nothing is known is not tried again at each tick."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, "...")]))
    vectors.keep(db, NAME, [Made(1, "...", b"")])
    assert (vectors.missing(db, NAME, 9), kept(db, 1)) == ({}, [])


def test_a_passage_that_is_closed_takes_its_vector_along(db: Database) -> None:
    """One of a fact that stands again is given a new one."""
    screened(db, 1)
    turn = opened(db, screened(db, 2), live(db))
    remember(db, Memory([entry(1, 1, "tea")]))
    fill(db)
    remember(db, Memory([entry(1, 1, "coffee", replaces=1)]), turn.id)
    assert all_kept(db) == []
    with db.write() as session:
        facts.reopen(session, [turn.id or 0], {turn.id or 0})
    assert sorted(vectors.missing(db, NAME, 9).values()) == ["coffee", "tea"]


def test_a_passage_that_is_erased_takes_its_vector_along(db: Database) -> None:
    """Whether its row goes, or only its text: a vector tells something of the words."""
    two(db)
    with db.write() as session:
        session.connection().execute(delete(Passage).where(col(Passage.id) == 1))
    assert [number for number, *_ in all_kept(db)] == [2]
    change(db, 2, text="")
    assert all_kept(db) == []


def test_another_passage_behind_it_leaves_a_vector_as_it_is(db: Database) -> None:
    """What stands around a passage is no part of its vector."""
    two(db)
    remember(db, Memory(passages=[said(1, 1, "green sail", case=1)]))
    assert kept(db, 1) == ["blue pump", "red boat"]


def test_what_was_closed_or_changed_while_its_vector_was_made_gets_none(db: Database) -> None:
    """The words are read before, the vector is written after, and nothing is held between."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, "blue pump"), said(1, 1, "red boat"), said(1, 1, "tea")]))
    made = [Made(number, text, text.encode()) for number, text in vectors.missing(db, NAME, 9).items()]
    change(db, 1, expired_at=NOW)
    change(db, 2, text="redacted")
    vectors.keep(db, NAME, made)
    assert [number for number, *_ in all_kept(db)] == [3]


def test_of_one_who_wrote_much_the_newest_are_compared(db: Database) -> None:
    """So a question costs the same however much there is."""
    screened(db, 1)
    words = [f"w{number}" for number in range(vectors.MOST_COMPARED + 5)]
    remember(db, Memory(passages=[said(1, 1, word) for word in words]))
    vectors.keep(db, NAME, [Made(number, word, b"x") for number, word in enumerate(words, start=1)])
    assert [each.number for each in found(db, Whose(1))] == list(range(6, vectors.MOST_COMPARED + 6))


@pytest.mark.parametrize("whose", [Whose(1), QUILL, EVERYONE], ids=str)
def test_only_an_owners_rows_are_read(file: Database, whose: Whose) -> None:
    """The index on the owner leads the query, each vector is looked up by its passage: nothing is filtered after."""
    given = {**values(whose), "embedder": NAME, "most": 9}
    with file.read() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {vectors.statement(whose).text}", given)
        steps = [row[3] for row in plan]
    assert any("ix_passages_owner (person_id=? AND organisation=? AND expired_at=?)" in step for step in steps)
    assert any("SEARCH passage_vectors USING INTEGER PRIMARY KEY" in step for step in steps)
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in steps)


def test_the_vector_of_a_fact_about_an_organisation_is_read_for_it_alone(db: Database) -> None:
    """Neither for another one, nor for everyone."""
    remember(db, Memory([written(QUILL, "tea"), written(EVERYONE, "coffee")]))
    fill(db)
    assert [kept(db, whose) for whose in (QUILL, TERN, EVERYONE)] == [["tea"], [], ["coffee"]]


def test_in_the_past_a_vector_is_seen_with_its_passage_alone(db: Database) -> None:
    """What was said later has none there."""
    two(db)
    turn = opened(db, screened(db, 2), live(db), started_at=after(60))
    late = said(1, 1, "green sail")
    late.recorded_at = after(90)
    remember(db, Memory(passages=[late]))
    fill(db)
    past = Past(db, Moment(turn.id or 0, turn.message_id, turn.started_at), Unknown("x", "x", "x", "x", "x"))
    assert kept(past, 1) == ["blue pump", "red boat"]
    assert kept(db, 1) == ["blue pump", "red boat", "green sail"]
    past.close()


@pytest.mark.exhaustive
@settings(max_examples=30)
@given(STEPS)
def test_no_sequence_of_facts_merges_and_splits_ranks_a_vector_of_another_person(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever vector is read for a person was made of what came from an address that is theirs now, and all are.

    So with the vectors of an organisation's facts: they are those of one where the person has an address now.
    """
    with begun() as db:
        for kind, one, other in steps:
            step(db, kind, one, other)
            fill(db)
        for number in range(len(ADDRESSES)):
            person, own, of_organisations = may_know(db, number)
            assert sorted(kept(db, person)) == own
            name = people.organisation_of(db, person)
            theirs = kept(db, Whose(organisation=name)) if name else []
            assert theirs == [text for text in of_organisations if text == word(Whose(organisation=name))]
