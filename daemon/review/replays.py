"""What came of a replay, for a person's eyes: a table on the terminal, the same as Markdown, and plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.errors import FatalError
from daemon.review.log import clean, when
from knowledge import replays
from knowledge.database import Database
from knowledge.tables import Message, Replay, ReplayTurn

TITLES = ("Message", "Subject", "Variant", "Agrees", "What differs, and why")
SUMMED = ("Variant", "Model", "Agreement", "Tokens", "Dollars", "Seconds")
SUBJECT_LENGTH = 60
# With the colon and the at sign, so that no address of a web page or of a person becomes a link.
MARKUP = frozenset("\\|`*_<>[]!~#&:@")
AS_IT_STOOD = "each fork is the session as it stood before the message"
AS_IT_IS = "each fork is the session that was live then"


@dataclass(frozen=True)
class Page:
    """A replay with its turns."""

    replay: Replay
    turns: Sequence[tuple[ReplayTurn, Message]]


def page(db: Database, number: int) -> Page:
    """Gather what came of a replay; raise FatalError where there is none of that number."""
    replay = replays.get(db, number)
    if replay is None:
        message = f"there is no replay {number}; `clerkd replay list` shows the numbers"
        raise FatalError(message)
    return Page(replay, replays.results(db, number))


def listing(db: Database) -> RenderableType:
    """Lay out all replays, the newest first, a line for each."""
    rows = replays.newest(db)
    lines = [(str(row.id), when(row.started_at), ", ".join(row.variants), str(row.wanted)) for row in rows]
    return _grid(("Replay", "Begun", "Variants", "Turns"), lines) if lines else Text("No replay yet.")


def text(shown: Page) -> RenderableType:
    """Lay it out for a terminal."""
    return Group(Text(_headline(shown)), Text(), _grid(TITLES, _lines(shown)), Text(), _grid(SUMMED, _sums(shown)))


def markdown(shown: Page) -> str:
    """Write it as Markdown; what a mail or a model wrote stands in it as text, and cannot break the tables."""
    parts = [
        f"# Replay {shown.replay.id}",
        _headline(shown),
        _table(SUMMED, _sums(shown)),
        _table(TITLES, _lines(shown)),
    ]
    return "\n\n".join(parts) + "\n"


def record(shown: Page) -> dict[str, Any]:
    """Give it as plain data, for JSON."""
    replay = shown.replay.model_dump(mode="json")
    return {**replay, "turns": [row.model_dump(mode="json", exclude={"replay_id"}) for row, _message in shown.turns]}


def _headline(shown: Page) -> str:
    replay = shown.replay
    what = AS_IT_IS if replay.of_live_session else AS_IT_STOOD
    missing = replay.wanted - len(shown.turns)
    stopped = f" It was stopped: {missing} of {replay.wanted} turns were not tried." if missing else ""
    return f"Replay {replay.id} of {when(replay.started_at)}: {what}. Nothing was done in a mailbox.{stopped}"


def _lines(shown: Page) -> list[tuple[str, ...]]:
    return [
        (str(row.message_id), message.subject[:SUBJECT_LENGTH], row.variant, _verdict(row), _difference(row))
        for row, message in shown.turns
    ]


def _verdict(row: ReplayTurn) -> str:
    return {True: "yes", False: "no", None: "-"}[row.agrees]


def _difference(row: ReplayTurn) -> str:
    """Tell what differs, and the reason that the model gave for its decision where something does."""
    if row.agrees is None:
        return row.failure or "not finished"
    why = [] if row.agrees else [f"why: {row.reason}"]
    return "; ".join([*row.changes, *why])


def _sums(shown: Page) -> list[tuple[str, ...]]:
    return [_sum(name, [row for row, _message in shown.turns if row.variant == name]) for name in shown.replay.variants]


def _sum(name: str, rows: Sequence[ReplayTurn]) -> tuple[str, ...]:
    judged = [row for row in rows if row.agrees is not None]
    agreed = sum(row.agrees is True for row in judged)
    tokens = sum(row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens for row in rows)
    dollars = sum(row.reserved_usd if row.cost_usd is None else row.cost_usd for row in rows)
    share = f"{agreed} of {len(judged)}" + (f" ({agreed / len(judged):.0%})" if judged else "")
    failed = f", {len(rows) - len(judged)} not judged" if len(judged) < len(rows) else ""
    seconds = sum(row.seconds or 0 for row in rows)
    models = ", ".join(sorted({row.model for row in rows}))
    return name, models, share + failed, str(tokens), f"{dollars:.4f}", f"{seconds:.1f}"


def _grid(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    grid = Table(*titles, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for line in lines:
        grid.add_row(*(Text(clean(cell)) for cell in line))
    return grid


def _table(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [titles, ["---"] * len(titles), *lines]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(words: str) -> str:
    """Keep a cell's text from ending its cell, or from being read as markup."""
    plain = " ".join(clean(words).split())
    return "".join(f"\\{character}" if character in MARKUP else character for character in plain)
