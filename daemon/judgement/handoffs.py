"""Handoffs: to whom the employee may hand a case, what goes with it, and how one ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from daemon.judgement.money import Prices, Usage
from daemon.judgement.quoting import whole

MOST_HANDOFFS = 3  # in one turn
LONGEST_BRIEF = 4_000  # characters
LONGEST_WHY = 200
LONGEST_REPORT = 50_000
CENT = 0.000_001  # of a dollar: sums of binary fractions are not exact
MARGIN = 10.0  # seconds of a turn that are left to the employee behind its last handoff
NO_MAIL = "No mail is at hand."
ENOUGH = f"No more than {MOST_HANDOFFS} handoffs in one turn: decide with what you have, or escalate."
NOBODY = "There is no specialist {!r}: hand the case to one of {}, in `subagent_type`."
NO_BRIEF = "Say in `prompt` what you want of the specialist."
TOO_LONG = f"The brief is too long: at most {LONGEST_BRIEF} characters. The mail goes with it by itself."
TOO_DEAR = "No more money is left in this turn for {}: decide with what you have, or escalate."
UNTIL_THEN = "\nUntil then it had said: {}"
INSTEAD = "No report of {}: {}. Decide without it, or escalate."


class Context(StrEnum):
    """What a specialist knows: the mail at hand, within the turn, or all of the session, in a fork beside it."""

    MAIL = "mail"
    SESSION = "session"


class Awaited(StrEnum):
    """What a handoff that outlasts its turn waits for; the others wait for nothing: their report came in the turn."""

    NOTHING = ""
    FORK = "fork"
    ANSWER = "answer"


@dataclass(frozen=True)
class Specialist:
    """One to whom a case may be handed: when, what it is told, what it may use, and its limits for one handoff.

    ``steps`` are answers of its model, ``seconds`` and ``dollars`` (US) bound a handoff; ``workspace``: it works on the
    case's folder. ``servers`` are those outside that it may ask.

    One with an address (``to``) is a person: a letter goes there, with ``prompt`` above it, and the case comes up again
    where no answer is there after so many ``days``. No model answers then, so the rest is empty.
    """

    name: str
    when: str
    prompt: str
    model: str
    prices: Prices
    tools: tuple[str, ...]
    steps: int
    seconds: float
    dollars: float
    workspace: bool = False
    servers: tuple[str, ...] = ()
    context: Context = Context.MAIL
    to: str = ""
    days: float = 0

    @property
    def awaited(self) -> Awaited:
        """Say what a handoff to it waits for behind its turn."""
        if self.to:
            return Awaited.ANSWER
        return Awaited.FORK if self.context is Context.SESSION else Awaited.NOTHING


class HandoffState(StrEnum):
    """How far a handoff is. OPEN and WORKING outlast their turn; of those that ended, only REPORTED has a report.

    WORKING: somebody of ours is at it, with its dollars reserved; CANCELLED: its turn was rolled back, or its case
    closed; UNSENT: our letter was deleted, rejected, or not approved in time.
    """

    OPEN = "open"
    WORKING = "working"
    CANCELLED = "cancelled"
    REPORTED = "reported"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    OVER_LIMIT = "over_limit"
    BROKEN_OFF = "broken_off"
    UNSENT = "unsent"


OUTSTANDING = (HandoffState.OPEN, HandoffState.WORKING)


class Halt(StrEnum):
    """Why a specialist was stopped from outside."""

    SECONDS = "seconds"
    DOLLARS = "dollars"


@dataclass(frozen=True)
class Course:
    """What was seen of a handoff: how the engine says it ended, why we stopped it, and its last words.

    It is ``finished`` where those were not said beside another call of a tool.
    """

    status: str = ""
    halt: Halt | None = None
    report: str = ""
    finished: bool = False


@dataclass(frozen=True)
class OutsideCall:
    """One call of a tool of a server outside, by the specialist that the engine knows as ``agent``.

    ``allowed`` says whether it left the house, ``size`` how many characters came back, ``said`` what the specialist was
    told where it failed.
    """

    agent: str
    server: str
    tool: str
    arguments: Mapping[str, object]
    allowed: bool
    error: bool = True
    seconds: float = 0.0
    size: int = 0
    said: str = ""


@dataclass(frozen=True)
class Handed:
    """One handoff, from the brief to the report; ``report`` says why there is none where it ended otherwise."""

    specialist: str
    why: str
    brief: str
    report: str
    state: HandoffState
    model: str
    usage: Usage
    dollars: float
    seconds: float
    tools: tuple[str, ...] = ()
    agent: str = ""
    calls: tuple[OutsideCall, ...] = ()


def objection(
    call: Mapping[str, object], specialists: Mapping[str, Specialist], granted: Sequence[float], dollars: float
) -> str | None:
    """Say why a case cannot be handed over as the model asks; None where it can.

    ``granted`` are the dollars that each earlier handoff of this turn may cost, ``dollars`` what the whole turn may.
    """
    name, brief = call.get("subagent_type"), call.get("prompt")
    if name not in specialists:
        return NOBODY.format(name, ", ".join(specialists))
    if not isinstance(brief, str) or not brief.strip():
        return NO_BRIEF
    if len(brief) > LONGEST_BRIEF:
        return TOO_LONG
    if len(granted) >= MOST_HANDOFFS:
        return ENOUGH
    return TOO_DEAR.format(name) if sum(granted) + specialists[str(name)].dollars > dollars + CENT else None


def why_of(call: Mapping[str, object]) -> str:
    """Give the reason that the model gave."""
    return whole(str(call.get("description") or ""))[:LONGEST_WHY]


def brief_of(call: Mapping[str, object]) -> str:
    """Give what the model wrote to the specialist."""
    return whole(str(call.get("prompt") or ""))


def handed_over(call: Mapping[str, object], letter: str) -> dict[str, object]:
    """Give the call as it is carried out: the brief and the mail at hand, and none of the engine's own options.

    The model could else choose the specialist's model, and with it what a handoff costs (measured).
    """
    return {
        "subagent_type": call["subagent_type"],
        "description": why_of(call),
        "prompt": f"{brief_of(call)}\n\n{letter}",
    }


def time_left(specialist: Specialist, turn_left: float) -> float:
    """Say how many seconds a handoff may take: a turn that ran out of time would count as an outage of the model."""
    return max(1.0, min(specialist.seconds, turn_left - MARGIN))


def ended(course: Course, specialist: Specialist) -> tuple[HandoffState, str]:
    """Say how a handoff ended, with its report, or with what stands in its place and what it had said until then."""
    state, failure = _end(course, specialist)
    words = whole(course.report)[:LONGEST_REPORT]
    if state is HandoffState.REPORTED:
        return state, words
    return state, INSTEAD.format(specialist.name, failure) + (UNTIL_THEN.format(words) if words else "")


def charged(state: HandoffState, known: float, specialist: Specialist) -> float:
    """Give what a handoff cost, in US dollars: of an answer that was cut off nobody tells: its whole limit counts."""
    cut_off = state in (HandoffState.TIMED_OUT, HandoffState.BROKEN_OFF)
    return max(known, specialist.dollars) if cut_off else known


def _end(course: Course, specialist: Specialist) -> tuple[HandoffState, str]:
    match course:
        case Course(halt=Halt.SECONDS):
            return HandoffState.TIMED_OUT, f"it was not done within {specialist.seconds:g} seconds"
        case Course(halt=Halt.DOLLARS):
            return HandoffState.OVER_LIMIT, f"it cost more than {specialist.dollars:g} dollars"
        case Course(status="completed", finished=False):
            return HandoffState.OVER_LIMIT, f"it was not done within {specialist.steps} steps"
        case Course(status="completed", report=""):
            return HandoffState.FAILED, "its model said nothing"
        case Course(status="completed"):
            return HandoffState.REPORTED, ""
        case Course(status="failed"):
            return HandoffState.FAILED, "its model's answer was an error"
        case _:
            return HandoffState.BROKEN_OFF, "the turn ended before it did"
