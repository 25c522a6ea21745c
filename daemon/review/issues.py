"""The shared issues for a person's eyes."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.review.log import clean, when
from knowledge.issues import Summary
from knowledge.tables import Message, SharedIssue


def table(found: Sequence[Summary]) -> Table:
    """Lay issues out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Issue", "Category", "Since", "Newest", "Cases", "Senders", "Name"):
        grid.add_column(title, justify="right" if title in {"Issue", "Cases", "Senders"} else "left")
    for item in found:
        issue = item.issue
        counts = (when(item.newest_at), str(item.cases), str(item.senders))
        grid.add_row(str(issue.id), issue.category, when(issue.opened_at), *counts, Text(clean(name(issue))))
    return grid


def name(issue: SharedIssue) -> str:
    """Give its name with what that is worth."""
    closed = f" (closed {when(issue.closed_at)})" if issue.closed_at else ""
    return f"{issue.name or f'proposed, not confirmed: {issue.proposed}'}{closed}"


def text(issue: SharedIssue, messages: Sequence[Message]) -> RenderableType:
    """Lay out everything about one."""
    merged = [f"merged into issue {issue.merged_into}"] if issue.merged_into else []
    lines = [
        f"issue {issue.id}: {name(issue)}",
        f"{issue.category}; since {when(issue.opened_at)}",
        *merged,
        *(f"message {row.id}, case {row.case_id}, from {row.sender_address}: {row.subject}" for row in messages),
    ]
    return Group(*(Text(clean(" ".join(line.split()))) for line in lines))  # no words in it make a line of their own


def record(item: Summary) -> dict[str, Any]:
    """Give one as plain data, for JSON."""
    counts = {"cases": item.cases, "senders": item.senders, "newest_at": item.newest_at.isoformat()}
    return {**item.issue.model_dump(mode="json"), **counts}


def full_record(issue: SharedIssue, messages: Sequence[Message]) -> dict[str, Any]:
    """Give everything about one as plain data."""
    return {**issue.model_dump(mode="json"), "messages": [row.id for row in messages]}
