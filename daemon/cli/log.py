"""``clerkd log``: the decision log."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.errors import FatalError
from daemon.judgement.states import WENT_OUT, MessageState
from daemon.premises import knowledge_of
from daemon.review import log as review
from daemon.review.export import FORMATS
from daemon.settings import load
from knowledge import approvals, audit, chain, corrections, decisions, feedback, handoffs, turns
from knowledge.database import Database
from knowledge.decisions import Entry, Filter, has_words
from knowledge.handoffs import Work

FOLLOW_SECONDS = 1.0
Message = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="The mail's number, as `clerkd log` shows it.")
]
HASH = re.compile(r"[0-9a-f]{64}")
PERIOD = re.compile(r"^(\d+)([mhdw])$")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

app = typer.Typer(
    help="Show the decision log, newest first; `clerkd log show ID` shows everything about one mail.",
    epilog="Examples:  clerkd log --since 2d --category complaint    clerkd log --state held    clerkd log --follow",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def log(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    config: Config = None,
    since: Annotated[str, typer.Option(help="Only since then: 2026-11-21, 2026-11-21T14:00, 90m, 12h, 3d, 2w.")] = "",
    category: Annotated[str, typer.Option(help="Only this category.")] = "",
    person: Annotated[
        str, typer.Option(help="Only senders with words in name or address that begin so: ada, quill.example.")
    ] = "",
    state: Annotated[str, typer.Option(help="Only this state: done, escalated, held, failed, decided, …")] = "",
    search: Annotated[
        str, typer.Option(help="Only where for each of these a word of subject, category, summary or reason begins so.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    *,
    json_wanted: Json = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on and print new decisions as they come.")] = False,
) -> None:
    """Show the decision log, newest first."""
    context.obj = config
    if context.invoked_subcommand:
        return
    words = _with_words("--person", person), _with_words("--search", search)
    wanted = Filter(parse_since(since), category, words[0], _known_state(state), words[1], limit)
    db = knowledge_of(load(config))
    newest = decisions.newest_change(db)
    _print(decisions.log(db, wanted), json_wanted=json_wanted, header=True)
    if follow:
        _follow(db, wanted, newest, json_wanted=json_wanted)


@app.command("show")
def show(
    context: typer.Context,
    message: Message,
    config: Config = None,
    *,
    json_wanted: Json = False,
) -> None:
    """Show everything about one mail: as the model saw it, the decision, handoffs, actions, turns, dollars, seconds.

    Example:  clerkd log show 12
    """
    db = knowledge_of(load(config or context.obj))
    entry = decisions.of_message(db, message)
    if entry is None:
        error = f"there is no message {message}; `clerkd log` shows the numbers"
        raise FatalError(error)
    calls = handoffs.calls_of_message(db, message)
    theirs, notes = decisions.turns_of(db, message), feedback.of_message(db, message)
    handed = [Work(row, calls.get(row.id or 0, ())) for row in handoffs.of_message(db, message)]
    dollars = turns.spent_on_case(db, entry.message.case_id or 0)
    said = approvals.of_message(db, message), corrections.of_message(db, message)
    around = review.Around(theirs, handed, notes, *said, dollars)
    if json_wanted:
        print(json.dumps(review.full_record(entry, around), ensure_ascii=False))
    else:
        Console().print(review.page(entry, around))


@app.command("verify")
def verify(
    context: typer.Context,
    config: Config = None,
    head: Annotated[
        str, typer.Option(help="A hash that the chain must hold: an older head, from the journal's `chain_head`.")
    ] = "",
) -> None:
    """Check the chain over the decision log: which rows were edited, deleted or put elsewhere, if any (exit 1).

    Example:  clerkd log verify --head 5f0c…
    """
    if head and not HASH.fullmatch(head):
        error = f"--head {head!r} is no hash: give the 64 hex digits of an event `chain_head`"
        raise FatalError(error)
    db = knowledge_of(load(config or context.obj))
    findings = [finding.words for finding in audit.verify(db, WENT_OUT, head)]
    for words in findings:
        print(words)
    if findings:
        print(f"the chain does not hold: {len(findings)} finding(s)")
        raise typer.Exit(1)
    end = chain.head(db)
    print(f"the chain holds: {end.number} link(s), head {end.hash}" if end else "the chain has no link yet")
    if blank := audit.erased(db):
        print(f"of {blank} link(s) the content was erased: nothing can be told of it any more")


@app.command("export")
def export(
    context: typer.Context,
    config: Config = None,
    wanted: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "jsonl",
    since: Annotated[str, typer.Option(help="Only since then: 2026-11-21, 90m, 12h, 3d, 2w.")] = "",
) -> None:
    """Print the decision log for another program or for the files, the newest first.

    Example:  clerkd log export --format csv --since 30d > log.csv
    """
    if wanted not in FORMATS:
        error = f"--format {wanted!r} is not known: give one of {', '.join(FORMATS)}"
        raise FatalError(error)
    entries = decisions.stream(knowledge_of(load(config or context.obj)), Filter(parse_since(since)))
    for line in FORMATS[wanted](entries):
        print(line)


def parse_since(words: str) -> datetime | None:
    """Read a point in time or a period; a time without a zone is the reader's own."""
    if not words:
        return None
    period = PERIOD.match(words)
    if period:
        return datetime.now(UTC) - timedelta(**{UNITS[period[2]]: int(period[1])})
    try:
        return datetime.fromisoformat(words).astimezone(UTC)
    except ValueError:
        error = f"--since {words!r} is no time: give 2026-11-21, 2026-11-21T14:00, or a period such as 90m, 12h, 3d, 2w"
        raise FatalError(error) from None


def _known_state(state: str) -> str:
    if state and state not in set(MessageState):
        error = f"--state {state!r} is no state: give one of {', '.join(MessageState)}"
        raise FatalError(error)
    return state


def _with_words(option: str, given: str) -> str:
    if given.strip() and not has_words(given):
        error = f"{option} {given!r} holds no word: signs alone are not looked for, give letters or digits"
        raise FatalError(error)
    return given.strip()


def _print(entries: list[Entry], *, json_wanted: bool, header: bool) -> None:
    if json_wanted:
        for entry in entries:
            print(json.dumps(review.record(entry), ensure_ascii=False), flush=True)
    elif entries or header:
        console = Console()
        console.print(review.table(entries, console.width) if entries else "No decisions yet.")


def _follow(db: Database, wanted: Filter, newest: int, *, json_wanted: bool) -> None:
    """Print what is concluded from now on; a message that changes its state is printed again."""
    try:
        while True:
            time.sleep(FOLLOW_SECONDS)
            fresh, newest = decisions.changes(db, wanted, newest)
            _print(fresh, json_wanted=json_wanted, header=False)
    except KeyboardInterrupt:
        return
