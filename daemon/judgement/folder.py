"""A case's folder as a specialist works on it: named texts, and what may become of them in one turn."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
MOST_FILES = 50
# Characters: of an answer beyond 50,000 the engine shows the beginning alone, and writes all to its disk (measured).
LONGEST_FILE = 40_000
BAD_NAME = "{!r} is no name of a file: up to 80 letters, digits, dots, hyphens and underscores, without a directory"
MISSING = "There is no file {!r} in this case's folder."
TOO_LONG = f"A file holds at most {LONGEST_FILE} characters."
FULL = f"The folder is full: at most {MOST_FILES} files."
NOT_ONCE = "`old` stands {} times in {!r}; it must stand there exactly once."


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, Field(max_length=200)]


class ReadFile(_Strict):
    """Read a file of the folder."""


class WriteFile(_Strict):
    """Write a file of the folder, whole."""

    text: Annotated[str, Field(max_length=LONGEST_FILE)]


class EditFile(_Strict):
    """Put ``new`` in the place of ``old``, which stands once in the file."""

    old: Annotated[str, Field(min_length=1, max_length=LONGEST_FILE)]
    new: Annotated[str, Field(max_length=LONGEST_FILE)]


class FolderError(ValueError):
    """It cannot be done, in words for the specialist."""


def read(files: Mapping[str, str], wanted: ReadFile) -> str:
    """Give a file's text; raise FolderError where there is none."""
    if wanted.name not in files:
        raise FolderError(MISSING.format(wanted.name))
    return files[wanted.name]


def written(files: Mapping[str, str], wanted: WriteFile) -> str:
    """Give the text that a file is to have; raise FolderError where it cannot be written."""
    if not NAME.fullmatch(wanted.name):
        raise FolderError(BAD_NAME.format(wanted.name))
    if wanted.name not in files and len(files) >= MOST_FILES:
        raise FolderError(FULL)
    return wanted.text


def edited(files: Mapping[str, str], wanted: EditFile) -> str:
    """Give the text that a file is to have after an edit; raise FolderError where it cannot be made."""
    text = read(files, ReadFile(name=wanted.name))
    count = text.count(wanted.old)
    if count != 1:
        raise FolderError(NOT_ONCE.format(count, wanted.name))
    fresh = text.replace(wanted.old, wanted.new)
    if len(fresh) > LONGEST_FILE:
        raise FolderError(TOO_LONG)
    return fresh


def listing(files: Mapping[str, str]) -> str:
    """Name the files with their length."""
    return "\n".join(f"{name} ({len(text)} characters)" for name, text in sorted(files.items())) or "It is empty."
