"""The cases for a person's eyes: how they stand, and all that happened in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.errors import FatalError
from daemon.review.log import asked_by_letter, clean, when
from knowledge import cases, decisions, handoffs, ledger, promises, turns
from knowledge.cases import Summary
from knowledge.database import Database
from knowledge.decisions import Entry
from knowledge.tables import Case, CaseFile, Handoff, Promise

MOST_MESSAGES = 1_000


@dataclass(frozen=True)
class Page:
    """Everything about one case."""

    case: Case
    entries: Sequence[Entry]
    promises: Sequence[Promise]
    handoffs: Sequence[Handoff]
    dollars: float


def page(db: Database, number: int) -> Page | None:
    """Gather everything about one; None where the number leads nowhere."""
    case = cases.get(db, number)
    if case is None:
        return None
    newest = max((row.id or 0 for row in ledger.of_case(db, number)), default=0)
    entries = decisions.of_case(db, number, newest + 1, MOST_MESSAGES)
    dollars = turns.spent_on_case(db, number)
    return Page(case, entries, promises.of_case(db, number), handoffs.of_case(db, number), dollars)


def table(found: Sequence[Summary]) -> Table:
    """Lay cases out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Case", "State", "Last touched", "Mails", "Promises", "Subject"):
        grid.add_column(title, justify="right" if title in {"Case", "Mails", "Promises"} else "left")
    for item in found:
        case = item.case
        counts = (str(item.messages), str(item.promises))
        grid.add_row(str(case.id), case.state, when(case.updated_at), *counts, Text(clean(case.subject)))
    return grid


def text(shown: Page) -> RenderableType:
    """Lay out everything about one."""
    case = shown.case
    merged = [f"merged into case {case.merged_into}"] if case.merged_into else []
    lines = [
        f"case {case.id}: {case.subject or '(no subject)'}",
        f"{case.state}; opened {when(case.opened_at)}, last touched {when(case.updated_at)}",
        f"its turns and handoffs cost ${shown.dollars:.4f} so far",
        *merged,
        *map(_message, shown.entries),
        *map(_promise, shown.promises),
        *map(_handoff, shown.handoffs),
    ]
    return Group(*(Text(clean(" ".join(line.split()))) for line in lines))  # no words in it make a line of their own


def _message(entry: Entry) -> str:
    row, decision = entry.message, entry.decision
    who = "clerkd" if row.about_id else row.sender_address or "nobody known"
    verdict = f"{decision.category}: {decision.summary}" if decision else row.reason or "no decision yet"
    done = ", ".join(f"{action.kind} ({action.state})" for action in entry.actions)
    return (
        f"message {row.id}, {when(row.received_at)}, from {who}, {row.state}: {verdict}{' | ' + done if done else ''}"
    )


def _promise(row: Promise) -> str:
    end = f" ({row.closing})" if row.closing else ""
    came_up = f", came up as message {row.reminder_id}" if row.reminder_id else ""
    made = f"promise {row.id}, by {row.by} in message {row.message_id}, due {row.due}"
    return f"{made}{came_up}, {row.state}{end}: {row.what}"


def _handoff(row: Handoff) -> str:
    cost = f"${row.cost_usd:.4f}, {row.seconds:.1f} s" if row.letter_id is None else asked_by_letter(row)
    came = f", came in as message {row.report_id}" if row.report_id else ""
    what = f"handoff {row.id}, of message {row.message_id} to {row.specialist}, {row.state}{came}, {cost}"
    return f"{what}: {row.report or '-'}"


def file_table(files: Sequence[CaseFile]) -> Table:
    """Lay out the files of a case's folder."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("File", "Written", "Turn", "Characters", "Withdrawn"):
        grid.add_column(title, justify="right" if title in {"Turn", "Characters"} else "left")
    for file in files:
        grid.add_row(
            Text(clean(file.name)),
            when(file.written_at),
            str(file.turn_id),
            str(len(file.text)),
            when(file.withdrawn_at),
        )
    return grid


def write_out(files: Sequence[CaseFile], directory: Path) -> None:
    """Write the files into a new directory; their names hold no path. Raises FatalError where that cannot be."""
    try:
        directory.mkdir(parents=True)
        for file in files:
            (directory / file.name).write_text(file.text, encoding="utf-8")
    except OSError as error:
        message = f"--to {directory}: cannot be written: {error.strerror}"
        raise FatalError(message) from None


def record(item: Summary) -> dict[str, Any]:
    """Give a case as plain data, for JSON."""
    return {**_plain(item.case), "messages": item.messages, "open_promises": item.promises}


def full_record(shown: Page) -> dict[str, Any]:
    """Give everything about a case as plain data."""
    return {
        **_plain(shown.case),
        "cost_usd": round(shown.dollars, 6),
        "messages": [
            {
                "message": entry.message.id,
                "about": entry.message.about_id,
                "from": entry.message.sender_address,
                "received_at": entry.message.received_at.isoformat(),
                "state": entry.message.state,
                "category": entry.decision.category if entry.decision else None,
                "summary": entry.decision.summary if entry.decision else None,
            }
            for entry in shown.entries
        ],
        "promises": [row.model_dump(mode="json", exclude={"case_id"}) for row in shown.promises],
        "handoffs": [row.model_dump(mode="json") for row in shown.handoffs],
    }


def _plain(case: Case) -> dict[str, Any]:
    return {
        "case": case.id,
        "state": case.state,
        "subject": case.subject,
        "opened_at": case.opened_at.isoformat(),
        "updated_at": case.updated_at.isoformat(),
        "merged_into": case.merged_into,
    }
