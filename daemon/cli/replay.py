"""``clerkd replay``: put logged mails again to forks of the session, under other orders, another model or settings."""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.log import parse_since
from daemon.cli.options import Config, Json
from daemon.errors import FatalError
from daemon.premises import knowledge_of
from daemon.review import replays as review
from daemon.service import telemetry
from daemon.settings import Settings, load, load_variant
from daemon.steps.orders import LARGEST_ID
from knowledge.replays import Selection

RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
MOST_IDS = 10_000


def replay(  # noqa: PLR0913 - one parameter an option
    config: Config = None,
    since: Annotated[str, typer.Option(help="Mails put to the model since then: 2026-11-21, 90m, 12h, 3d, 2w.")] = "",
    case: Annotated[int | None, typer.Option(min=1, max=LARGEST_ID, help="Mails of this case.")] = None,
    ids: Annotated[str, typer.Option(help="Mails of these numbers, such as 3,7-9.")] = "",
    with_: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A variant: a TOML file that says what is otherwise. Give it once for each."),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="How many forks at a time; each takes 300 MB.")] = 2,
    output: Annotated[Path | None, typer.Option(help="The Markdown. [default: replay-NUMBER.md]")] = None,
    *,
    live_session: Annotated[
        bool, typer.Option("--live-session", help="Fork the live session as it is now, not as it stood then.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the forks' transcripts.")] = False,
    json_wanted: Json = False,
) -> None:
    """Put logged mails again to copies of the conversation, under other orders, another model or other settings.

    Each copy is the conversation as it stood before the mail, and reads only what was known then. Nothing is done in a
    mailbox, and the conversation itself stays as it is; the service may run meanwhile. The model is paid for: what a
    replay costs counts in the caps. The result is a table, kept in the knowledge database and written as Markdown.

    Example:  clerkd replay --since 3d --with terse.toml --with cheap.toml
    """
    from daemon import app as house
    from daemon.steps.replay import Wanted

    if not (since or case or ids):
        message = "say which mails: --since, --case or --ids"
        raise FatalError(message)
    _refuse_unwritable(output or Path("replay.md"))
    settings = load(config)
    variants = variants_of(config, with_ or [])
    db = knowledge_of(settings)
    telemetry.configure("error")
    wanted = Wanted(Selection(parse_since(since), case, parse_ids(ids)), parallel, live_session, keep)
    row = house.replay_logged(settings, db, variants, wanted, _tell)
    page = review.page(db, row.id or 0)
    path = output or Path(f"replay-{row.id}.md")
    _write(path, review.markdown(page))
    if json_wanted:
        print(json.dumps(review.record(page), ensure_ascii=False))
    else:
        Console().print(review.text(page))
        print(f"\nwritten to {path}" + (f"; the forks are in {house.forks_of(settings, row)}" if keep else ""))


def variants_of(config: Path | None, paths: Sequence[Path]) -> dict[str, Settings]:
    """Load the variants under the names of their files; raise FatalError where there is none, or two have one name."""
    if not paths:
        message = "say what to try: --with FILE, a TOML file that says what is otherwise"
        raise FatalError(message)
    found: dict[str, Settings] = {}
    for path in paths:
        if path.stem in found:
            message = f"--with {path}: two variants are called {path.stem}; give each file a name of its own"
            raise FatalError(message)
        found[path.stem] = load_variant(config, path)
    return found


def parse_ids(words: str) -> tuple[int, ...]:
    """Read numbers and ranges, such as 3,7-9; raise FatalError where they are none."""
    found: list[int] = []
    for part in filter(None, words.replace(" ", "").split(",")):
        match = RANGE.match(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 1 <= first <= last <= LARGEST_ID or last - first >= MOST_IDS:
            error = f"--ids {words!r} are no numbers of mails: give them as 3,7-9; `clerkd log` shows them"
            raise FatalError(error)
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _refuse_unwritable(path: Path) -> None:
    """See that the Markdown can be written, before the model is paid for what it tells."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        message = f"{path}: the Markdown cannot be written there; give another place with --output"
        raise FatalError(message)


def _write(path: Path, words: str) -> None:
    """Write the Markdown for its owner alone: it tells of people's mail."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(words)
