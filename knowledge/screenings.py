"""What the reading of a mail found, written in one transaction with what the screening makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from knowledge import cases, handoffs, logbook, people, turns
from knowledge.cases import Placing
from knowledge.database import Database
from knowledge.handoffs import Ending
from knowledge.people import Acquaintance
from knowledge.tables import Action, Feedback, Message
from knowledge.turns import Conclusion, Step


@dataclass(frozen=True)
class Found:
    """What was read in a mail; all empty where it could not be read at all.

    ``sender`` is who wrote it: nobody that we know where the border server says that it is forged.
    """

    message_id: str = ""
    subject: str = ""
    sender_address: str = ""
    sender_name: str = ""
    correspondents: tuple[str, ...] = ()
    conversation: str = ""
    authenticity: str = ""
    removed: tuple[str, ...] = ()
    sender: Acquaintance = field(default_factory=lambda: Acquaintance(""))


@dataclass(frozen=True)
class Screened:
    """All that is written of a message when it is screened; a rule's conclusion where it was filed.

    ``case_moves`` says where the message takes its case from its state, ``ending`` which handoff it brings to its end.
    """

    found: Found
    placing: Placing
    step: Step
    concluded: Conclusion | None = None
    actions: Sequence[Action] = ()
    case_moves: Mapping[str, str] = field(default_factory=dict)
    feedback: Sequence[Feedback] = ()
    ending: Ending | None = None


def write(db: Database, row: Message, screened: Screened, now: datetime) -> int:
    """Write it, and give the message's case; a message that was screened before stays in its case."""
    with db.write() as session:
        if screened.ending:
            handoffs.end(session, screened.ending, now)
        turns.move_on(session, row.id or 0, screened.step, now)
        # The case is read here: it may have been merged since the message was read.
        known = session.get_one(Message, row.id).case_id
        case_id = known or cases.place(session, screened.placing, row.received_at)
        _describe(session, row, screened, case_id, now)
        logbook.enter(session, row.id or 0, now)
        cases.move(session, case_id, screened.case_moves)
        if screened.concluded:
            turns.record(session, screened.concluded, now)
        session.add_all(screened.actions)
        session.add_all(screened.feedback)
        return case_id


def _describe(session: Session, row: Message, screened: Screened, case_id: int, now: datetime) -> None:
    found = screened.found
    values = {
        "message_id": found.message_id or row.message_id,
        "subject": found.subject,
        "sender_address": found.sender_address,
        "sender_name": found.sender_name,
        "correspondents": list(found.correspondents),
        "conversation": found.conversation,
        "authenticity": found.authenticity,
        "removed": list(found.removed),
        "placement": screened.placing.why,
        "person_id": people.meet(session, found.sender, now),
        "case_id": case_id,
    }
    session.connection().execute(update(Message).where(col(Message.id) == row.id).values(**values))
