"""``clerkd specialist``: to whom cases are handed, and what that has cost."""

import json

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.premises import knowledge_of
from daemon.review import specialists as review
from daemon.settings import load, specialists_of

app = typer.Typer(
    help="Show the specialists to whom the employee hands cases.",
    epilog="Example:  clerkd specialist list    What one said of a mail: clerkd log show ID",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def specialist() -> None:
    """Show the specialists to whom the employee hands cases."""


@app.command("list")
def list_specialists(config: Config = None, *, json_wanted: Json = False) -> None:
    """List the specialists, with how often they were asked and what that has cost.

    Example:  clerkd specialist list --json
    """
    settings = load(config)
    found = review.lines(knowledge_of(settings), specialists_of(settings))
    if json_wanted:
        for line in found:
            print(json.dumps(review.record(line), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "There is no specialist; see employee.specialists.")
