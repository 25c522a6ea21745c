"""``clerkd demo``: the main job on a sample mailbox, without a key or an account."""

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from daemon.errors import FatalError
from daemon.paths import StateDirectory
from daemon.rehearsal.mails import date_of, read
from daemon.review import log as review
from daemon.service import telemetry
from daemon.settings import Settings, load
from knowledge import decisions
from knowledge.database import Database
from knowledge.decisions import Entry, Filter

CONCLUDED = frozenset({"turn_settled", "message_filed", "message_held", "message_failed"})
STAND_IN = (
    "The model is a [bold]stand-in[/]: a few fixed rules on this machine that answer in place of the Messages API. "
    "Everything else is real: the Agent SDK with its own engine, IMAP, the knowledge database.\n"
    "For a real model's judgement:  [bold]ANTHROPIC_API_KEY=… clerkd demo --live[/]"
)
NEXT = (
    "  clerkd demo --mail PATH            your own .eml files, Maildir or mbox instead of the sample",
    "  clerkd init                        set it up for a real mailbox",
)
LIVE = "The model is [bold]real[/]: your ANTHROPIC_API_KEY is used, and each mail costs about a cent or two."


def demo(
    mail: Annotated[
        Path | None, typer.Option(help="Your own mails: an .eml file, a folder of them, a Maildir or an mbox.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep the state in this directory. [default: thrown away at the end]")
    ] = None,
    *,
    live: Annotated[bool, typer.Option("--live", help="Use the real API and $ANTHROPIC_API_KEY.")] = False,
    json_wanted: Annotated[
        bool, typer.Option("--json", help="Print nothing but one JSON object per mail at the end.")
    ] = False,
) -> None:
    """Show the main job on a sample mailbox: no key, no account, no server to install.

    An embedded mail server holds 28 sample mails (or yours); the employee works them in one session and logs its
    decisions. Nothing leaves this machine, unless you ask for --live.

    Examples:  clerkd demo    clerkd demo --mail ~/Mail/archive.mbox    clerkd demo --state ./rehearsal
    """
    mails = read(mail)
    if live and not os.environ.get("ANTHROPIC_API_KEY"):
        message = "--live needs your key in the environment variable ANTHROPIC_API_KEY"
        raise FatalError(message)
    with ExitStack() as stack:
        root = (state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clerkd-demo-")))).resolve()
        settings = _stage(stack, root, mails, live=live)
        console = Console(quiet=json_wanted, highlight=False)
        console.print(Panel(LIVE if live else STAND_IN, title=f"clerkd demo: {len(mails)} mails", title_align="left"))
        entries = _play(settings, len(mails), console)
        if json_wanted:
            for entry in entries:
                print(json.dumps(_short_record(entry), ensure_ascii=False))
        _epilogue(console, entries, root if state else None)


def _stage(stack: ExitStack, root: Path, mails: list[bytes], *, live: bool) -> Settings:
    from daemon.rehearsal.mailserver import MailServer
    from daemon.rehearsal.model import StandIn
    from daemon.rehearsal.rules import decide
    from daemon.rehearsal.stage import PASSWORD, set_stage

    # Each rehearsal is a mailbox of its own, so that the same mails are new mails where the state is kept.
    server = stack.enter_context(MailServer(f"rehearsal-{secrets.token_hex(4)}", PASSWORD))
    url = None if live else stack.enter_context(StandIn(decide)).url
    for raw in mails:
        server.deliver(raw, received=date_of(raw))
    return load(set_stage(root, server, url))


def _play(settings: Settings, count: int, console: Console) -> list[Entry]:
    """Work the mails, showing each as it is concluded, and give the log of this run, the oldest first."""
    from daemon import runs

    with runs.rehearsing(settings) as db:
        before = {entry.message.id for entry in decisions.log(db, Filter(limit=100_000))}
        with _progress(db, console, count):
            runs.rehearse(settings, db, len(before) + count)
        entries = decisions.log(db, Filter(limit=100_000))
    return sorted(
        (entry for entry in entries if entry.message.id not in before), key=lambda entry: entry.message.id or 0
    )


@contextmanager
def _progress(db: Database, console: Console, count: int) -> Iterator[None]:
    shown = 0

    def show(event: dict[str, Any]) -> None:
        nonlocal shown
        if event["event"] == "paused":
            console.print(f"[bold yellow]paused[/] {event['part']}: {escape(str(event['reason']))}")
        elif event["event"] in CONCLUDED:
            shown += 1
            entry = decisions.of_message(db, event["message"])
            if entry:
                console.print(f"[dim]{shown:3}/{count}[/]  {_line(entry)}", soft_wrap=True)

    telemetry.hand_to(show)
    yield


def _line(entry: Entry) -> str:
    message, decision = entry.message, entry.decision
    subject = escape(review.clean(message.subject)[:56] or "(no subject)")
    if decision is None:
        return f"{subject} [bold red]{message.state}[/] {escape(message.reason)}"
    kinds = ", ".join(action.kind for action in entry.actions) or "no action"
    seconds = f" [dim]{entry.turn.seconds:.2f} s[/]" if entry.turn and entry.turn.seconds else ""
    return f"{subject} [dim]→[/] [bold]{decision.category}[/], {kinds}{seconds}"


def _short_record(entry: Entry) -> dict[str, Any]:
    record = review.record(entry)
    wanted = ("message", "message_id", "subject", "from", "state", "category", "actions", "session", "turn")
    return {**{name: record[name] for name in wanted}, "actions": [action.kind for action in entry.actions]}


def _epilogue(console: Console, entries: list[Entry], kept: Path | None) -> None:
    console.print()
    console.print(review.table(entries, console.width))
    sessions = {entry.turn.session_id for entry in entries if entry.turn}
    drafts = sum(action.kind == "draft" for entry in entries for action in entry.actions)
    turns = sum(entry.turn is not None for entry in entries)
    counted = f"{len(entries)} mails, {turns} turns in {len(sessions)} session"
    console.print(f"\n{counted}, {drafts} drafts in the mailbox's Drafts, nothing sent.", soft_wrap=True)
    if kept:
        config = StateDirectory(kept).root / "clerkd.toml"
        look = f"clerkd log show ID --config {config}    everything about one of them"
    else:
        look = "clerkd demo --state ./rehearsal    the same, and keep the decision log to look around in"
    for line in ("\nNext:", f"  {look}", *NEXT):
        console.print(line, markup=False, soft_wrap=True)
