"""``clerkd web``: the pages for reviewers, and who may sign in to them."""

import json
import sys
from typing import Annotated

import click
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.cli.options import Config, Json
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.judgement.sign_in import Role
from daemon.premises import knowledge_of
from daemon.review.log import clean, when
from daemon.service import telemetry
from daemon.settings import load
from daemon.web.passwords import SHORTEST, hashed
from knowledge import users
from knowledge.tables import User

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose sign-in it is.")]
WhichRole = Annotated[Role, typer.Option("--role", help="viewer: look; reviewer: say a word; admin: see who looked.")]
LONGEST_NAME = 100

app = typer.Typer(
    help="Serve the pages for reviewers; `clerkd web user` says who may sign in to them.",
    epilog="Examples:  clerkd web user add ada --role reviewer    clerkd web",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
user = typer.Typer(
    help="Say who may sign in to the pages, and what they may do there.",
    epilog="Examples:  clerkd web user add ada --role reviewer    clerkd web user drop bo",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(user, name="user")


@app.callback()
def web(context: typer.Context, config: Config = None) -> None:
    """Serve the pages at [web] of the config until stopped, beside the service or without it.

    Example:  clerkd web --config ./clerkd.toml
    """
    if context.invoked_subcommand is not None:
        return
    from daemon.web.serve import serve

    settings = load(config)
    telemetry.configure(settings.service.log_level)
    serve(settings)


@user.command("add")
def add(name: Name, config: Config = None, role: WhichRole = Role.VIEWER) -> None:
    """Add somebody; the password is asked for, or read as a line from standard input.

    Example:  clerkd web user add ada --role reviewer
    """
    if name != name.strip() or not name or len(name) > LONGEST_NAME or not name.isprintable():
        message = (
            f"NAME: {name!r} is no name: give one line of at most {LONGEST_NAME} characters, without blanks around it"
        )
        raise FatalError(message)
    db = knowledge_of(load(config))
    if users.get(db, name):
        message = f"{name} is a user already; `clerkd web user role` and `password` change one"
        raise FatalError(message)
    users.add(db, User(name=name, role=role, password=hashed(_password()), added_at=utc_now()))
    print(f"{name} may sign in as {role}")


@user.command("list")
def list_users(config: Config = None, *, json_wanted: Json = False) -> None:
    """List who may sign in.

    Example:  clerkd web user list
    """
    db = knowledge_of(load(config))
    everybody, seen = users.every(db), users.visited_at(db)
    if json_wanted:
        for each in everybody:
            print(json.dumps({"name": each.name, "role": each.role, "added_at": each.added_at.isoformat()}))
        return
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Name", "Role", "Added", "Signed in, last seen"):
        grid.add_column(title)
    for each in everybody:
        grid.add_row(Text(clean(each.name)), each.role, when(each.added_at), when(seen.get(each.name)))
    Console().print(grid if everybody else "Nobody may sign in.")


@user.command("role")
def change_role(name: Name, role: Annotated[Role, typer.Argument(metavar="ROLE")], config: Config = None) -> None:
    """Give somebody another role: viewer, reviewer or admin. They sign in anew.

    Example:  clerkd web user role ada admin
    """
    _known(users.change(knowledge_of(load(config)), name, role=role), name)
    print(f"{name} is {role} now")


@user.command("password")
def change_password(name: Name, config: Config = None) -> None:
    """Give somebody another password; it is asked for, or read as a line from standard input. They sign in anew.

    Example:  clerkd web user password ada
    """
    db = knowledge_of(load(config))
    _known(users.get(db, name) is not None, name)
    users.change(db, name, password=hashed(_password()))
    print(f"{name} has another password now")


@user.command("drop")
def drop(name: Name, config: Config = None) -> None:
    """Take somebody off: they are signed out at once. What they said and looked at stays written down.

    Example:  clerkd web user drop bo
    """
    _known(users.drop(knowledge_of(load(config)), name), name)
    print(f"{name} may not sign in any more")


def _known(there: object, name: str) -> None:
    if not there:
        message = f"there is no user {name}; `clerkd web user list` shows them"
        raise FatalError(message)


def _password() -> str:
    """Ask for it twice, or take a line; raise FatalError where it is too short."""
    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < SHORTEST:
        message = f"the password has {len(password)} characters; give {SHORTEST} at least"
        raise FatalError(message)
    return password
