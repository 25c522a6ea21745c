"""Facts and lessons for a person's eyes."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from daemon.review.log import clean, when
from knowledge.tables import Fact


def table(found: Sequence[Fact]) -> Table:
    """Lay facts out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Fact", "About", "Kind", "Since", "Rests on", "Text"):
        grid.add_column(title, justify="right" if title == "Fact" else "left")
    for fact in found:
        grid.add_row(
            str(fact.id),
            Text(fact.organisation or (f"person {fact.person_id}" if fact.person_id else "everyone")),
            fact.kind,
            when(fact.recorded_at),
            f"message {fact.message_id}" if fact.message_id else Text(clean(fact.by or fact.author)),
            Text(clean(f"{fact.text}{_end(fact)}")),
        )
    return grid


def _end(fact: Fact) -> str:
    if fact.expired_at is None:
        return f" (until {fact.valid_to})" if fact.valid_to else ""
    by = f" by fact {fact.superseded_by}" if fact.superseded_by else ""
    return f" (closed{by} {when(fact.expired_at)})"


def record(fact: Fact) -> dict[str, Any]:
    """Give a fact as plain data, for JSON."""
    return fact.model_dump(mode="json")
