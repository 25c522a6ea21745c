"""``clerkd session``: the chain of sessions, and a person's word to compact, rotate or set it back."""

import json
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.cli.orders import Message, order
from daemon.errors import FatalError
from daemon.premises import knowledge_of
from daemon.review import sessions as review
from daemon.service import telemetry
from daemon.settings import Settings, load
from daemon.steps.orders import COMPACT, REQUEUED, ROLL_BACK, ROTATE, TAKE, WITHOUT_NOTES
from knowledge.database import Database

app = typer.Typer(
    help="Show the sessions and what they cost; have the live one compacted, rotated or set back.",
    epilog="Examples:  clerkd session list    clerkd session show 1eb4d1fd    clerkd session rotate",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_sessions(config: Config = None, *, json_wanted: Json = False) -> None:
    """List all sessions, the newest first: from when to when, why they ended, mails, tokens, dollars.

    Example:  clerkd session list --json | jq .dollars
    """
    lines = review.lines(knowledge_of(load(config)))
    if json_wanted:
        for line in lines:
            print(json.dumps(review.record(line), ensure_ascii=False))
    else:
        Console().print(review.table(lines) if lines else "No session has begun yet.")


@app.command("show")
def show(
    session: Annotated[str, typer.Argument(metavar="ID", help="A session's id, or how it begins.")],
    config: Config = None,
    *,
    json_wanted: Json = False,
) -> None:
    """Show everything about one session: its compactions and rotations, and its notes for its successor.

    Example:  clerkd session show 1eb4d1fd
    """
    db = knowledge_of(load(config))
    found = [line for line in review.lines(db) if line.row.id.startswith(session)]
    if len(found) != 1:
        problem = "no session's id begins" if not found else f"{len(found)} sessions' ids begin"
        message = f"{problem} with {session!r}; `clerkd session list` shows them"
        raise FatalError(message)
    page = review.page(db, found[0])
    if json_wanted:
        print(json.dumps(review.full_record(page), ensure_ascii=False))
    else:
        Console().print(review.text(page))


@app.command("compact")
def compact(config: Config = None) -> None:
    """Have the live session summed up in place, now, and show how many tokens that freed.

    While the service runs, it does so between two mails and the command waits for the outcome.

    Example:  clerkd session compact
    """
    _order(COMPACT, "", config)


@app.command("rotate")
def rotate(
    config: Config = None,
    *,
    without_notes: Annotated[
        bool,
        typer.Option("--without-notes", help="Do not ask the old session for notes: where it cannot be opened."),
    ] = False,
) -> None:
    """End the live session; its successor begins with the next mail, from the knowledge database's handover.

    While the service runs, it does so between two mails and the command waits for the outcome.

    Example:  clerkd session rotate
    """
    _order(ROTATE, WITHOUT_NOTES if without_notes else "", config)


@app.command("rollback")
def rollback(
    message: Message,
    config: Config = None,
    *,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="Put the mails behind it to the model again at once.")
    ] = False,
) -> None:
    """Set the session back to just before the decision on a mail: it and all later decisions are withdrawn.

    The turns leave the conversation, what has not left is cancelled, what has is listed for you. The mails are held;
    with --requeue, those behind this one are worked again. The cure where a mail has taken over the conversation.

    Example:  clerkd session rollback 12 --requeue
    """
    _order(ROLL_BACK, f"{message} {REQUEUED}" if requeue else str(message), config)


@app.command("take")
def take(config: Config = None) -> None:
    """Go on with a session that another clerkd has taken over in the session store: stop that one first.

    What the other copied there since and is not settled here leaves the store with the next copy.

    Example:  clerkd session take
    """
    _order(TAKE, "", config)


def _order(kind: str, argument: str, config: Config) -> None:
    settings = load(config)
    telemetry.configure("error")
    order(kind, argument, settings, lambda db: _tend(settings, db))


def _tend(settings: Settings, db: Database) -> None:
    from daemon import runs

    runs.tend_session(settings, db)
