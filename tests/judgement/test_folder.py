"""What may become of the files of a case's folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.judgement.folder import (
    LONGEST_FILE,
    MOST_FILES,
    NAME,
    EditFile,
    FolderError,
    ReadFile,
    WriteFile,
    edited,
    listing,
    read,
    written,
)

FILES = {"plan.md": "first, second, first", "notes.txt": "-"}


def test_a_file_is_read_whole() -> None:
    """As it was written."""
    assert read(FILES, ReadFile(name="plan.md")) == "first, second, first"


def test_a_file_that_is_not_there_is_no_file() -> None:
    """The specialist reads which."""
    with pytest.raises(FolderError, match=r"There is no file 'gone.md' in this case's folder."):
        read(FILES, ReadFile(name="gone.md"))


def test_a_file_is_written_new_or_over_an_older_one() -> None:
    """Whole."""
    assert written(FILES, WriteFile(name="new.md", text="a")) == "a"
    assert written(FILES, WriteFile(name="plan.md", text="b")) == "b"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc/passwd", "a/b", ".hidden", "a\x00b", "a b", "x" * 81, "a\n", "~root", "C:\\x"]
)
def test_what_is_no_plain_name_is_refused(name: str) -> None:
    """There are no directories, and so no way out."""
    with pytest.raises(FolderError, match="is no name of a file"):
        written(FILES, WriteFile(name=name, text="-"))


@given(st.text(max_size=90))
def test_no_name_that_is_taken_ever_leads_anywhere_else(name: str) -> None:
    """Neither a slash nor a leading dot passes."""
    if NAME.fullmatch(name):
        assert not set(name) & set("/\\\0\n\r")
        assert not name.startswith(".")


def test_a_file_that_is_too_long_is_refused() -> None:
    """The engine would show its beginning alone, and write the rest to its disk."""
    with pytest.raises(ValidationError, match="at most 40000 characters"):
        WriteFile(name="a", text="x" * (LONGEST_FILE + 1))


def test_half_a_character_is_refused() -> None:
    """JSON can hold it; the database cannot."""
    for call in (lambda: WriteFile(name="a", text="\ud83d"), lambda: EditFile(name="a", old="b", new="\ud83d")):
        with pytest.raises(ValidationError):
            call()


def test_a_full_folder_takes_no_new_file_but_lets_one_be_written_over() -> None:
    """A specialist that a mail has taken over does not fill the database."""
    full = {f"f{number}": "-" for number in range(MOST_FILES)}
    assert written(full, WriteFile(name="f1", text="b")) == "b"
    with pytest.raises(FolderError, match=r"The folder is full: at most 50 files\."):
        written(full, WriteFile(name="new", text="-"))


def test_an_edit_replaces_what_stands_once() -> None:
    """Nothing else changes."""
    assert edited(FILES, EditFile(name="plan.md", old="second", new="2.")) == "first, 2., first"


@pytest.mark.parametrize(("old", "count"), [("first", 2), ("third", 0)])
def test_an_edit_of_what_does_not_stand_once_is_refused(old: str, count: int) -> None:
    """The specialist says more precisely what it means."""
    with pytest.raises(FolderError, match=f"stands {count} times in 'plan.md'"):
        edited(FILES, EditFile(name="plan.md", old=old, new="-"))


def test_an_edit_that_makes_a_file_too_long_is_refused() -> None:
    """As a write is."""
    with pytest.raises(FolderError, match="at most 40000"):
        edited({"a": "x-" + "y" * 10}, EditFile(name="a", old="x-", new="y" * LONGEST_FILE))


def test_the_listing_names_files_and_lengths() -> None:
    """Or says that there are none."""
    assert listing(FILES) == "notes.txt (1 characters)\nplan.md (20 characters)"
    assert listing({}) == "It is empty."
