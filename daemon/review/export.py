"""The decision log for other programs: JSON lines, CSV, Markdown."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from daemon.review.log import clean, record
from knowledge.decisions import Entry

COLUMNS = ("message", "decided_at", "from", "subject", "category", "priority", "state", "summary", "why", "rule",
           "case", "session", "turn", "model", "cost_usd", "actions")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a table program would take what begins so for a formula


def jsonl(entries: Iterable[Entry]) -> Iterator[str]:
    """Give one JSON object a line."""
    for entry in entries:
        yield json.dumps(record(entry), ensure_ascii=False)


def table(entries: Iterable[Entry]) -> Iterator[str]:
    """Give CSV (RFC 4180), with a heading; no cell can be taken for a formula."""
    yield _row(COLUMNS)
    for entry in entries:
        yield _row(map(_cell, _values(entry)))


def markdown(entries: Iterable[Entry]) -> Iterator[str]:
    """Give a table in Markdown, with a heading; nothing in a cell ends it."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for entry in entries:
        yield f"| {' | '.join(_escaped(value) for value in _values(entry))} |"


def _values(entry: Entry) -> Iterator[str]:
    values: dict[str, Any] = record(entry)
    values["actions"] = "; ".join(f"{action['kind']} ({action['state']})" for action in values["actions"])
    for name in COLUMNS:
        yield "" if values[name] is None else clean(str(values[name]))


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _escaped(value: str) -> str:
    plain = " ".join(value.split())
    return "".join(f"\\{letter}" if letter in "\\|`*_<>[]" else letter for letter in plain)


FORMATS: Mapping[str, Callable[[Iterable[Entry]], Iterator[str]]] = MappingProxyType(
    {"jsonl": jsonl, "csv": table, "md": markdown}
)
