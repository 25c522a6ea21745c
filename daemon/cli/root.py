"""Gathers the commands, one file each, in the order in which a person meets them."""

from typing import Annotated

import typer

from daemon.cli import (
    case,
    check,
    demo,
    document,
    fact,
    init,
    issue,
    log,
    login,
    orders,
    pause,
    person,
    read,
    replay,
    review,
    run,
    session,
    specialist,
    status,
    web,
)
from daemon.version import own_version

app = typer.Typer(
    name="clerkd",
    help=(
        "A digital employee: works a mailbox in one persistent Claude session, writes down every decision, "
        "and asks a person before anything it may not do alone."
    ),
    epilog="Begin with: clerkd demo (no key, no account). Then: clerkd init, clerkd check, clerkd run.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, wanted: bool) -> None:
    if wanted:
        print(f"clerkd {own_version()}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version_wanted: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=lambda value: _version(wanted=value), is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options that come before the command."""


app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("login")(login.login)
app.command("check")(check.check)
app.command("run")(run.run)
app.command("status")(status.status)
app.add_typer(review.app, name="review")
app.add_typer(log.app, name="log")
app.add_typer(case.app, name="case")
app.add_typer(person.app, name="person")
app.add_typer(fact.app, name="fact")
app.add_typer(fact.lessons, name="lesson")
app.add_typer(document.app, name="document")
app.add_typer(issue.app, name="issue")
app.add_typer(specialist.app, name="specialist")
app.add_typer(session.app, name="session")
app.add_typer(replay.app, name="replay")
app.add_typer(web.app, name="web")
app.command("read")(read.read)
app.command("pause")(pause.pause)
app.command("resume")(pause.resume)
app.command("requeue")(orders.requeue)
app.command("done")(orders.done)
