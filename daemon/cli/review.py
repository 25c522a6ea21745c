"""``clerkd review``: a person's word on what waits for one, item by item or for scripts."""

import json
import sys
from pathlib import Path
from typing import Annotated

import click
import typer
from rich.console import Console

from daemon import waiting
from daemon.cli.options import Config, Json
from daemon.cli.orders import placed
from daemon.cli.reviewer import at_the_keys
from daemon.errors import FatalError
from daemon.judgement import lessons
from daemon.judgement.policy import ANSWERS
from daemon.premises import knowledge_of
from daemon.review import cases as case_review
from daemon.review import waiting as review
from daemon.review.waiting import Proposal
from daemon.reviewer import NOBODY, Reviewer, choices, lesson
from daemon.settings import Settings, load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import ADD_FACT, APPROVE, CORRECT, EDIT, REJECT
from knowledge import decisions
from knowledge.approvals import Item
from knowledge.database import Database

Action = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="Its number, as `clerkd review list` shows it.")
]
Why = Annotated[str, typer.Option("--why", help="Why, in a word; it is kept with the decision.")]
KEYS = "[a]pprove  [e]dit  [r]eject  [c]orrect  [s]kip  [o]pen the case  [q]uit"
TO_TEACH = "Teach it?  [y]es  [e]dit  [n]o"
NOTHING = "Nothing waits for you."

app = typer.Typer(
    help="Go through what waits for a person: approve, edit or reject it.",
    epilog=(
        "Examples:  clerkd review    clerkd review list --category complaint    clerkd review approve 12    "
        "clerkd review reject 12 --why 'we never say that'"
    ),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def walk(context: typer.Context, config: Config = None) -> None:
    """Go through what waits, one after the other: the mail, the proposal, and why it waits."""
    if context.invoked_subcommand is not None:
        return
    if not sys.stdin.isatty():
        message = "there is nobody at the keys; for scripts: clerkd review list, approve, edit, reject"
        raise FatalError(message)
    settings = load(config)
    db, console, reviewer = knowledge_of(settings), Console(), at_the_keys()
    items = waiting.waiting(db)
    with waiting.shown(settings, db) as show:
        for place, item in enumerate(items, start=1):
            console.rule(f"{place} of {len(items)}")
            proposal = show(item)
            console.print(review.page(proposal))
            if not _answered(settings, db, console, reviewer, proposal):
                return
    console.print("That was all." if items else NOTHING)


def _answered(settings: Settings, db: Database, console: Console, reviewer: Reviewer, proposal: Proposal) -> bool:
    """Ask until something is said of one; say whether to go on."""
    while True:
        console.print(KEYS, markup=False)
        match click.getchar().lower():
            case "a":
                _order(console, settings, APPROVE, _said(reviewer, proposal.item))
                done = True
            case "e":
                done = _edited(console, settings, reviewer, proposal)
            case "r":
                done = _rejected(console, settings, reviewer, proposal)
            case "c":
                done = _corrected(console, settings, reviewer, proposal)
            case "o":
                found = case_review.page(db, proposal.item.message.case_id or 0)
                console.print(case_review.text(found) if found else "It is in no case.")
                done = False
            case "s":
                return True
            case "q" | "\x03" | "\x04":
                return False
            case _:
                done = False
        if done:
            return True


def _edited(console: Console, settings: Settings, reviewer: Reviewer, proposal: Proposal) -> bool:
    """Have the text edited; what is saved is approved, and what is left as it was is not."""
    if proposal.item.action.kind not in ANSWERS:
        console.print(f"A {proposal.item.action.kind} has no text to edit.")
        return False
    text = click.edit(proposal.body, extension=".txt")
    if text is None or text.strip() == proposal.body.strip():
        console.print("Nothing was changed.")
        return False
    said = _said(reviewer, proposal.item, body=text, signature=settings.employee.signature)
    if _order(console, settings, EDIT, said):
        _teach(console, settings, proposal.category, lessons.of_edit(proposal.category, proposal.body, text))
    return True


def _rejected(console: Console, settings: Settings, reviewer: Reviewer, proposal: Proposal) -> bool:
    why = click.prompt("Why", default="", show_default=False)
    if _order(console, settings, REJECT, _said(reviewer, proposal.item, why)):
        _teach(console, settings, proposal.category, lessons.of_rejection(proposal.category, why))
    return True


def _corrected(console: Console, settings: Settings, reviewer: Reviewer, proposal: Proposal) -> bool:
    """Ask what should have been otherwise; the proposal still waits for a word."""
    field = click.prompt("What", type=click.Choice(list(choices(settings))))
    should = click.prompt("Should be", type=click.Choice(choices(settings)[field]))
    why = click.prompt("Why", default="", show_default=False)
    message = proposal.item.message.id or 0
    if _order(console, settings, CORRECT, reviewer.corrected(message, field, should, why)):
        was = getattr(proposal.item.decision, field, NOBODY)
        _teach(console, settings, proposal.category, lessons.of_correction(field, was, should, why))
    return False


def _teach(console: Console, settings: Settings, category: str, draft: str) -> None:
    """Propose a lesson; what a person accepts, or writes in its place, is told wherever it fits."""
    if not draft:
        return
    console.print(f"A lesson: {draft}", markup=False)
    console.print(TO_TEACH, markup=False)
    match click.getchar().lower():
        case "y":
            _order(console, settings, ADD_FACT, lesson(draft, category))
        case "e":
            text = click.edit(draft, extension=".txt")
            if text and text.strip():
                _order(console, settings, ADD_FACT, lesson(text, category))
        case _:
            pass


def _said(reviewer: Reviewer, item: Item, why: str = "", body: str = "", signature: str = "") -> str:
    return reviewer.said(item.action.id or 0, item.action.digest, why, body, signature)


def _order(console: Console, settings: Settings, kind: str, argument: str) -> bool:
    """Give the order, and say whether it was carried out; where it is refused, say why."""
    try:
        console.print(placed(kind, argument, settings))
    except FatalError as refusal:
        console.print(str(refusal), style="red")
        return False
    return True


Category = Annotated[str, typer.Option(help="Only what is filed under this category.")]
Kind = Annotated[str, typer.Option(help="Only this kind of action: reply, forward, draft, move, flag, close.")]


def _chosen(db: Database, category: str, kind: str) -> list[Item]:
    return [
        item
        for item in waiting.waiting(db)
        if (not category or (item.decision and item.decision.category == category))
        and (not kind or item.action.kind == kind)
    ]


@app.command("list")
def list_waiting(config: Config = None, category: Category = "", kind: Kind = "", *, json_wanted: Json = False) -> None:
    """List what waits for a person, the oldest first.

    Example:  clerkd review list --category complaint
    """
    settings = load(config)
    items = _chosen(knowledge_of(settings), category, kind)
    if json_wanted:
        for item in items:
            print(json.dumps(review.record(item, settings.employee.signature), ensure_ascii=False))
    else:
        Console().print(review.table(items) if items else NOTHING)


@app.command("show")
def show(action: Action, config: Config = None) -> None:
    """Show one: the mail, the proposal, and why it waits.

    Example:  clerkd review show 12
    """
    settings = load(config)
    db = knowledge_of(settings)
    with waiting.shown(settings, db) as shown:
        Console().print(review.page(shown(waiting.one(db, action))))


@app.command("approve")
def approve(
    action: Annotated[int | None, typer.Argument(metavar="[ID]", min=1, max=LARGEST_ID)] = None,
    config: Config = None,
    category: Category = "",
    kind: Kind = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that fits the filters; asks once.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Approve one action, or with --all whatever fits the filters: what was listed, byte for byte, and nothing newer.

    Example:  clerkd review approve 12    clerkd review approve --all --category question
    """
    settings = load(config)
    db = knowledge_of(settings)
    if (action is None) != everything:
        message = "say which: a number, or --all"
        raise FatalError(message)
    items = [waiting.one(db, action)] if action is not None else _chosen(db, category, kind)
    if everything:
        _ask(items, yes=yes)
    reviewer = at_the_keys()
    refused = [line for item in items if (line := _approved(settings, reviewer, item))]
    if refused:
        raise FatalError("\n".join(refused))


def _ask(items: list[Item], *, yes: bool) -> None:
    if not items:
        print(NOTHING)
        return
    Console().print(review.table(items))
    if not yes and not click.confirm(f"Approve these {len(items)}?"):
        message = "nothing was approved"
        raise FatalError(message)


def _approved(settings: Settings, reviewer: Reviewer, item: Item) -> str:
    try:
        print(placed(APPROVE, _said(reviewer, item), settings))
    except FatalError as refusal:
        return str(refusal)
    return ""


Lesson = Annotated[str, typer.Option("--lesson", help="What it teaches; told wherever it fits from then on.")]


@app.command("reject")
def reject(action: Action, config: Config = None, why: Why = "", teach: Lesson = "") -> None:
    """Reject an action: it is never done.

    Example:  clerkd review reject 12 --why 'we never promise that'
    """
    settings = load(config)
    item = waiting.one(knowledge_of(settings), action)
    print(placed(REJECT, _said(at_the_keys(), item, why), settings))
    category = item.decision.category if item.decision else ""
    _propose(settings, teach, category, lessons.of_rejection(category, why))


def _propose(settings: Settings, teach: str, category: str, draft: str) -> None:
    """Teach what was given, or say how to teach what might be."""
    if teach:
        print(placed(ADD_FACT, lesson(teach, category), settings))
    elif draft:
        print(f"this may teach: {draft}\n(clerkd lesson add '...' or --lesson '...')")


@app.command("correct")
def correct(
    message: Annotated[int, typer.Argument(metavar="MESSAGE", min=1, max=LARGEST_ID, help="The mail's number.")],
    config: Config = None,
    category: Annotated[str, typer.Option(help="Under which category it should have been filed.")] = "",
    priority: Annotated[str, typer.Option(help="Which priority it should have had.")] = "",
    specialist: Annotated[str, typer.Option(help="To whom it should have been handed, or `nobody`.")] = "",
    why: Why = "",
    teach: Lesson = "",
) -> None:
    """Say how a decision should have been: it stands as it was, and what you say of it is kept.

    Example:  clerkd review correct 31 --category complaint --why 'whoever wants money back complains'
    """
    settings = load(config)
    db, known = knowledge_of(settings), choices(settings)
    given = {"category": category, "priority": priority, "specialist": specialist}
    wanted = {field: should for field, should in given.items() if should}
    if len(wanted) != 1:
        problem = "say what should have been otherwise: one of --category, --priority, --specialist"
        raise FatalError(problem)
    ((field, should),) = wanted.items()
    if should not in known.get(field, []):
        problem = f"--{field}: {should!r} is not known; known: {', '.join(known.get(field, [])) or 'none'}"
        raise FatalError(problem)
    entry = decisions.of_message(db, message)
    print(placed(CORRECT, at_the_keys().corrected(message, field, should, why), settings))
    decision = entry.decision if entry else None
    was, filed = getattr(decision, field, NOBODY), getattr(decision, "category", "")
    _propose(settings, teach, filed, lessons.of_correction(field, was, should, why))


@app.command("edit")
def edit(
    action: Action,
    config: Config = None,
    text: Annotated[Path | None, typer.Option(help="A file with the new text; without it, $EDITOR opens.")] = None,
    why: Why = "",
    teach: Lesson = "",
) -> None:
    """Edit the text of an answer: what you save is a version of its own, and approved.

    Example:  clerkd review edit 12 --text better.txt
    """
    settings = load(config)
    item = waiting.one(knowledge_of(settings), action)
    if item.action.kind not in ANSWERS:
        message = f"action {action} is a {item.action.kind}: only the text of an answer can be edited"
        raise FatalError(message)
    proposal = Proposal(item, None, settings.employee.signature)
    body = _text(text) if text else click.edit(proposal.body, extension=".txt")
    if body is None or body.strip() == proposal.body.strip():
        message = "nothing was changed, so nothing is approved"
        raise FatalError(message)
    print(placed(EDIT, _said(at_the_keys(), item, why, body, settings.employee.signature), settings))
    _propose(settings, teach, proposal.category, lessons.of_edit(proposal.category, proposal.body, body))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{path}: cannot be read: {why}"
        raise FatalError(message) from None
