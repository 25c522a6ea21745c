"""The company's documents for a person's eyes: what is known of each file, and what is not, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from daemon.review.log import clean, when
from knowledge.tables import Document

NOT_READ = "not read yet: the service looks every minute"
STANDS = "{}; what was read of it before stands"


@dataclass(frozen=True)
class Line:
    """A file, or a pattern that is worth a remark: the row of what is known of it, and what there is to say."""

    name: str
    known: Document | None = None
    problem: str = ""


def lines(standing: Sequence[Document], files: Mapping[str, str], remarks: Mapping[str, str]) -> list[Line]:
    """Put together what is known, the names of the files that are there by their paths, and what was remarked."""
    by_path = groupby(sorted(standing, key=lambda row: (row.path, row.id)), key=lambda row: row.path)
    found = [_line(list(rows), remarks.get(path, "")) for path, rows in by_path]
    paths = {row.path for row in standing}
    found += [Line(name, problem=NOT_READ) for path, name in files.items() if path not in paths]
    found += [Line(what, problem=remark) for what, remark in remarks.items() if what not in paths]
    return sorted(found, key=lambda line: line.name)


def _line(rows: Sequence[Document], remark: str) -> Line:
    known = next((row for row in rows if row.passages), None)
    failed = next((row.problem for row in rows if not row.passages), remark)
    if known is None:
        return Line(rows[0].name, rows[0], failed)
    return Line(known.name, known, STANDS.format(failed) if failed else known.problem)


def table(found: Sequence[Line]) -> Table:
    """Lay documents out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Document", "Of", "Read", "Passages", "Problem"):
        grid.add_column(title, justify="right" if title == "Passages" else "left")
    for line in found:
        grid.add_row(Text(clean(line.name)), *_known(line.known), Text(clean(line.problem)))
    return grid


def _known(row: Document | None) -> Iterator[str]:
    if row is None:
        yield from ("", "", "")
    else:
        yield from (when(row.modified_at), when(row.recorded_at), str(row.passages))


def record(line: Line) -> dict[str, Any]:
    """Give a document as plain data, for JSON."""
    row = line.known.model_dump(mode="json") if line.known else {"name": line.name, "passages": 0}
    return {**row, "problem": line.problem}


def short(row: Document) -> str:
    """Say in a line why a file is not known, for ``clerkd status``."""
    return f"{row.name}: {row.problem}"
