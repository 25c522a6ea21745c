"""Documents of the company: which files they are, and how the text of one is cut into passages.

A line of one to six ``#`` and a title is a heading, in whichever kind of file: HTML and PDF are brought to that before.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from daemon.judgement.recall import LONGEST_PASSAGE

# All of a document is written in one transaction, for which other writers wait: 2,000 passages take 0.6 s (measured).
MOST_PASSAGES = 2_000
# A handbook of some 200 pages; what is longer is better divided, and its answer must fit into that of the child.
LONGEST_DOCUMENT = 500_000  # characters
LONGEST_TITLE = 120  # a longer line is no title, whatever it begins with
DEEPEST = 6  # levels of headings, as in HTML
PARAGRAPHS, LINES, SENTENCES, WORDS = r"\n\s*\n", r"\n", r"(?<=[.!?])\s+", r"\s+"
# Where a text is divided, the best place first: a line may be the row of a table.
BORDERS = (PARAGRAPHS, LINES, SENTENCES, WORDS)
FENCES = ("```", "~~~")
SYSTEM_FOLDERS = frozenset({"proc", "sys", "dev", "run"})
WILDCARDS = frozenset("*?[")
NO_FILES = "{} names a folder; name the files in it, such as '{}'"
TOO_WIDE = "{} reaches through the whole machine; name the folder in which the documents are"
HALF_A_WILDCARD = "{}: ** must stand alone between slashes, such as 'documents/**/*.md'"
UPWARDS = "{}: .. cannot stand behind a wildcard"
CUT = "only its first {:,} {} are known: divide it"


class Form(StrEnum):
    """How the bytes of a document become text."""

    TEXT = "text"
    HTML = "html"
    PDF = "pdf"


FORMS = {
    ".md": Form.TEXT, ".markdown": Form.TEXT, ".txt": Form.TEXT,
    ".html": Form.HTML, ".htm": Form.HTML, ".pdf": Form.PDF,
}  # fmt: skip


@dataclass(frozen=True)
class DocumentText:
    """The text of a document, and why there is none or not all of it."""

    text: str = ""
    note: str = ""


@dataclass(frozen=True)
class Piece:
    """A passage of a document, under its headings, the outermost first."""

    headings: tuple[str, ...]
    text: str


@dataclass
class _Section:
    """What stands between one heading and the next."""

    headings: tuple[str, ...]
    level: int
    lines: list[str]


def form_of(name: str) -> Form | None:
    """Tell by a file's name how it is read; None where it is of no kind that is read."""
    return FORMS.get(PurePosixPath(name).suffix.lower())


def objection(pattern: str) -> str | None:
    """Say what is wrong with a pattern as it stands in the config."""
    parts = pattern.split("/")
    if parts[-1] in ("", ".", "..", "**"):
        return NO_FILES.format(repr(pattern), str(PurePosixPath(pattern) / "*.md"))
    if any("**" in part and part != "**" for part in parts):
        return HALF_A_WILDCARD.format(repr(pattern))
    wild = next((place for place, part in enumerate(parts) if _is_wild(part)), len(parts))
    if ".." in parts[wild:]:
        return UPWARDS.format(repr(pattern))
    top = parts[1] if pattern.startswith("/") else "."
    return TOO_WIDE.format(repr(pattern)) if _is_wild(top) or top in SYSTEM_FOLDERS else None


def divided(pattern: str) -> tuple[str, str]:
    """Divide a whole path with wildcards into the folder that is named outright, and what is looked for in it."""
    parts = PurePosixPath(pattern).parts
    wild = next((place for place, part in enumerate(parts) if _is_wild(part)), len(parts) - 1)
    return str(PurePosixPath(*parts[:wild])), str(PurePosixPath(*parts[wild:]))


def _is_wild(part: str) -> bool:
    return not WILDCARDS.isdisjoint(part)


def pieces_of(text: str) -> list[Piece]:
    """Cut a document into passages: each within one section, and no word of the text is left out.

    Titles are told as headings alone, but for one with nothing under it, which is a passage itself.
    """
    sections = _sections(text)
    followers = [section.level for section in sections[1:]] + [0]
    return [
        Piece(section.headings, passage)
        for section, follower in zip(sections, followers, strict=True)
        for passage in _cut(_words(section, is_empty=follower <= section.level))
    ]


def known(pieces: Sequence[Piece], note: str) -> tuple[Sequence[Piece], str]:
    """Keep to what a document may have of passages, and say so where it has more."""
    if len(pieces) <= MOST_PASSAGES:
        return pieces, note
    return pieces[:MOST_PASSAGES], CUT.format(MOST_PASSAGES, "passages")


def _sections(text: str) -> list[_Section]:
    above: list[tuple[int, str]] = []
    sections = [_Section((), 0, [])]
    fence = ""
    for line in text.splitlines():
        bare = line.strip()
        mark = next((mark for mark in FENCES if bare.startswith(mark)), "")
        if mark and fence in ("", mark):
            fence = "" if fence else mark
        level, title = (0, "") if fence else _heading(bare)
        if level:
            above = [*(each for each in above if each[0] < level), (level, title)]
            sections.append(_Section(tuple(title for _level, title in above), level, []))
        else:
            sections[-1].lines.append(line)
    return sections


def _heading(line: str) -> tuple[int, str]:
    """Give level and title of a heading; 0 where a line is none."""
    level = len(line) - len(line.lstrip("#"))
    title = line[level:]
    if not 0 < level <= DEEPEST or not title[:1].isspace() or len(title) > LONGEST_TITLE:
        return 0, ""
    first, _blank, last = title.strip().rpartition(" ")
    return level, first.strip() if first and not last.strip("#") else title.strip()


def _words(section: _Section, *, is_empty: bool) -> str:
    body = "\n".join(section.lines).strip()
    return body or (section.headings[-1] if section.headings and is_empty else "")


def _cut(text: str, borders: Sequence[str] = BORDERS) -> list[str]:
    """Divide a text that is too long at the first kind of border, and its parts at the next."""
    text = text.strip()
    if len(text) <= LONGEST_PASSAGE:
        return [text] if text else []
    if not borders:
        return [text[start : start + LONGEST_PASSAGE] for start in range(0, len(text), LONGEST_PASSAGE)]
    return _joined([piece for part in re.split(borders[0], text) for piece in _cut(part, borders[1:])])


def _joined(pieces: Sequence[str]) -> list[str]:
    """Join what is short, as far as there is room."""
    passages: list[str] = []
    for piece in pieces:
        if passages and len(passages[-1]) + 1 + len(piece) <= LONGEST_PASSAGE:
            passages[-1] = f"{passages[-1]}\n{piece}"
        else:
            passages.append(piece)
    return passages
