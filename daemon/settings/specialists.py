"""The files of the specialists: front matter in TOML between two lines of ``+++``, and below it the prompt."""

import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from daemon.errors import FatalError
from daemon.fields import Dollars, Email, Section, Words
from daemon.judgement.handoffs import Context, Specialist
from daemon.judgement.money import LIST_PRICES, Prices
from daemon.settings.refusal import what, where
from daemon.settings.sections import Model, PriceList, Settings

FENCE = "+++"
SECONDS, DOLLARS = 120.0, 0.15
SESSION_SECONDS = 600.0  # of one that works beside the turns; its default dollars are a turn's: it reads the session
# All of it stands in each request of a specialist's model: some 25,000 tokens.
LONGEST_PROMPT = 100_000
# What the engine calls agents of its own; in its letters, for it makes no difference between them (measured).
TAKEN = frozenset({"claude", "explore", "fork", "general-purpose", "plan", "statusline-setup"})
TOOLS = ("look_at_case", "search_decisions", "recall", "list_open_matters")
NO_FRONT = f"must begin with a line {FENCE}, the keys in TOML, and another line {FENCE}; below them stands the prompt"
NO_SERVER = "no server [mcp.{}] is configured (configured: {})"
OF_PERSON = ("name", "when", "to", "days")
NOT_OF_PERSON = "{}: a specialist who is a person (to) takes none; leave it out"
NEEDS_TO = "days: only a specialist who is a person (to) is waited for; leave it out"
TO_OURSELVES = "to: {} is an address of the employee's own; its answers would be filed as our own mail"
UNPROVEN = (
    "to: an answer counts only where the border server vouches for its sender: give mailbox.authserv_id, with "
    "authserv_strips_forgeries = true"
)
NO_SERVERS = 'with context = "session" it knows what everybody wrote, so it must not ask servers outside: leave one out'
NO_MONEY = 'context = "session" needs dollars beside a turn: raise limits.dollars_per_day above dollars_per_turn'
NO_PRICES = "the list price of {!r} is not known (known: {}); give [prices]"


def _free(name: str) -> str:
    if name in TAKEN:
        message = f"{name!r} is a name of the engine's own; choose another"
        raise ValueError(message)
    return name


def _known(name: str) -> str:
    if name not in TOOLS:
        message = f"there is no tool {name!r} for specialists: give some of {', '.join(TOOLS)}"
        raise ValueError(message)
    return name


class Front(Section):
    """What stands above a specialist's prompt."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$"), AfterValidator(_free)]
    when: Annotated[Words, Field(max_length=200)]
    model: Words | None = None
    prices: PriceList | None = None
    tools: tuple[Annotated[str, AfterValidator(_known)], ...] = ("look_at_case", "search_decisions", "recall")
    mcp: tuple[Words, ...] = ()
    knowledge: tuple[Path, ...] = ()
    steps: Annotated[int, Field(ge=1, le=50)] = 8
    seconds: Annotated[float, Field(ge=1, le=3600)] | None = None
    dollars: Dollars | None = None
    workspace: bool = False
    context: Context = Context.MAIL
    to: Email | None = None
    days: Annotated[float, Field(gt=0, le=365)] = 3


def specialists_of(settings: Settings) -> tuple[Specialist, ...]:
    """Read the specialists of a config, by name; raise FatalError with what is wrong in the first bad file."""
    directory = settings.employee.specialists
    if directory is None:
        return ()
    found = [_specialist(path, settings) for path in sorted(directory.glob("*.md"))]
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        message = f"{directory}: two specialists are called {twice}; give each a name of its own"
        raise FatalError(message)
    return tuple(sorted(found, key=lambda each: each.name))


def _specialist(path: Path, settings: Settings) -> Specialist:
    front, prompt = _parted(path)
    if problem := _objection(front, settings):
        raise FatalError(f"{path}: {problem}")
    if front.to:
        return _person(front, prompt)
    employer = settings.model
    unknown = next((name for name in front.mcp if name not in settings.mcp), None)
    if unknown:
        raise FatalError(f"{path}: mcp: {NO_SERVER.format(unknown, ', '.join(settings.mcp) or 'none')}")
    if front.mcp and front.context is Context.SESSION:
        raise FatalError(f"{path}: mcp: {NO_SERVERS}")
    seconds, dollars = _limits(path, front, settings)
    known = "".join(_knowledge(path, each) for each in front.knowledge)
    if len(prompt) + len(known) > LONGEST_PROMPT:
        message = f"{path}: prompt and knowledge are {len(prompt) + len(known)} characters long; {LONGEST_PROMPT} fit"
        raise FatalError(message)
    return Specialist(
        name=front.name,
        when=front.when,
        prompt=f"{prompt}{known}",
        model=front.model or employer.name,
        prices=_prices(path, front, employer),
        tools=front.tools,
        steps=front.steps,
        seconds=seconds,
        dollars=dollars,
        workspace=front.workspace,
        servers=tuple(dict.fromkeys(front.mcp)),
        context=front.context,
    )


def _objection(front: Front, settings: Settings) -> str | None:
    """Say which keys of a file cannot stand together, or None."""
    if front.to is None:
        return NEEDS_TO if "days" in front.model_fields_set else None
    odd = next((name for name in Front.model_fields if name in front.model_fields_set - {*OF_PERSON}), None)
    if odd:
        return NOT_OF_PERSON.format(odd)
    if front.to.lower() in settings.employee.own_addresses:
        return TO_OURSELVES.format(front.to)
    return None if any(mailbox.authserv_id for mailbox in settings.mailboxes) else UNPROVEN


def _person(front: Front, opening: str) -> Specialist:
    """Make a specialist who is a person: no model answers, and nothing is paid."""
    free = Prices(0, 0, 0, 0)
    return Specialist(front.name, front.when, opening, "", free, (), 0, 0, 0, to=front.to or "", days=front.days)


def _limits(path: Path, front: Front, settings: Settings) -> tuple[float, float]:
    """Give the seconds and US dollars of a handoff: a turn bounds one that is part of it, a day any other."""
    caps = settings.limits
    if front.context is Context.SESSION:
        beside = caps.dollars_per_day - caps.dollars_per_turn
        if beside <= 0:
            raise FatalError(f"{path}: {NO_MONEY}")
        bound = ("limits.dollars_per_day less a turn's", beside)
        dollars = _within(path, "dollars", front.dollars, caps.dollars_per_turn, bound)
        return front.seconds or SESSION_SECONDS, dollars
    turn_seconds = ("model.turn_seconds", settings.model.turn_seconds)
    seconds = _within(path, "seconds", front.seconds, SECONDS, turn_seconds)
    turn_dollars = ("limits.dollars_per_turn", caps.dollars_per_turn)
    return seconds, _within(path, "dollars", front.dollars, DOLLARS, turn_dollars)


def _within(path: Path, key: str, given: float | None, default: float, bound: tuple[str, float]) -> float:
    """Give a limit of a handoff; a default that is too large gives way."""
    name, most = bound
    if given is not None and given > most:
        message = f"{path}: {key} ({given:g}) must not exceed {name} ({most:g})"
        raise FatalError(message)
    return min(default, most) if given is None else given


def _parted(path: Path) -> tuple[Front, str]:
    begin, keys, prompt = _parts(path)
    if begin.strip() or not prompt.strip():
        raise FatalError(f"{path}: {NO_FRONT}")
    try:
        raw = tomllib.loads(keys)
        # JSON's strict mode is TOML's: text is no number, yet a path may be written as text.
        return Front.model_validate_json(json.dumps(raw, default=str), strict=True), prompt.strip()
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: its front matter is not valid TOML: {error}"
        raise FatalError(message) from None
    except ValidationError as error:
        lines = [f"{path}: {where(item['loc'])}: {what(dict(item))}" for item in error.errors()]
        raise FatalError("\n".join(lines)) from None


def _parts(path: Path) -> tuple[str, str, str]:
    lines = _read(path, path).splitlines(keepends=True)
    fences = [number for number, line in enumerate(lines) if line.strip() == FENCE]
    if len(fences) < 2:  # noqa: PLR2004 - one above the keys and one below
        raise FatalError(f"{path}: {NO_FRONT}")
    first, second = fences[:2]
    return "".join(lines[:first]), "".join(lines[first + 1 : second]), "".join(lines[second + 1 :])


def _knowledge(path: Path, file: Path) -> str:
    return f"\n\n# {file.name}\n\n{_read(path.parent / file, path, 'knowledge: ').strip()}"


def _read(wanted: Path, path: Path, key: str = "") -> str:
    try:
        return wanted.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{path}: {key}{wanted} cannot be read: {why}"
        raise FatalError(message) from None


def _prices(path: Path, front: Front, employer: Model) -> Prices:
    if front.prices:
        return Prices(**front.prices.model_dump())
    name = front.model or employer.name
    if name == employer.name:
        return employer.price_list
    if name not in LIST_PRICES:
        raise FatalError(f"{path}: model: {NO_PRICES.format(name, ', '.join(LIST_PRICES))}")
    return LIST_PRICES[name]
