"""``clerkd fact`` and ``clerkd lesson``: what is remembered, and what people write down themselves."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.cli.orders import leave, order
from daemon.errors import FatalError
from daemon.judgement.facts import FactKind
from daemon.judgement.people import organisation_named
from daemon.premises import knowledge_of
from daemon.review import facts as review
from daemon.settings import load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import ADD_FACT, CORRECT_FACT, DROP_FACT
from knowledge import facts
from knowledge.whose import EVERYONE, Whose

KINDS = tuple(kind for kind in FactKind if kind is not FactKind.LESSON)


def _organisation(name: str | None) -> str | None:
    try:
        return name if name is None else organisation_named(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Number = Annotated[int, typer.Argument(metavar="FACT", min=1, max=LARGEST_ID, help="Its number, as `list` shows it.")]
Words = Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered, in one sentence.")]
About = Annotated[
    int | None, typer.Option("--person", min=1, max=LARGEST_ID, help="About this person. [default: everyone]")
]
AboutOrganisation = Annotated[
    str | None,
    typer.Option(
        "--organisation",
        metavar="DOMAIN",
        callback=_organisation,
        help="About this organisation, by its domain: recalled for everybody who is of it.",
    ),
]
Person = Annotated[int | None, typer.Option("--person", min=1, max=LARGEST_ID, help="Only what is about this person.")]
Organisation = Annotated[
    str | None,
    typer.Option(
        "--organisation", metavar="DOMAIN", callback=_organisation, help="Only what is about this organisation."
    ),
]
Closed = Annotated[bool, typer.Option("--closed", help="Also what was put right or dropped.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]

app = typer.Typer(
    help="Show what is remembered of people, and write down what holds for one, an organisation, or everyone.",
    epilog="Examples:  clerkd fact list --person 3    clerkd fact add 'We close at noon.' --until 2026-12-24",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lessons = typer.Typer(
    help="Show the lessons, and teach one: how mails are to be worked, of everyone, an organisation, or a person.",
    epilog="Examples:  clerkd lesson list    clerkd lesson add 'Quotes above 500 euros are escalated.'",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_facts(
    config: Config = None,
    person: Person = None,
    organisation: Organisation = None,
    limit: Limit = 50,
    *,
    closed: Closed = False,
    json_wanted: Json = False,
) -> None:
    """List the facts that stand, the newest first, with what they rest on.

    Example:  clerkd fact list --person 3 --closed
    """
    _list(KINDS, config, _whose(person, organisation), limit, closed=closed, json_wanted=json_wanted)


@app.command("add")
def add_fact(
    text: Words,
    config: Config = None,
    person: About = None,
    organisation: AboutOrganisation = None,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = FactKind.CIRCUMSTANCE,
    since: Day = None,
    until: Day = None,
) -> None:
    """Write a fact down, about one person, one organisation, or for everyone.

    Example:  clerkd fact add 'Their orders need a PO number.' --organisation quill.example
    """
    if kind not in KINDS:
        message = f"--kind: {kind!r} is no kind of fact; known: {', '.join(KINDS)}"
        raise FatalError(message)
    _add(text, kind, config, _whose(person, organisation), since, until)


@app.command("correct")
def correct_fact(fact: Number, text: Words, config: Config = None) -> None:
    """Put a fact right; the older one is kept, closed.

    Example:  clerkd fact correct 12 'They prefer to be called in the evening.'
    """
    leave(CORRECT_FACT, f"{fact} {text}", config)


@app.command("drop")
def drop_fact(fact: Number, config: Config = None) -> None:
    """Say that a fact is true no longer; it is kept, closed, and recalled no more.

    Example:  clerkd fact drop 12
    """
    leave(DROP_FACT, str(fact), config)


@lessons.command("list")
def list_lessons(
    config: Config = None,
    person: Person = None,
    organisation: Organisation = None,
    limit: Limit = 50,
    *,
    closed: Closed = False,
    json_wanted: Json = False,
) -> None:
    """List the lessons that stand, the newest first.

    Example:  clerkd lesson list
    """
    _list([FactKind.LESSON], config, _whose(person, organisation), limit, closed=closed, json_wanted=json_wanted)


@lessons.command("add")
def add_lesson(
    text: Words,
    config: Config = None,
    person: About = None,
    organisation: AboutOrganisation = None,
    category: Annotated[
        str, typer.Option(help="Of which mails it was learnt: the page of numbers says if it helped.")
    ] = "",
) -> None:
    """Teach a lesson: it is recalled where a mail's words come near it. No mail can ever teach one.

    One about a person or an organisation is told in all of their turns, as far as there is room.

    Example:  clerkd lesson add 'Quotes above 500 euros are escalated.'
    """
    settings = load(config)
    if category and category not in settings.employee.categories:
        message = f"--category: {category!r} is not known; known: {', '.join(settings.employee.categories)}"
        raise FatalError(message)
    about = _about(_whose(person, organisation))
    order(ADD_FACT, json.dumps({"text": text, "kind": FactKind.LESSON, "category": category, **about}), settings)


lessons.command("correct")(correct_fact)
lessons.command("drop")(drop_fact)


def _whose(person: int | None, organisation: str | None) -> Whose:
    if person is not None and organisation is not None:
        message = "give --person or --organisation, not both"
        raise FatalError(message)
    return Whose(person, organisation)


def _list(kinds: Sequence[str], config: Config, whose: Whose, limit: int, *, closed: bool, json_wanted: bool) -> None:
    wanted = None if whose == EVERYONE else whose
    found = facts.find(knowledge_of(load(config)), kinds, wanted, limit, closed=closed)
    if json_wanted:
        for fact in found:
            print(json.dumps(review.record(fact), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "Nothing is remembered.")


def _add(text: str, kind: str, config: Config, whose: Whose, since: datetime | None, until: datetime | None) -> None:
    if since and until and until < since:
        message = "--until must not be before --since"
        raise FatalError(message)
    days = {"valid_from": since, "valid_to": until}
    given = {name: day.date().isoformat() for name, day in days.items() if day}
    leave(ADD_FACT, json.dumps({"text": text, "kind": kind, **_about(whose), **given}), config)


def _about(whose: Whose) -> dict[str, int | str | None]:
    return {"person": whose.person_id, "organisation": whose.organisation}
