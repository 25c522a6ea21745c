"""How a case stands: whose turn it is, told from what happens in it; its moves stand in one table."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from daemon.judgement.policy import HANDLED, Kind, Planned, Verdict


class CaseState(StrEnum):
    """Whose turn it is. OPEN: nothing has come of it yet; REOPENED: a mail came in after it was closed."""

    OPEN = "open"
    WAITING_FOR_US = "waiting for us"
    WAITING_FOR_THEM = "waiting for them"
    CLOSED = "closed"
    REOPENED = "reopened"


class CaseEvent(StrEnum):
    """What happens in a case. OURS: something is left for us to do; THEIRS: for them; REST: for nobody."""

    MAIL = "mail"
    OURS = "ours"
    THEIRS = "theirs"
    REST = "rest"


class PromiseState(StrEnum):
    """What became of a promise; one that has come up stays open until somebody says more."""

    OPEN = "open"
    KEPT = "kept"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


class Promiser(StrEnum):
    """Who promised."""

    US = "us"
    THEM = "them"


A_MAIL_CAME: Mapping[str, str] = MappingProxyType(
    {
        CaseState.OPEN: CaseState.OPEN,
        CaseState.WAITING_FOR_US: CaseState.WAITING_FOR_US,
        CaseState.WAITING_FOR_THEM: CaseState.WAITING_FOR_US,
        CaseState.CLOSED: CaseState.REOPENED,
        CaseState.REOPENED: CaseState.REOPENED,
    }
)
BECOMES = MappingProxyType(
    {
        CaseEvent.OURS: CaseState.WAITING_FOR_US,
        CaseEvent.THEIRS: CaseState.WAITING_FOR_THEM,
        CaseEvent.REST: CaseState.CLOSED,
    }
)
FOR_A_PERSON = (Kind.DRAFT, Kind.ESCALATE, Kind.FLAG)


def moves(event: CaseEvent) -> Mapping[str, str]:
    """Give where the event takes a case from each state."""
    if event is CaseEvent.MAIL:
        return A_MAIL_CAME
    return dict.fromkeys(CaseState, BECOMES[event])


def left_by(planned: Iterable[Planned], promisers: Iterable[str], *, handed: bool = False) -> CaseEvent:
    """Say what a decision leaves: its actions that a person must see to weigh most, then the promises that are open.

    A case that is ``handed`` to somebody whose report is to come is ours to go on with.
    """
    chosen = [item for item in planned if item.rule not in HANDLED]
    if handed or any(item.verdict is not Verdict.ALLOW or item.kind in FOR_A_PERSON for item in chosen):
        return CaseEvent.OURS
    answered = any(item.kind is Kind.REPLY for item in chosen)
    return left_open(promisers, answered=answered)


def left_open(promisers: Iterable[str], *, answered: bool = False) -> CaseEvent:
    """Say what the open promises leave where nothing else is to be done; who was ``answered`` may answer."""
    open_ones = set(promisers)
    if Promiser.US in open_ones:
        return CaseEvent.OURS
    return CaseEvent.THEIRS if open_ones or answered else CaseEvent.REST
