"""Handoffs that outlast their turn: what the employee may ask for, and how it is told when the report is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from daemon.judgement.handoffs import ENOUGH, LONGEST_BRIEF, LONGEST_WHY, MOST_HANDOFFS, Specialist
from daemon.judgement.quoting import whole

MOST_ROUNDS = 3  # of clerkd's own messages in a case without a mail between: then it is decided, or a person is asked
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

    ``handoffs`` counts all of this turn, ``rounds`` clerkd's own messages in the case since its last mail.
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
