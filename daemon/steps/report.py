"""Report: what came of a handoff that outlasted its turn is put on the ledger as a message of clerkd's own, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daemon.house import House
from daemon.judgement.handoffs import INSTEAD, HandoffState
from daemon.steps.own import own_message
from knowledge import errands, handoffs
from knowledge.errands import Closing, Spent, States
from knowledge.handoffs import Ending
from knowledge.tables import Handoff, Message

FOLDER = "(handoffs)"  # no folder of any mailbox: with the handoff's number it makes the message's place
SUBJECT = "Handoff {} to {}"
STATES = States(HandoffState.OPEN, HandoffState.WORKING, HandoffState.CANCELLED)


@dataclass(frozen=True)
class Told:
    """How a handoff ended, what is said of it, and what was written into the case's folder."""

    state: HandoffState
    report: str
    files: Mapping[str, str] = field(default_factory=dict)


def bring(house: House, row: Handoff, spent: Spent, told: Told) -> None:
    """Close a handoff and bring its report; where it was cancelled meanwhile, both are discarded."""
    now = house.clock()
    _, handed = handoffs.get(house.db, row.id or 0)
    closing = Closing(told.state, told.report, report_message(row, handed, told.report, now), told.files)
    number = errands.close(house.db, row, STATES, spent, closing, now)
    state = told.state if number else HandoffState.CANCELLED
    house.log.info("handoff_ended", handoff=row.id, specialist=row.specialist, state=state, message=number)


def give_up(house: House, row: Handoff, spent: Spent, why: str) -> None:
    """Bring a report that says why there is none."""
    bring(house, row, spent, Told(HandoffState.FAILED, INSTEAD.format(row.specialist, why)))


def ending(row: Handoff, handed: Message, state: HandoffState, report: str, now: datetime) -> Ending:
    """Say how a handoff ends that nobody of ours works on."""
    return Ending(row.id or 0, [HandoffState.OPEN], state, report, report_message(row, handed, report, now))


def report_message(row: Handoff, handed: Message, report: str, now: datetime) -> Message:
    """Make the message: about the mail that was handed over, or that this came of."""
    made = own_message(handed, FOLDER, row.id or 0, report, now)
    made.subject = SUBJECT.format(row.id, row.specialist)
    return made
