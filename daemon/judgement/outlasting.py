"""Handoffs that outlast their turn: what the employee may ask for, and what follows where one comes to nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from daemon.judgement.handoffs import ENOUGH, LONGEST_BRIEF, LONGEST_WHY, MOST_HANDOFFS, Specialist
from daemon.judgement.quoting import whole
from daemon.judgement.retry import NOBODYS_FAULT, PERHAPS_AN_OUTAGE, FailureKind

MOST_ROUNDS = 3  # of clerkd's own messages in a case without a mail between: then it is decided, or a person is asked
MOST_TRIES = 2
FOR_GOOD = frozenset({FailureKind.REFUSED, FailureKind.TOO_LONG, FailureKind.TRANSCRIPT})
NOBODY = "There is no such specialist: name one of {} in `specialist`."
TWICE = "It is handed to {} in this turn already. Go on with the mail, and decide."
ROUNDS = "This case has come back {} times without a mail between: decide, or escalate."


class HandOver(BaseModel):
    """What the employee says when it hands a case to somebody whose report comes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    specialist: str
    why: Annotated[str, Field(min_length=1, max_length=LONGEST_WHY)]
    brief: Annotated[str, Field(min_length=1, max_length=LONGEST_BRIEF)]


@dataclass(frozen=True)
class Outlasting:
    """One handoff that a turn leaves open, to be written when it settles."""

    specialist: Specialist
    why: str
    brief: str


def objection(
    wanted: HandOver, known: Mapping[str, Specialist], staged: Sequence[Outlasting], handoffs: int, rounds: int
) -> str | None:
    """Say why a case cannot be handed over so; None where it can.

    ``staged`` are those of this turn, ``handoffs`` counts them and those that have ended in it, ``rounds`` clerkd's own
    messages in the case since its last mail.
    """
    if wanted.specialist not in known:
        return NOBODY.format(", ".join(known))
    if wanted.specialist in [each.specialist.name for each in staged]:
        return TWICE.format(wanted.specialist)
    if handoffs >= MOST_HANDOFFS:
        return ENOUGH
    return ROUNDS.format(rounds) if rounds >= MOST_ROUNDS else None


def outlasting(wanted: HandOver, known: Mapping[str, Specialist]) -> Outlasting:
    """Give the handoff that was asked for."""
    return Outlasting(known[wanted.specialist], whole(wanted.why), whole(wanted.brief))


class Next(StrEnum):
    """What follows where a specialist beside the turns came to no end: WAIT counts against no handoff."""

    WAIT = "wait"
    AGAIN = "again"
    GIVE_UP = "give up"


def after_failure(kind: FailureKind, tries: int, *, others_passed: bool) -> Next:
    """Choose what follows. ``tries`` counts the one that failed.

    ``others_passed`` says that a turn settled since the handoff first met an outage: then it brings it about itself.
    """
    if kind is FailureKind.STOPPING or (kind in NOBODYS_FAULT | PERHAPS_AN_OUTAGE and not others_passed):
        return Next.WAIT
    return Next.GIVE_UP if kind in FOR_GOOD or tries >= MOST_TRIES else Next.AGAIN
