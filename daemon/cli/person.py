"""``clerkd person``: who writes, and a person's word on who is who."""

import json
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.cli.orders import leave
from daemon.errors import FatalError
from daemon.judgement.casework import CaseState, PromiseState
from daemon.premises import knowledge_of
from daemon.review import people as review
from daemon.settings import load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import MERGE_PERSONS, SPLIT_PERSON
from knowledge import cases, facts, people

MOST_CASES = 50
Person = Annotated[
    int,
    typer.Argument(metavar="PERSON", min=1, max=LARGEST_ID, help="Their number, as `clerkd person list` shows it."),
]

app = typer.Typer(
    help="Show the people who write; say that two are one, or that an address is somebody else's.",
    epilog="Examples:  clerkd person list --search quill    clerkd person show 3    clerkd person merge 3 8",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_people(
    config: Config = None,
    search: Annotated[str, typer.Option(help="Only those whose name, address or organisation holds this.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    *,
    json_wanted: Json = False,
) -> None:
    """List the people who have written, the last seen first.

    Example:  clerkd person list --search quill
    """
    found = people.find(knowledge_of(load(config)), search, limit)
    if json_wanted:
        for known in found:
            print(json.dumps(review.record(known), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "Nobody fits.")


@app.command("show")
def show(person: Person, config: Config = None, *, json_wanted: Json = False) -> None:
    """Show everything about one person: names, addresses, organisation with its facts, language, cases, facts.

    Example:  clerkd person show 3
    """
    db = knowledge_of(load(config))
    known = people.get(db, person)
    if known is None:
        message = f"there is no person {person}; `clerkd person list` shows them"
        raise FatalError(message)
    theirs = cases.find(db, tuple(CaseState), person, PromiseState.OPEN, MOST_CASES)
    learnt = [*facts.of_person(db, person), *facts.of_organisation(db, known.person.organisation)]
    names = people.names_of(db, person)
    if json_wanted:
        print(json.dumps(review.full_record(known, names, theirs, learnt), ensure_ascii=False))
    else:
        Console().print(review.text(known, names, theirs, learnt))


@app.command("merge")
def merge(
    person: Person,
    other: Annotated[int, typer.Argument(metavar="OTHER", min=1, max=LARGEST_ID, help="Who is the same as PERSON.")],
    config: Config = None,
) -> None:
    """Say that two are one: PERSON is kept, and has the addresses and mails of OTHER from then on.

    From then on, mails of both are answered with what is known of either: be sure that they are one. `clerkd person
    split` takes an address away again.

    Example:  clerkd person merge 3 8
    """
    leave(MERGE_PERSONS, f"{person} {other}", config)


@app.command("split")
def split(
    person: Person,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address that is somebody else's.")],
    config: Config = None,
) -> None:
    """Say that an address is somebody else's: it becomes a person of its own, with the mails that came from it.

    Example:  clerkd person split 3 ada@home.example
    """
    leave(SPLIT_PERSON, f"{person} {address.lower()}", config)
