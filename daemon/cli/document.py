"""``clerkd document``: what is known of the company's documents."""

import json

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.premises import knowledge_of
from daemon.review import documents as review
from daemon.settings import load
from daemon.shelf import listing
from knowledge import documents

app = typer.Typer(
    help="Show the company's documents that the employee knows: the files of `knowledge.documents` in the config.",
    epilog="Example:  clerkd document list",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def document() -> None:
    """Be a group, though there is one command: others may come."""


@app.command("list")
def list_documents(config: Config = None, *, json_wanted: Json = False) -> None:
    """List each document with the date of its file, when it was read, its passages, and the problem if there is one.

    A pattern that matches no file is listed, too. The files are looked for with your rights, not the service's.

    Example:  clerkd document list --json
    """
    settings = load(config)
    standing = documents.standing(knowledge_of(settings))
    there = listing(settings.knowledge.documents, settings.service.state, [row.path for row in standing])
    found = review.lines(standing, {key: file.name for key, file in there.files.items()}, there.remarks)
    if json_wanted:
        for line in found:
            print(json.dumps(review.record(line), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "No documents are configured, and none is known.")
