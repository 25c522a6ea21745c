"""``clerkd issue``: what several senders share, and a person's word on it."""

import json
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.cli.orders import leave
from daemon.errors import FatalError
from daemon.premises import knowledge_of
from daemon.review import issues as review
from daemon.settings import load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import CLOSE_ISSUE, CONFIRM_ISSUE, MERGE_ISSUES
from knowledge import issues

Issue = Annotated[
    int, typer.Argument(metavar="ISSUE", min=1, max=LARGEST_ID, help="Its number, as `clerkd issue list` shows it.")
]

app = typer.Typer(
    help="Show the issues that several senders share; confirm the name under which all turns may know one.",
    epilog="Examples:  clerkd issue list    clerkd issue confirm 3 'Card payments fail'    clerkd issue close 3",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_issues(
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    *,
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    json_wanted: Json = False,
) -> None:
    """List the open issues, the confirmed ones first.

    Example:  clerkd issue list --closed
    """
    found = issues.find(knowledge_of(load(config)), limit, closed=closed)
    if json_wanted:
        for item in found:
            print(json.dumps(review.record(item), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "No issue is shared.")


@app.command("show")
def show(issue: Issue, config: Config = None, *, json_wanted: Json = False) -> None:
    """Show everything about one issue: its name, and the mails that are about it.

    Example:  clerkd issue show 3
    """
    db = knowledge_of(load(config))
    found = issues.get(db, issue)
    if found is None:
        message = f"there is no issue {issue}; `clerkd issue list` shows them"
        raise FatalError(message)
    if json_wanted:
        print(json.dumps(review.full_record(found, issues.messages(db, found)), ensure_ascii=False))
    else:
        Console().print(review.text(found, issues.messages(db, found)))


@app.command("confirm")
def confirm(
    issue: Issue,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What all turns are told. [default: as proposed]")] = "",
    config: Config = None,
) -> None:
    """Confirm an issue's name: the employee proposed it from one sender's mail, and from now on all turns are told.

    Example:  clerkd issue confirm 3 'Card payments fail'
    """
    leave(CONFIRM_ISSUE, f"{issue} {name}".strip(), config)


@app.command("close")
def close(issue: Issue, config: Config = None) -> None:
    """Close an issue: no turn is told of it any more.

    Example:  clerkd issue close 3
    """
    leave(CLOSE_ISSUE, str(issue), config)


@app.command("merge")
def merge(
    issue: Issue,
    other: Annotated[int, typer.Argument(metavar="OTHER", min=1, max=LARGEST_ID, help="The issue that becomes part.")],
    config: Config = None,
) -> None:
    """Make one issue of two: ISSUE is kept, and has all cases of OTHER from then on.

    Example:  clerkd issue merge 3 5
    """
    leave(MERGE_ISSUES, f"{issue} {other}", config)
