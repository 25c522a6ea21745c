"""What to do about a turn that failed: a pure function from the failure to a remedy."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class FailureKind(StrEnum):
    """Why a turn did not settle."""

    AUTHENTICATION = "authentication"
    CREDIT = "credit"
    RATE_LIMIT = "rate_limit"
    UNAVAILABLE = "unavailable"
    SILENCE = "silence"
    ENGINE = "engine"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    CAP = "cap"
    TRANSCRIPT = "transcript"
    NO_DECISION = "no_decision"
    STOPPING = "stopping"
    STORE = "store"
    CRASH = "crash"


@dataclass(frozen=True)
class Failure:
    """A turn's failure; ``detail`` never holds a mail's text."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True)
class Pauses:
    """How pauses grow: they double from ``first`` to ``longest``, both in seconds."""

    first: float
    longest: float

    def after(self, tries: int) -> timedelta:
        """Give the pause after so many failures in a row (0 is the first)."""
        return timedelta(seconds=min(self.first * 2 ** min(tries, 30), self.longest))


@dataclass(frozen=True)
class Pause:
    """The model is out of reach for everybody: stop asking until ``until``; the message is not to blame."""

    until: datetime


@dataclass(frozen=True)
class Again:
    """Ask again from ``at`` on; others pass meanwhile. ``counts`` says whether the attempt counts."""

    at: datetime
    counts: bool = True
    fresh_session: bool = False


@dataclass(frozen=True)
class GiveUp:
    """A person must look: HELD."""

    reason: str


@dataclass(frozen=True)
class Reject:
    """This message can never work: FAILED."""

    reason: str


Remedy = Pause | Again | GiveUp | Reject

MOST_ATTEMPTS = 3
NOBODYS_FAULT = frozenset({FailureKind.AUTHENTICATION, FailureKind.CREDIT, FailureKind.RATE_LIMIT})
PERHAPS_AN_OUTAGE = frozenset({FailureKind.UNAVAILABLE, FailureKind.SILENCE, FailureKind.ENGINE})


@dataclass(frozen=True)
class Circumstances:
    """What stands around the failure.

    ``attempt`` is the number of this turn among the message's counted ones (1 is the first), ``outages`` how
    often in a row the model has failed, ``others_passed`` whether another message settled since this one last
    met an outage, ``session_is_fresh`` whether the session holds no settled turn yet.
    """

    attempt: int
    outages: int
    others_passed: bool
    session_is_fresh: bool
    now: datetime


def remedy(failure: Failure, around: Circumstances, pauses: Pauses) -> Remedy:
    """Choose the remedy.

    An outage pauses the work and counts against no message. But a message that meets an "outage" again, after
    others have passed, brings it about itself: from then on its attempts count, so that it cannot block the
    queue.
    """
    match failure.kind:
        case kind if kind in NOBODYS_FAULT:
            return Pause(_until(around, pauses))
        case kind if kind in PERHAPS_AN_OUTAGE and not around.others_passed:
            return Pause(_until(around, pauses))
        case FailureKind.STOPPING | FailureKind.STORE:  # the store is paused by itself, and no turn begins until then
            return Again(around.now, counts=False)
        case FailureKind.NO_DECISION:
            return GiveUp("the model ended its turn twice without a decision")
        case FailureKind.REFUSED:
            return Reject(f"the API refused the request: {failure.detail}")
        case FailureKind.TOO_LONG:
            return _too_long(around)
        case _:
            return _once_more(failure, around, pauses)


def _until(around: Circumstances, pauses: Pauses) -> datetime:
    return around.now + pauses.after(around.outages)


def _too_long(around: Circumstances) -> Remedy:
    if around.session_is_fresh:
        return GiveUp("the mail is too long for the model, even in a fresh session")
    return Again(around.now, fresh_session=True)


def _once_more(failure: Failure, around: Circumstances, pauses: Pauses) -> Remedy:
    if around.attempt >= MOST_ATTEMPTS:
        return GiveUp(f"{MOST_ATTEMPTS} attempts failed, the last one: {failure.detail}")
    # A crash is followed by a new start, which is pause enough; tried at once, the mail keeps its place in the order.
    pause = timedelta() if failure.kind is FailureKind.CRASH else pauses.after(around.attempt - 1)
    return Again(around.now + pause)
