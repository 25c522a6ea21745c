"""How a case stands: whose turn it is, told from what happens in it; its moves stand in one table."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from daemon.judgement.policy import Kind


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


def left_by(kinds: Iterable[str], promisers: Iterable[str], *, handed: bool = False) -> CaseEvent:
    """Say what a decision leaves: its actions that a person must see to weigh most, then the promises that are open.

    A case that is ``handed`` to somebody whose report is to come is ours to go on with.
    """
    if handed or any(kind in FOR_A_PERSON for kind in kinds):
        return CaseEvent.OURS
    return left_open(promisers)


def left_open(promisers: Iterable[str]) -> CaseEvent:
    """Say what the open promises leave where nothing else is to be done."""
    open_ones = set(promisers)
    if Promiser.US in open_ones:
        return CaseEvent.OURS
    return CaseEvent.THEIRS if open_ones else CaseEvent.REST
