"""``clerkd issue`` as a person calls it."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from knowledge import issues
from tests.bed import PASSWORD, USER, Bed, mail
from tests.cli import answers
from tests.faults import Faults
from tests.integration.test_issues import DOWN, NAME, SENDERS

PROPOSED = "Something is down (so says the stand-in's rule)"
said = partial(answers.said, "issue")
records = partial(answers.records, "issue")
refused = partial(answers.refused, "issue")


@pytest.fixture(scope="module")
def worked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Have two senders report the same, and a third one something that was taken for another issue."""
    with StandIn(decide) as model, MailServer(USER, PASSWORD) as server:
        bed = Bed(tmp_path_factory.mktemp("issues"), server, model, Faults())
        for number in (0, 1):
            server.deliver(mail(f"Help {number}", DOWN, sender=SENDERS[number]))
        bed.work(2)
        assert said(bed, "close", "1") == "issue 1 is closed"
        server.deliver(mail("Help 2", DOWN, sender=SENDERS[2]))
        bed.work(3)
        with bed.db.write() as session:
            issue = issues.get(bed.db, 1)
            assert issue
            issue.closed_at = None
            session.merge(issue)
        yield bed
        bed.close()


@pytest.fixture
def worked(worked_once: Bed, tmp_path: Path) -> Bed:
    """Give a copy of its state that a test may change."""
    shutil.copytree(worked_once.root / "state", tmp_path / "state")
    return Bed(tmp_path, worked_once.server, worked_once.model, worked_once.faults)


def test_the_list_shows_what_is_open_with_its_counts(worked: Bed) -> None:
    """As a table and as JSON."""
    assert f"proposed, not confirmed: {PROPOSED}" in said(worked, "list")
    first, second = sorted(records(worked, "list"), key=lambda each: each["id"])
    assert (first["cases"], first["senders"], first["category"], first["name"]) == (2, 2, "outage", "")
    assert (second["cases"], second["senders"]) == (1, 1)


def test_show_names_the_mails_that_are_about_it(worked: Bed) -> None:
    """With case and sender."""
    assert "message 2, case 2, from bo@bo.example: Help 1" in said(worked, "show", "1")
    assert [each["messages"] for each in records(worked, "show", "1")] == [[1, 2]]


def test_confirm_takes_the_proposed_name_or_a_better_one(worked: Bed) -> None:
    """The later word counts."""
    assert said(worked, "confirm", "1") == f"issue 1 is now known to all as {PROPOSED!r}".replace("  ", " ")
    assert said(worked, "confirm", "1", NAME) == f"issue 1 is now known to all as '{NAME}'"
    assert f"issue 1: {NAME}" in said(worked, "show", "1")


def test_merge_makes_one_of_two(worked: Bed) -> None:
    """The first has all cases of the second."""
    assert said(worked, "merge", "1", "2") == "issue 2 is now part of issue 1"
    (kept,) = records(worked, "list")
    assert (kept["id"], kept["cases"], kept["senders"]) == (1, 3, 3)
    assert "merged into issue 1" in said(worked, "show", "2")


def test_close_takes_it_from_the_list(worked: Bed) -> None:
    """With --closed it is shown, and with show."""
    assert said(worked, "close", "2") == "issue 2 is closed"
    assert [each["id"] for each in records(worked, "list")] == [1]
    said(worked, "close", "1")
    assert said(worked, "list") == "No issue is shared."
    assert "(closed " in said(worked, "show", "1")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("show", "9"), "there is no issue 9; `clerkd issue list` shows them"),
        (("confirm", "9", NAME), "there is no issue 9; `clerkd issue list` shows them"),
        (("confirm", "1", "x" * 81), "the name must be one line of 1 to 80 characters"),
        (("confirm", "1", "two\nlines"), "the name must be one line of 1 to 80 characters"),
        (("close", "9"), "there is no issue 9"),
        (("merge", "1", "1"), "an issue cannot be merged into itself"),
        (("merge", "1", "9"), "there is no issue 9"),
        (("close", "0"), "Invalid value for"),
        (("list", "--limit", "0"), "Invalid value for"),
    ],
)
def test_what_cannot_be_is_refused_in_words(worked: Bed, words: tuple[str, ...], error: str) -> None:
    """With what is wrong and where to look."""
    assert error in " ".join(refused(worked, *words).replace("│", " ").split())


def test_what_is_closed_or_merged_is_not_changed_any_more(worked: Bed) -> None:
    """The refusal says what became of it."""
    said(worked, "merge", "1", "2")
    assert "issue 2 is part of issue 1" in refused(worked, "close", "2")
    said(worked, "close", "1")
    assert "issue 1 was closed already" in refused(worked, "confirm", "1", NAME)
