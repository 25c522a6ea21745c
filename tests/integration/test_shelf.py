"""Which files are documents, and what cannot be had of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import shelf
from daemon.errors import PermanentError
from daemon.shelf import listing, load

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights for a moment, where the tests are run by root, who may do everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def names(folder: Path, *patterns: str) -> list[str]:
    """Name what the patterns match."""
    found = listing([f"{folder}/{pattern}" for pattern in patterns], folder / "state")
    return [file.name for file in found.files.values()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a few files."""
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for name in ("b.md", "a.md", "deep/c.md", "deep/deeper/d.md", "deep/.hidden.md", "faq [1].md"):
        (tmp_path / name).write_text("Text.")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.md", ["a.md"]),
        ("*.md", ["a.md", "b.md", "faq [1].md"]),
        ("**/*.md", ["a.md", "b.md", "deep/c.md", "deep/deeper/d.md", "faq [1].md"]),
        ("deep/*.md", ["c.md"]),
        ("deep/.*.md", [".hidden.md"]),
        ("[ab].md", ["a.md", "b.md"]),
        ("faq [[]1].md", ["faq [1].md"]),
        ("deep*", []),
    ],
)
def test_a_pattern_matches_as_in_a_shell(folder: Path, pattern: str, found: list[str]) -> None:
    """In the order of the names, each by its path in the folder that the pattern names."""
    assert names(folder, pattern) == found


def test_a_file_that_two_patterns_match_is_one_document(folder: Path) -> None:
    """The first one names it."""
    assert names(folder, "deep/*.md", "**/c.md") == ["c.md"]


def test_more_files_than_a_company_has_documents_are_not_all_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones by name, always the same, and a person is told."""
    monkeypatch.setattr(shelf, "MOST_FILES", 2)
    found = listing([f"{folder}/*.md"], folder / "state")
    assert [file.name for file in found.files.values()] == ["a.md", "b.md"]
    assert "only the first ones by name are read" in found.remarks[f"{folder}/*.md"]


def test_a_folder_that_may_not_be_searched_is_told_and_nothing_counts_as_gone(folder: Path) -> None:
    """Python's own search would take it for an empty one."""
    folder.chmod(0)
    with as_nobody():
        found = listing([f"{folder}/*.md"], folder / "state")
    folder.chmod(0o700)
    assert (found.files, found.whole) == ({}, False)
    assert found.remarks == {f"{folder}/*.md": "cannot be searched: Permission denied"}


def test_a_file_is_the_same_until_anything_about_it_changes(folder: Path) -> None:
    """Even where size and modification time were put back."""

    def stamp() -> object:
        (file,) = listing([f"{folder}/a.md"], folder / "state").files.values()
        return file.stamp

    before, times = stamp(), (folder / "a.md").stat()
    assert stamp() == before
    (folder / "a.md").write_text("Next.")
    os.utime(folder / "a.md", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stamp() != before


def test_a_file_that_has_just_changed_is_looked_at_again(folder: Path) -> None:
    """It may change once more before the kernel's clock has moved on."""
    (file,) = listing([f"{folder}/a.md"], folder / "state").files.values()
    assert not file.settled
    (file,) = listing(["/etc/passwd"], folder / "state").files.values()
    assert file.settled


def test_a_date_that_no_calendar_has_is_shown_as_some_date(folder: Path) -> None:
    """A file's times are whatever somebody has set."""
    os.utime(folder / "a.md", ns=(0, -(2**62)))
    (file,) = listing([f"{folder}/a.md"], folder / "state").files.values()
    assert file.modified_at.year < 1971


def test_a_name_of_any_bytes_is_a_name(folder: Path) -> None:
    """What is no UTF-8 is replaced, so that the database and the terminal can hold it."""
    (folder / os.fsdecode(b"\xff.md")).write_text("Text.")
    (key,) = [key for key in listing([f"{folder}/*.md"], folder / "state").files if "\ufffd" in key]
    assert key == f"{folder}/\ufffd.md"
    assert "\ufffd.md" in names(folder, "*.md")


def test_what_cannot_be_had_of_a_file_is_told_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights, size, and something else in its place; a pipe without a writer is not waited for."""
    path = folder / "a.md"
    assert load(path) == b"Text."
    path.chmod(0)
    with as_nobody(), pytest.raises(PermanentError, match="it cannot be opened: Permission denied"):
        load(path)
    path.chmod(0o600)
    monkeypatch.setattr(shelf, "LARGEST_FILE", 4)
    with pytest.raises(PermanentError, match="it is larger than"):
        load(path)
    os.mkfifo(folder / "pipe.md")
    with pytest.raises(PermanentError, match="it is no file"):
        load(folder / "pipe.md")
