"""``clerkd replay``: put logged mails again to forks of the session, under other orders, another model or settings."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from daemon.cli.log import parse_since
from daemon.cli.options import Config, Json
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.premises import knowledge_of
from daemon.review import replays as review
from daemon.service import telemetry
from daemon.settings import Settings, load, load_variant
from daemon.steps.numbers import LARGEST_ID
from knowledge.replays import Selection

RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
MOST_IDS = 10_000


app = typer.Typer(
    help="Put logged mails again to copies of the conversation, under other orders, another model or other settings.",
    epilog="Examples:  clerkd replay --since 3d --with terse.toml    clerkd replay list    clerkd replay show 2",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_ID, help="The replay's number.")]


@app.callback(invoke_without_command=True)
def replay(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    config: Config = None,
    since: Annotated[str, typer.Option(help="Mails put to the model since then: 2026-11-21, 90m, 12h, 3d, 2w.")] = "",
    case: Annotated[int | None, typer.Option(min=1, max=LARGEST_ID, help="Mails of this case.")] = None,
    ids: Annotated[str | None, typer.Option(help="Mails of these numbers, such as 3,7-9.")] = None,
    with_: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A variant: a TOML file that says what is otherwise. Give it once for each."),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="How many forks at a time; each takes 300 MB.")] = 2,
    output: Annotated[Path | None, typer.Option(help="The Markdown. [default: replay-TIME.md]")] = None,
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
    context.obj = config
    if context.invoked_subcommand:
        return
    from daemon import runs
    from daemon.steps.trials import Wanted

    if not since and case is None and ids is None:
        message = "say which mails: --since, --case or --ids"
        raise FatalError(message)
    settings = load(config)
    selection = Selection(parse_since(since), case, parse_ids(ids) if ids is not None else ())
    variants = variants_of(config, with_ or [])
    db = knowledge_of(settings)
    telemetry.configure("error")
    path = output or Path(f"replay-{utc_now():%Y-%m-%d-%H%M%S}.md")
    with _markdown(path, is_ours=output is None) as file:
        row = runs.replay_logged(settings, db, variants, Wanted(selection, parallel, live_session, keep), _tell)
        page = review.page(db, row.id or 0)
        _show(page, json_wanted=json_wanted)
        file.write(review.markdown(page))
    _tell(f"written to {path}" + (f"; the forks are in {runs.forks_of(settings, row)}" if keep else ""))
    if len(page.turns) < row.wanted:
        raise typer.Exit(1)


@app.command("list")
def list_replays(context: typer.Context, config: Config = None) -> None:
    """List all replays, the newest first.

    Example:  clerkd replay list
    """
    Console().print(review.listing(knowledge_of(load(config or context.obj))))


@app.command("show")
def show(
    context: typer.Context,
    number: Number,
    config: Config = None,
    *,
    json_wanted: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of a table.")] = False,
) -> None:
    """Show what came of a replay.

    Example:  clerkd replay show 2 --markdown
    """
    page = review.page(knowledge_of(load(config or context.obj)), number)
    if markdown:
        print(review.markdown(page), end="")
    else:
        _show(page, json_wanted=json_wanted)


def _show(page: review.Page, *, json_wanted: bool) -> None:
    if json_wanted:
        print(json.dumps(review.record(page), ensure_ascii=False))
    else:
        Console().print(review.text(page))


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
    if not 0 < len(found) <= MOST_IDS:
        error = f"--ids {words!r}: give the numbers of 1 to {MOST_IDS} mails, as in 3,7-9; `clerkd log` shows them"
        raise FatalError(error)
    return tuple(dict.fromkeys(found))


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


@contextmanager
def _markdown(path: Path, *, is_ours: bool) -> Iterator[TextIO]:
    """Open the Markdown before the model is paid for what it tells; for its owner alone, since it tells of mail.

    A file that we have named is a new one. Where nothing comes of the replay, none is left.
    """
    flags = os.O_CREAT | os.O_WRONLY | (os.O_EXCL | os.O_NOFOLLOW if is_ours else 0)
    try:
        is_new = not path.exists()
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        message = f"{path}: the Markdown cannot be written: {error.strerror}; give another place with --output"
        raise FatalError(message) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            yield file
            file.truncate()
    except BaseException:
        if is_new:
            path.unlink()
        raise
