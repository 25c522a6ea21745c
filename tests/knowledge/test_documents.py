"""Documents and their passages: written together, closed together, never overwritten."""

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from knowledge import documents, passages, prints
from knowledge.database import Database
from knowledge.past import Moment, Past, Unknown
from knowledge.tables import Document, Passage
from knowledge.whose import EVERYONE
from tests.knowledge.rows import NOW, after, live, opened, screened
from tests.knowledge.test_memory import holds


def row(name: str, count: int = 1, problem: str = "") -> Document:
    """Make the row of a document."""
    return Document(path=f"/{name}", name=name, sha256="d", size=1, modified_at=NOW, passages=count, problem=problem,
                    recorded_at=NOW)  # fmt: skip


def says(words: str) -> Passage:
    """Make a passage of these words."""
    return Passage(speaker="a.md", said_at=NOW, text=words, stems=words, label="", recorded_at=NOW)


def found(db: Database, *words: str) -> list[str]:
    """Give the texts that everybody's turns find."""
    with db.read() as session:
        holding = [each.number for each in passages.find(session, EVERYONE, words)[0] if holds(each, words)]
        known = passages.get(session, holding)
    return [known[number].text for number in sorted(holding)]


def test_a_document_is_found_by_its_words(db: Database) -> None:
    """Each passage belongs to it."""
    documents.put(db, row("a.md"), [says("blue pump"), says("red boat")], [], NOW)
    assert found(db, "pump") == ["blue pump"]
    with db.read() as session:
        assert session.exec(select(Passage.document_id)).all() == [1, 1]


def test_the_words_of_a_document_that_changes_or_goes_are_not_told_to_anybody_any_more(db: Database) -> None:
    """Unless another document has them, too: a letter may have lain among them by mistake."""
    text = "my knee operation went wrong last week and I need the chair"
    documents.put(db, row("a.md"), [says(text)], [], NOW)
    documents.put(db, row("b.md"), [says(text)], [], NOW)
    documents.put(db, row("a.md"), [says("blue pump")], documents.of_path(db, "/a.md"), after(5))
    assert prints.in_documents(db, prints.of(text)) == prints.of(text)
    documents.close(db, documents.of_path(db, "/b.md"), after(10))
    assert prints.in_documents(db, prints.of(text)) == frozenset()


def test_more_passages_for_everyone_are_compared_than_of_a_person(db: Database) -> None:
    """A long handbook is searched whole, though what was written last is no likelier there."""
    count = passages.MOST_FOUND + 5
    documents.put(db, row("a.md", count), [says("pump") for _number in range(count)], [], NOW)
    with db.read() as session:
        assert len(passages.find(session, EVERYONE, ["pump"])[0]) == count


def test_a_newer_reading_closes_the_older_one_and_overwrites_nothing(db: Database) -> None:
    """With all its passages; those of other documents stand."""
    documents.put(db, row("a.md"), [says("blue pump")], [], NOW)
    documents.put(db, row("b.md"), [says("red pump")], [], NOW)
    documents.put(db, row("a.md"), [says("green pump")], documents.of_path(db, "/a.md"), after(5))
    assert found(db, "pump") == ["red pump", "green pump"]
    with db.read() as session:
        rows = session.exec(select(Document).order_by(col(Document.id))).all()
        assert [(each.name, each.expired_at) for each in rows] == [("a.md", after(5)), ("b.md", None), ("a.md", None)]
        kept = session.exec(select(Passage).order_by(col(Passage.id))).all()
        assert [(each.text, each.expired_at) for each in kept] == [
            ("blue pump", after(5)),
            ("red pump", None),
            ("green pump", None),
        ]


def test_a_document_is_closed_once(db: Database) -> None:
    """The first time stands."""
    documents.put(db, row("a.md"), [says("blue pump")], [], NOW)
    rows = documents.standing(db)
    documents.close(db, rows, after(5))
    documents.close(db, rows, after(9))
    with db.read() as session:
        assert session.get_one(Document, 1).expired_at == session.get_one(Passage, 1).expired_at == after(5)
    assert (documents.standing(db), documents.of_path(db, "/a.md"), found(db, "pump")) == ([], [], [])


def test_a_document_whose_passages_cannot_be_written_is_not_written(db: Database) -> None:
    """One transaction: the older one stands, whole."""
    documents.put(db, row("a.md"), [says("blue pump")], [], NOW)
    mine = says("green pump")
    screened(db, 1)
    mine.person_id = 1
    with pytest.raises(ValueError, match="a document is recalled for everyone"):
        documents.put(db, row("a.md"), [says("red pump"), mine], documents.standing(db), after(5))
    assert found(db, "pump") == ["blue pump"]
    assert [each.id for each in documents.standing(db)] == [1]


def test_the_past_knows_what_a_document_said_then(db: Database) -> None:
    """Not what was read later, and not that it was closed later."""
    turn = opened(db, screened(db, 1), live(db), started_at=after(60))
    documents.put(db, row("a.md"), [says("blue pump")], [], NOW)
    later = row("a.md")
    later.recorded_at = after(90)
    newer = says("green pump")
    newer.recorded_at = after(90)
    documents.put(db, later, [newer], documents.standing(db), after(90))
    past = Past(
        db,
        Moment(turn.id or 0, turn.message_id, turn.started_at),
        Unknown("screened", "planned", "open", "open", "open"),
    )
    assert [each.id for each in documents.standing(past)] == [1]
    assert found(past, "pump") == ["blue pump"]
    with db.write() as session:
        session.connection().execute(update(Document).where(col(Document.id) == 1).values(expired_at=after(30)))
    assert documents.standing(past) == []
    past.close()
