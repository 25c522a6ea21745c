"""The sessions for a person's eyes: the chain, and everything about one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.judgement.states import TurnState
from daemon.review.log import clean, when
from knowledge import sessions, upkeeps
from knowledge.database import Database
from knowledge.tables import AgentSession, CaseNote, Upkeep

SHORT = 8  # characters of an id, enough to tell it from others


@dataclass(frozen=True)
class Line:
    """One session, with what came of it."""

    row: AgentSession
    messages: int
    last_turn_at: datetime | None
    dollars: float


@dataclass(frozen=True)
class Page:
    """Everything about one session."""

    line: Line
    upkeeps: Sequence[Upkeep]
    notes: Sequence[CaseNote]


def lines(db: Database) -> list[Line]:
    """Gather the chain, the newest first."""
    return [line_of(db, row) for row in sessions.chain(db)]


def line_of(db: Database, row: AgentSession) -> Line:
    """Add up what came of one session."""
    return Line(row, *sessions.standing(db, row.id, TurnState.SETTLED))


def page(db: Database, shown: Line) -> Page:
    """Gather everything about one."""
    return Page(shown, upkeeps.of_session(db, shown.row.id), upkeeps.notes_of(db, shown.row.id))


def table(chain: Sequence[Line]) -> Table:
    """Lay the chain out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Session", "From", "To", "Mails", "Tokens", "Dollars", "Ended because"):
        grid.add_column(title, justify="right" if title in {"Mails", "Tokens", "Dollars"} else "left")
    for line in chain:
        row = line.row
        grid.add_row(
            row.id[:SHORT],
            when(row.created_at),
            when(row.ended_at) if row.ended_at else "live",
            str(line.messages),
            str(row.context_tokens),
            f"{line.dollars:.4f}",
            Text(clean(row.end_reason)),
        )
    return grid


def text(shown: Page) -> RenderableType:
    """Lay out everything about one."""
    row = shown.line.row
    head = [
        f"session {row.id}",
        f"from {when(row.created_at)} to {when(row.ended_at) if row.ended_at else 'now'}; model {row.model}",
        f"{shown.line.messages} mail(s), ${shown.line.dollars:.4f}; its context holds {row.context_tokens} tokens",
        f"came after session {row.predecessor}" if row.predecessor else "the first of all",
        *([f"ended because {row.end_reason}"] if row.end_reason else []),
        *_copy(row),
    ]
    notes = [f"noted on case {note.case_id}, unverified: {note.text}" for note in shown.notes]
    return Group(*(Text(clean(line)) for line in [*head, *map(upkeep_line, shown.upkeeps), *notes]))


def _copy(row: AgentSession) -> list[str]:
    told = f"the session store has {row.mirrored_offset} of its {row.head_offset} bytes"
    return [told] if row.mirrored_offset else []


def upkeep_line(row: Upkeep) -> str:
    """Say in a line what was done to keep a session small."""
    after = f", {row.tokens_after} after" if row.tokens_after is not None else ""
    cost = row.reserved_usd if row.cost_usd is None else row.cost_usd
    end = f": {row.failure}" if row.failure else ""
    tokens = f"{row.tokens_before} tokens before{after}"
    return f"{when(row.started_at)} {row.kind}, {row.state}{end}; because {row.why}; {tokens}, ${cost:.4f}"


def record(line: Line) -> dict[str, Any]:
    """Give a session as JSON."""
    row = line.row
    return {
        "session": row.id,
        "state": row.state,
        "model": row.model,
        "from": row.created_at.isoformat(),
        "to": row.ended_at.isoformat() if row.ended_at else None,
        "end_reason": row.end_reason,
        "predecessor": row.predecessor,
        "messages": line.messages,
        "context_tokens": row.context_tokens,
        "settled_bytes": row.head_offset,
        "mirrored_bytes": row.mirrored_offset,
        "dollars": round(line.dollars, 6),
    }


def full_record(shown: Page) -> dict[str, Any]:
    """Give everything about a session as JSON."""
    return {
        **record(shown.line),
        "upkeeps": [row.model_dump(mode="json", exclude={"session_id", "generation"}) for row in shown.upkeeps],
        "notes": [{"case": note.case_id, "text": note.text, "verified": False} for note in shown.notes],
    }
