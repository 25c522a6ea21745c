"""``clerkd read``: how clerkd reads a mail, without a model or a mailbox."""

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Json
from daemon.judgement.redaction import Redactor
from daemon.settings import load


def read(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Mails: .eml files, folders, Maildirs, mboxes.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Read as the service with this config does, among its cases."),
    ] = None,
    *,
    json_wanted: Json = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Replace names, addresses and words, for a report to other people.")
    ] = False,
) -> None:
    """Show how clerkd reads mails: the sender, what the model would see, what was hidden, the case, the verdict.

    Needs no mailbox, no model and no config, changes nothing and sends nothing. With --config, the mails are read
    with its limits and looked for in the service's cases; without, they are threaded among themselves.

    Example:  clerkd read strange.eml --redact --json > report.json
    """
    from daemon.reading import readings
    from daemon.review import reading as review

    settings = load(config) if config else None
    words = Redactor(secrets.token_hex(8)).words if redact else review.plain
    console = Console()
    for reading in readings(paths, settings):
        data = review.record(reading, words)
        if json_wanted:
            print(json.dumps(data, ensure_ascii=False))
        else:
            console.print(review.page(data))
