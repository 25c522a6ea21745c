"""Report: what came of a handoff that outlasted its turn is put on the ledger as a message of clerkd's own, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.house import House
from daemon.judgement.handoffs import INSTEAD, HandoffState
from daemon.steps.own import own_message
from knowledge import errands, ledger
from knowledge.errands import Closing, Spent, States
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
    closing = Closing(told.state, told.report, _message(house, row, told.report), told.files)
    number = errands.close(house.db, row, STATES, spent, closing, house.clock())
    state = told.state if number else HandoffState.CANCELLED
    house.log.info("handoff_ended", handoff=row.id, specialist=row.specialist, state=state, message=number)


def give_up(house: House, row: Handoff, spent: Spent, why: str) -> None:
    """Bring a report that says why there is none."""
    bring(house, row, spent, Told(HandoffState.FAILED, INSTEAD.format(row.specialist, why)))


def _message(house: House, row: Handoff, report: str) -> Message:
    """Make the message: about the mail that was handed over, or that this came of."""
    handed = ledger.get(house.db, row.message_id)
    mail = ledger.get(house.db, handed.about_id) if handed and handed.about_id else handed
    if mail is None:
        error = "a handoff belongs to a message"
        raise LookupError(error)
    made = own_message(mail, FOLDER, row.id or 0, report, house.clock())
    made.subject = SUBJECT.format(row.id, row.specialist)
    return made
