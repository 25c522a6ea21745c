"""``clerkd document list``: what is known of the company's documents, and what is not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli.answers import records, refused, said
from tests.faults import Faults
from tests.mail.test_extract import pdf


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Have documents read, then break one and add one."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("documents"), server, model, Faults())
        bed.sections["service"] = '[knowledge]\ndocuments = ["docs/*", "nowhere/*.md"]'
        (bed.root / "docs").mkdir()
        (bed.root / "docs" / "faq.md").write_text("# Hours\nWe close at noon.\n# Prices\nFree.")
        (bed.root / "docs" / "list.pdf").write_bytes(pdf("Pump 310"))
        (bed.root / "docs" / "old.doc").write_bytes(b"x")
        server.deliver(mail("Hours"))
        bed.work(1)
        (bed.root / "docs" / "list.pdf").write_bytes(b"%PDF-1.4 garbage")
        server.deliver(mail("More"))
        bed.work(2)
        (bed.root / "docs" / "new\x1b[31m.md").write_text("New.")
        yield bed
        bed.close()


def test_each_document_is_listed_with_what_is_known_of_it(worked: Bed) -> None:
    """With the date of its file, when it was read, its passages, and the problem."""
    shown = said("document", worked, "list")
    day = f"{datetime.now(UTC).astimezone():%Y-%m-%d}"
    assert f"faq.md {day}" in shown
    assert "it is damaged; what was read of it before stands" in shown
    assert "it is of no kind that is read: .md, .txt, .html or .pdf" in shown
    assert "not read yet: the service looks every minute" in shown
    assert "matches no file" in shown
    assert "\x1b" not in shown


def test_documents_are_given_as_json(worked: Bed) -> None:
    """One object a line."""
    found = {line["name"]: line for line in records("document", worked, "list")}
    assert [(name, line["passages"]) for name, line in found.items() if "nowhere" not in name] == [
        ("faq.md", 2),
        ("list.pdf", 1),
        ("new\x1b[31m.md", 0),
        ("old.doc", 0),
    ]
    assert found["faq.md"]["problem"] == ""
    assert found["faq.md"]["path"] == str(worked.root / "docs" / "faq.md")
    assert found["faq.md"]["size"] == 40
    assert found[str(worked.root / "nowhere" / "*.md")]["problem"] == "matches no file"


def test_the_status_names_what_cannot_be_read(worked: Bed) -> None:
    """A person is needed for it."""
    config = str(worked.root / "clerkd.toml")
    shown = worked.clerkd("status", "--config", config)
    assert (shown.returncode, "document list.pdf: it is damaged" in shown.stdout) == (1, True)
    found = json.loads(worked.clerkd("status", "--json", "--config", config).stdout)
    assert [row["name"] for row in found["documents"]] == ["list.pdf", "old.doc"]


def test_the_check_tries_the_documents(worked: Bed) -> None:
    """As they are now, with the rights of whoever asks."""
    shown = worked.clerkd("check", "--config", str(worked.root / "clerkd.toml")).stdout
    assert f"FAIL documents: {worked.root}/nowhere/*.md matches no file" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["list", "--closed"], "No such option: --closed"),
        (["list", "faq.md"], "unexpected extra argument"),
        (["read"], "No such command 'read'"),
    ],
)
def test_wrong_input_is_refused_in_words(worked: Bed, words: list[str], problem: str) -> None:
    """What is wrong with it."""
    assert problem in " ".join(refused("document", worked, *words).replace("│", " ").split())


def test_without_documents_the_list_says_so(tmp_path: Path) -> None:
    """And without a knowledge database, how one comes to be."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path, server, model, Faults())
        assert "`clerkd run` creates it" in refused("document", bed, "list")
        bed.prepare()
        assert said("document", bed, "list") == "No documents are configured, and none is known."
        assert records("document", bed, "list") == []
