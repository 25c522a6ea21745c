"""``clerkd check``: whether it would work."""

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from daemon.cli.options import Config
from daemon.errors import ClerkdError
from daemon.settings import Settings, load, locate
from knowledge.errors import said_by


def check(config: Config = None) -> None:
    """Try all that the service needs: config, mailbox, folders, SMTP, API key, session, MCP servers. One line each.

    Changes nothing, may run beside the service, and exits with 1 where anything fails.

    Example:  clerkd check --config ./clerkd.toml
    """
    console = Console(soft_wrap=True, highlight=False)
    settings = load(config)
    console.print(f"[green]ok[/]    config: {locate(config)}")
    raise typer.Exit(0 if try_all(settings, console) else 1)


def try_all(settings: Settings, console: Console) -> bool:
    """Try each thing, print its line, and say whether all went well."""
    from daemon.checks import checks

    well = True
    for name, test in checks(settings):
        try:
            console.print(f"[green]ok[/]    {name}: {escape(test())}")
        except (ClerkdError, SQLAlchemyError) as error:
            well = False
            words = said_by(error) if isinstance(error, SQLAlchemyError) else str(error)
            console.print(f"[bold red]FAIL[/]  {name}: {escape(words)}")
    return well
