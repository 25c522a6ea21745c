"""``clerkd status``: is it at work, what is paused, what waits for a person."""

import json

import typer
from rich.console import Console
from rich.markup import escape

from daemon.cli.options import Config, Json
from daemon.clock import utc_now
from daemon.judgement.states import UNFINISHED
from daemon.premises import is_at_work, knowledge_of
from daemon.review import status as review
from daemon.review.documents import short
from daemon.review.log import clean, when
from daemon.settings import load
from knowledge.tables import Connection


def status(config: Config = None, *, json_wanted: Json = False) -> None:
    """Show whether the service works, what is paused, and what waits for a person.

    Exits with 1 where the service does not run, a part is paused, a document of the company cannot be read, or any
    mail is held, failed, escalated or waits for an approval; `clerkd requeue ID` puts one to the model again, `clerkd
    done ID` says that a person has dealt with it, `clerkd review` goes through what waits.

    Example:  clerkd status --json | jq .attention
    """
    settings = load(config)
    db = knowledge_of(settings)
    found = review.read(db, running=is_at_work(settings, db), now=utc_now())
    if json_wanted:
        print(json.dumps(review.record(found), ensure_ascii=False))
    else:
        _show(found, Console())
    raise typer.Exit(0 if found.is_well else 1)


def _show(found: review.Status, console: Console) -> None:
    console.print(_headline(found))
    for row in found.paused:
        since, retry = when(row.since), when(row.retry_at)
        console.print(f"[bold yellow]paused[/] {row.part} since {since}: {escape(row.reason)}; next try {retry}")
    for line in found.connections:
        console.print(f"{_mark(line)} {escape(clean(review.folder_line(line)))}")
    waiting, attention = sum(found.counts.get(state, 0) for state in UNFINISHED), len(found.attention)
    console.print(f"messages: {found.counts.get('done', 0)} done, {waiting} waiting, {attention} for a person")
    for unread in found.documents:
        console.print(f"[bold yellow]document[/] {escape(clean(short(unread)))}")
    if found.actions_waiting:
        console.print(f"actions: {found.actions_waiting} not carried out yet")
    if found.handoffs_open:
        console.print(f"handoffs: {found.handoffs_open} whose report is still to come")
    if found.session:
        since = when(found.session.created_at)
        console.print(f"session: {found.session.id}, {found.settled_turns} turns, since {since}")
    console.print(f"cost: ${found.dollars_today:.4f} today, ${found.dollars_this_month:.4f} this month (UTC)")
    for message in found.attention:
        subject = escape(clean(message.subject or "(none)"))
        reason = escape(f": {message.reason}" if message.reason else "")
        console.print(f"  [bold]{message.state}[/] {message.id}  {subject}{reason}")


def _mark(line: Connection) -> str:
    return "[green]connected[/]" if line.connected_at else "[bold yellow]not connected[/]"


def _headline(found: review.Status) -> str:
    service = found.service
    if not found.running or service is None:
        return "[bold red]not running[/]"
    since, beat = when(service.started_at), when(service.beat_at)
    return f"[green]at work[/] since {since} (process {service.pid}), last beat {beat}"
