"""kill -9 of the real daemon while it reads the company's documents: the old ones stand whole, or the new ones do."""

from pathlib import Path

import pytest
from sqlmodel import col, select

from knowledge import documents
from knowledge.tables import Document, Passage
from tests.bed import Bed, mail
from tests.crash.test_kill import die_at, finish

# The number is the call that is the last one: two documents have changed, and the first of them closes one passage.
STEPS = [
    ("before the first one is read", "daemon.mail.reader:Reader.read_document:before", 1),
    ("when the first one is read, before it is written", "daemon.mail.reader:Reader.read_document:after", 1),
    ("before its transaction", "knowledge.documents:put:before", 1),
    ("in its transaction, when the old one is closed", "knowledge.passages:expire_of_documents:after", 1),
    ("in its transaction, before the commit", "knowledge.passages:add:after", 1),
    ("after its transaction", "knowledge.documents:put:after", 1),
    ("between the two", "daemon.mail.reader:Reader.read_document:before", 2),
    ("in the second one's transaction", "knowledge.passages:add:after", 2),
    ("after the second one's transaction", "knowledge.documents:put:after", 2),
    ("when the one that is gone is to be closed", "knowledge.documents:close:before", 1),
    ("when the one that is gone is closed", "knowledge.documents:close:after", 1),
]


@pytest.fixture
def changed(bed: Bed) -> Bed:
    """Have three documents read, then change two of them and take the third away."""
    bed.sections["service"] = '[knowledge]\ndocuments = ["documents/*.md"]'
    folder = bed.root / "documents"
    folder.mkdir()
    write(folder, "310", "a.md", "b.md", "c.md")
    bed.server.deliver(mail("First"))
    bed.work(1)
    write(folder, "299", "a.md", "b.md")
    (folder / "c.md").unlink()
    bed.server.deliver(mail("Price", "What does pump HP-2044 cost?"))
    return bed


def write(folder: Path, price: str, *names: str) -> None:
    """Write price lists."""
    for name in names:
        (folder / name).write_text(f"# Pumps\nPump HP-2044 in {name} costs {price} euros.", encoding="utf-8")


def assert_each_is_whole(bed: Bed) -> None:
    """See that each document that stands has its one passage, and no passage stands without its document."""
    with bed.db.read() as session:
        standing = session.exec(select(Document.id).where(col(Document.expired_at).is_(None))).all()
        told = session.exec(
            select(Passage.document_id).where(col(Passage.expired_at).is_(None), col(Passage.document_id).is_not(None))
        ).all()
    assert sorted(map(str, standing)) == sorted(map(str, told))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_kill_leaves_each_document_old_or_new(changed: Bed, step: str, nth: int) -> None:
    """Never half of one, and after the restart the new ones stand, once."""
    die_at(changed, step, nth)
    assert_each_is_whole(changed)
    finish(changed, 2)
    assert_each_is_whole(changed)
    assert [(row.name, row.id) for row in documents.standing(changed.db)] == [("a.md", 4), ("b.md", 5)]
    prompt = changed.entries[-1].turn
    assert prompt
    shown = prompt.prompt.partition("<<<")[0]
    assert [f"Pump HP-2044 in {name} costs 299 euros." in shown for name in ("a.md", "b.md", "c.md")] == [
        True,
        True,
        False,
    ]
    assert "310" not in shown


@pytest.mark.exhaustive
def test_a_kill_between_reading_and_writing_leaves_the_old_document_standing(changed: Bed) -> None:
    """The quick one of these tests."""
    die_at(changed, "daemon.mail.reader:Reader.read_document:after", 1)
    assert [row.name for row in documents.standing(changed.db)] == ["a.md", "b.md"]
    assert_each_is_whole(changed)
    finish(changed, 2)
    assert [row.id for row in documents.standing(changed.db)] == [4, 5]
