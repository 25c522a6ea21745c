"""``clerkd case``: how the cases stand, and a person's word on them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.options import Config, Json
from daemon.cli.orders import leave
from daemon.errors import FatalError
from daemon.judgement.casework import CaseState, PromiseState
from daemon.premises import knowledge_of
from daemon.review import cases as review
from daemon.settings import load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import CLOSE_CASE, MERGE_CASES, SPLIT_CASE
from knowledge import cases, folders

OPEN = tuple(state for state in CaseState if state is not CaseState.CLOSED)
Case = Annotated[
    int, typer.Argument(metavar="CASE", min=1, max=LARGEST_ID, help="A case's number, as `clerkd case list` shows it.")
]
Person = Annotated[int | None, typer.Option("--person", min=1, max=LARGEST_ID, help="Only cases of this person.")]

app = typer.Typer(
    help="Show the cases and what was promised in them; close one, make one of two, or take mails out of one.",
    epilog="Examples:  clerkd case list --state 'waiting for us'    clerkd case show 7    clerkd case merge 7 9",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_cases(
    config: Config = None,
    state: Annotated[str, typer.Option(help="Only this state; `all` shows closed ones, too.")] = "",
    person: Person = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    *,
    json_wanted: Json = False,
) -> None:
    """List the cases that are not closed, the last touched first: whose turn it is, mails, open promises.

    Example:  clerkd case list --person 3 --state all
    """
    found = cases.find(knowledge_of(load(config)), _states(state), person, PromiseState.OPEN, limit)
    if json_wanted:
        for item in found:
            print(json.dumps(review.record(item), ensure_ascii=False))
    else:
        Console().print(review.table(found) if found else "No case fits.")


@app.command("show")
def show(case: Case, config: Config = None, *, json_wanted: Json = False) -> None:
    """Show everything about one case: its mails, what was decided, what was promised, what it cost.

    Example:  clerkd case show 7
    """
    page = review.page(knowledge_of(load(config)), case)
    if page is None:
        message = f"there is no case {case}; `clerkd case list` shows them"
        raise FatalError(message)
    if json_wanted:
        print(json.dumps(review.full_record(page), ensure_ascii=False))
    else:
        Console().print(review.text(page))


@app.command("files")
def files(
    case: Case,
    config: Config = None,
    to: Annotated[Path | None, typer.Option(help="Write the files into this directory, which must be new.")] = None,
    *,
    versions: Annotated[bool, typer.Option("--versions", help="List every version, also those withdrawn.")] = False,
    json_wanted: Json = False,
) -> None:
    """Show what specialists have written into a case's folder, or write it out.

    Example:  clerkd case files 7 --to ./case-7
    """
    db = knowledge_of(load(config))
    if cases.get(db, case) is None:
        message = f"there is no case {case}; `clerkd case list` shows them"
        raise FatalError(message)
    found = folders.versions(db, case) if versions else folders.of_case(db, case)
    if to:
        review.write_out(folders.of_case(db, case), to)
    if json_wanted:
        for file in found:
            print(json.dumps(file.model_dump(mode="json"), ensure_ascii=False))
    else:
        Console().print(review.file_table(found) if found else "Its folder is empty.")


@app.command("close")
def close(case: Case, config: Config = None) -> None:
    """Close a case; its open promises are dropped. A mail that comes in later opens it again.

    Example:  clerkd case close 7
    """
    leave(CLOSE_CASE, str(case), config)


@app.command("merge")
def merge(
    case: Case,
    other: Annotated[int, typer.Argument(metavar="OTHER", min=1, max=LARGEST_ID, help="The case that becomes part.")],
    config: Config = None,
) -> None:
    """Make one case of two: CASE is kept, and has all mails and promises of OTHER from then on.

    Example:  clerkd case merge 7 9
    """
    leave(MERGE_CASES, f"{case} {other}", config)


@app.command("split")
def split(
    case: Case,
    messages: Annotated[
        list[int], typer.Argument(metavar="MESSAGE...", min=1, max=LARGEST_ID, help="The mails to take out of it.")
    ],
    config: Config = None,
) -> None:
    """Take mails out of a case into one of their own, with what was promised in them.

    Example:  clerkd case split 7 31 32
    """
    leave(SPLIT_CASE, " ".join(map(str, (case, *messages))), config)


def _states(wanted: str) -> tuple[CaseState, ...]:
    if not wanted:
        return OPEN
    if wanted == "all":
        return tuple(CaseState)
    if wanted not in tuple(CaseState):
        message = f"--state: {wanted!r} is no state of a case; known: {', '.join(CaseState)}, all"
        raise FatalError(message)
    return (CaseState(wanted),)
