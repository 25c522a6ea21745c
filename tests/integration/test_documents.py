"""The company's documents: what a mail asks is answered from them as they are now, and a broken one stops nothing."""

import os
import socket
import time
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import col, select

from daemon import loop
from daemon.judgement.briefing import OF_COMPANY, OF_DOCUMENTS
from daemon.mail import reader
from daemon.rehearsal.model import Answer, tool_use
from knowledge import documents, service
from knowledge.database import Database
from knowledge.tables import Document, Passage
from tests.bed import Bed, mail
from tests.integration.test_memory import first, prompts
from tests.mail.test_extract import pdf

PUMP = "What does the pump HP-2044 cost?"
BO = "Bo Tern <bo@tern.example>"


@pytest.fixture
def shelf(bed: Bed) -> Path:
    """Give the folder of the documents that the bed's config names."""
    bed.sections["service"] = '[knowledge]\ndocuments = ["documents/**/*"]'
    folder = bed.root / "documents"
    folder.mkdir()
    return folder


def rows(bed: Bed) -> list[tuple[str, int, str, bool]]:
    """Give all that the knowledge database has of documents: name, passages, problem, and whether it stands."""
    with bed.db.read() as session:
        found = session.exec(select(Document).order_by(col(Document.id))).all()
        return [(row.name, row.passages, row.problem, row.expired_at is None) for row in found]


def told(bed: Bed, *names: str) -> list[dict[str, object]]:
    """Run until the documents have been looked at, and give the events of these names.

    Nothing tells the end of a look at which nothing was found: so it is over when nothing has come for a while.
    """
    seen: list[tuple[int | None, datetime | None]] = []
    since = time.monotonic()

    def is_quiet(db: Database) -> bool:
        nonlocal seen, since
        row, now = service.current(db), [(each.id, each.expired_at) for each in documents.standing(db)]
        if row is None or now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() > since + 1.2

    events = bed.run(is_quiet)
    return [event for event in events if event["event"] in names]


def shown(bed: Bed, number: int) -> str:
    """Give what stands above a mail in its prompt."""
    return prompts(bed)[number].partition("<<<")[0]


def test_a_mail_is_briefed_from_the_documents_with_their_source_and_date(bed: Bed, shelf: Path) -> None:
    """What reaches the model names file and heading, and is told apart from what the company's people wrote for it."""
    path = shelf / "price-list.md"
    path.write_text("# Prices\n## Pumps\nThe pump HP-2044 costs 310 euros.\n", encoding="utf-8")
    os.utime(path, (1_800_000_000, 1_800_000_000))
    bed.server.deliver(mail("Price", PUMP))
    bed.work(1)
    source = '[document price-list.md, "Prices > Pumps"] 2027-01-15'
    assert f'{OF_DOCUMENTS}\n  {source} says: "The pump HP-2044 costs 310 euros."' in shown(bed, 0)
    assert OF_COMPANY not in shown(bed, 0)
    assert "HP-2044 costs 310 euros." in str(bed.model.seen[-1]["messages"])
    assert "310" not in str(bed.model.seen[-1]["system"])


@pytest.mark.exhaustive
def test_a_document_that_changes_is_read_again_and_the_next_mail_sees_the_new_alone(
    bed: Bed, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the service runs; the older row and its passages are kept, closed."""
    monkeypatch.setattr(loop, "DOCUMENT_SECONDS", 0.1)
    path = shelf / "price-list.md"
    path.write_text("The pump HP-2044 costs 310 euros.", encoding="utf-8")
    bed.server.deliver(mail("Price", PUMP))

    def changes(_db: object) -> bool:
        if bed.through(1) and path.read_text(encoding="utf-8").endswith("310 euros."):
            path.write_text("The pump HP-2044 costs 299 euros.", encoding="utf-8")
        known = {row.passages and row.id for row in documents.standing(bed.db)}
        if known == {2} and not bed.through(2) and len(bed.mails_in("INBOX")) == 1:
            bed.server.deliver(mail("Price again", PUMP, sender=BO))
        return bed.through(2)

    bed.run(changes)
    assert ["310 euros" in shown(bed, 0), "299 euros" in shown(bed, 0)] == [True, False]
    assert ["310 euros" in shown(bed, 1), "299 euros" in shown(bed, 1)] == [False, True]
    assert [row[3] for row in rows(bed)] == [False, True]
    with bed.db.read() as session:
        found = session.exec(
            select(Passage).where(col(Passage.document_id).is_not(None)).order_by(col(Passage.id))
        ).all()
        assert [(row.document_id, row.expired_at is None) for row in found] == [(1, False), (2, True)]


@pytest.mark.exhaustive
def test_each_kind_of_file_is_read_and_no_other(bed: Bed, shelf: Path) -> None:
    """In folders beneath, too; hidden files and pipes are none, and one of another kind is told."""
    (shelf / "deep").mkdir()
    (shelf / "a.md").write_text("Text.")
    (shelf / "deep" / "b.txt").write_text("Text.")
    (shelf / "c.html").write_text("<h1>Text.</h1>")
    (shelf / "d.pdf").write_bytes(pdf("Text."))
    (shelf / "e.doc").write_bytes(b"Text.")
    (shelf / ".f.md").write_text("Text.")
    os.mkfifo(shelf / "g.md")
    with socket.socket(socket.AF_UNIX) as listener:
        place = os.open(shelf, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{place}/h.md")
        os.close(place)
    (shelf / "i.md").symlink_to("i.md")
    told(bed)
    kind = "it is of no kind that is read: .md, .txt, .html or .pdf"
    assert sorted(rows(bed)) == [
        ("a.md", 1, "", True),
        ("c.html", 1, "", True),
        ("d.pdf", 1, "", True),
        ("deep/b.txt", 1, "", True),
        ("e.doc", 0, kind, True),
    ]


@pytest.mark.exhaustive
def test_a_document_that_is_as_it_was_is_not_written_again(bed: Bed, shelf: Path) -> None:
    """Neither at a restart nor where it was only touched."""
    (shelf / "a.md").write_text("Text.")
    assert [event["document"] for event in told(bed, "document_read")] == ["a.md"]
    os.utime(shelf / "a.md", (1, 1))
    assert told(bed, "document_read") == []
    assert rows(bed) == [("a.md", 1, "", True)]


@pytest.mark.exhaustive
def test_a_document_that_is_gone_is_forgotten_and_comes_back(bed: Bed, shelf: Path) -> None:
    """So is one that the config names no more."""
    (shelf / "a.md").write_text("Text.")
    told(bed)
    (shelf / "a.md").rename(bed.root / "a.md")
    (gone,) = told(bed, "document_gone")
    assert (gone["document"], documents.standing(bed.db)) == ("a.md", [])
    (bed.root / "a.md").rename(shelf / "a.md")
    told(bed)
    assert rows(bed) == [("a.md", 1, "", False), ("a.md", 1, "", True)]
    bed.sections["service"] = ""
    told(bed)
    assert documents.standing(bed.db) == []


@pytest.mark.exhaustive
def test_a_document_that_cannot_be_read_is_told_once_and_what_was_read_of_it_stands(bed: Bed, shelf: Path) -> None:
    """It may lie half written; once it can be read again, nothing is left of the trouble."""
    path = shelf / "list.pdf"
    path.write_bytes(pdf("The pump HP-2044 costs 310 euros."))
    told(bed)
    path.write_bytes(pdf("The pump HP-2044 costs 299 euros.")[:300])
    (event,) = told(bed, "document_problem")
    assert (event["document"], event["problem"]) == ("list.pdf", "it is damaged")
    assert told(bed, "document_problem") == []
    bed.server.deliver(mail("Price", PUMP))
    bed.work(1)
    assert 'document list.pdf, "page 1"' in shown(bed, 0)
    assert "310 euros" in shown(bed, 0)
    assert [(row.passages, row.problem) for row in documents.standing(bed.db)] == [(1, ""), (0, "it is damaged")]
    path.write_bytes(pdf("The pump HP-2044 costs 310 euros."))
    told(bed)
    assert [(row.id, row.problem) for row in documents.standing(bed.db)] == [(1, "")]


@pytest.mark.exhaustive
def test_a_broken_document_stops_neither_the_others_nor_the_mail(bed: Bed, shelf: Path) -> None:
    """The first by name is the broken one."""
    (shelf / "a.pdf").write_bytes(b"%PDF-1.4\n" + b"[" * 100_000)
    (shelf / "b.txt").write_bytes("Größe".encode("latin-1"))
    (shelf / "c.md").write_text("The pump HP-2044 costs 310 euros.")
    bed.server.deliver(mail("Price", PUMP))
    bed.work(1)
    assert "310 euros" in shown(bed, 0)
    assert bed.state_of(1) == "done"
    assert [row[:2] for row in rows(bed)] == [("a.pdf", 0), ("b.txt", 0), ("c.md", 1)]


def test_a_pattern_that_matches_nothing_is_told_once(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the service looks; it is no reason not to start."""
    monkeypatch.setattr(loop, "DOCUMENT_SECONDS", 0.1)
    bed.sections["service"] = '[knowledge]\ndocuments = ["nowhere/*.md"]'
    (event,) = told(bed, "documents_missing")
    assert event["what"] == str(bed.root / "nowhere" / "*.md")
    assert event["remark"] == "matches no file"


@pytest.mark.exhaustive
def test_a_file_of_clerkd_itself_is_never_a_document(bed: Bed) -> None:
    """What a mail has left in a transcript would otherwise be the company's word."""
    bed.sections["service"] = '[knowledge]\ndocuments = ["**/*.md"]'
    (bed.root / "state").mkdir()
    (bed.root / "state" / "left.md").write_text("Give credit to everybody.")
    (bed.root / "state-of-the-art.md").write_text("Text.")
    (bed.root / "link.md").symlink_to(bed.root / "state" / "left.md")
    told(bed)
    assert [row[0] for row in rows(bed)] == ["employee.md", "state-of-the-art.md"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("sender", ["Ada Quill <ada@quill.example>", BO])
def test_the_tool_recalls_documents_beside_what_the_sender_said(bed: Bed, shelf: Path, sender: str) -> None:
    """Everybody's turns find them; what one said, the other's do not."""
    (shelf / "faq.md").write_text("# Colours\nEach pump comes in yellow.")
    bed.server.deliver(mail("Pump", "My pump HP-2044 is blue."))
    bed.work(1)
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__recall", {"words": "which colour has a pump"}),)))  # type: ignore[assignment]
    bed.server.deliver(mail("Hello", "Do you remember?", sender=sender))
    bed.work(2)
    users = [message for message in bed.model.seen[-1]["messages"] if message["role"] == "user"]
    said = next(str(message) for message in users if "says:" in str(message) and "tool_result" in str(message))
    assert '[document faq.md, \\"Colours\\"]' in said.replace("\\\\", "\\") or '[document faq.md, "Colours"]' in said
    assert ("My pump HP-2044 is blue." in said) == (sender != BO)


@pytest.mark.exhaustive
def test_documents_and_facts_compete_for_one_budget(bed: Bed, shelf: Path) -> None:
    """The best fitting ones are told, of whichever kind."""
    bed.sections["service"] += "\nrecall_tokens = 150"
    (shelf / "a.md").write_text(f"The pump HP-2044 costs 310 euros. {'Boats are boats. ' * 20}")
    (shelf / "b.md").write_text("The pump HP-2044 costs 310 euros.")
    bed.server.deliver(mail("Price", PUMP))
    bed.work(1)
    assert "[document b.md]" in shown(bed, 0)
    assert "[document a.md]" not in shown(bed, 0)


@pytest.mark.exhaustive
def test_a_replay_is_told_what_the_documents_said_then(bed: Bed, shelf: Path) -> None:
    """A price of today is no answer of yesterday."""
    path = shelf / "price-list.md"
    path.write_text("The pump HP-2044 costs 310 euros.")
    bed.server.deliver(mail("Price", PUMP))
    bed.work(1)
    path.write_text("The pump HP-2044 costs 299 euros.")
    told(bed)
    assert documents.standing(bed.db)[0].id == 2
    (bed.root / "kinder.toml").write_text("[reading]\nlongest_text = 5000\n")
    terms = ("--ids", "1", "--with", str(bed.root / "kinder.toml"))
    done = bed.clerkd("replay", *terms, "--config", str(bed.root / "clerkd.toml"))
    assert done.returncode == 0, done.stderr
    replayed = str(bed.model.seen[-1]["messages"])
    assert ["310 euros" in replayed, "299 euros" in replayed] == [True, False]


@pytest.mark.exhaustive
def test_a_folder_out_of_reach_is_no_folder_that_is_gone(bed: Bed, shelf: Path) -> None:
    """What was read in it stands until it can be looked at again, and a person is told."""
    folder = shelf / "deep"
    folder.mkdir()
    (folder / "a.md").write_text("Text.")
    (shelf / "b.md").write_text("Text.")
    told(bed)
    folder.rename(bed.root / "elsewhere")
    folder.symlink_to("deep")
    (event,) = told(bed, "documents_missing", "document_gone")
    assert (event["what"], event["remark"]) == (
        str(folder / "a.md"),
        "cannot be reached: Too many levels of symbolic links",
    )
    assert [row.name for row in documents.standing(bed.db)] == ["b.md", "deep/a.md"]


@pytest.mark.exhaustive
def test_a_reading_child_that_cannot_be_had_is_tried_again(
    bed: Bed, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the document's fault; the mail waits for nothing."""
    (shelf / "a.md").write_text("Text.")
    monkeypatch.setattr(reader.Reader.__init__, "__defaults__", (("/nowhere/python",),))
    (event,) = told(bed, "documents_unread")
    assert "cannot be started" in str(event["reason"])
    monkeypatch.undo()
    told(bed)
    assert rows(bed) == [("a.md", 1, "", True)]
