"""Answer: a mail that names a letter of ours to a specialist, and the end of the handoff that it brings."""

from collections.abc import Mapping
from datetime import datetime

from daemon.judgement.answers import OWN_MARK, Letter, letter_ids
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.message import Message
from daemon.judgement.screening import Answer
from daemon.judgement.threads import clues
from daemon.steps.report import ending
from knowledge import handoffs
from knowledge.database import Database
from knowledge.handoffs import Ending


def letter_named(db: Database, persons: Mapping[str, str], message: Message) -> tuple[Letter, int | None] | None:
    """Find the letter that a mail names, with the case of what was handed over; the nearest, where it names several.

    ``persons`` are the addresses of the specialists who are persons, by their names.
    """
    names = [name for name in letter_ids(clues(message).ids) if OWN_MARK in name]
    found = next(filter(None, (handoffs.of_letter(db, name) for name in names)), None)
    if found is None:
        return None
    handoff, action, handed = found
    configured, state = persons.get(handoff.specialist, ""), HandoffState(handoff.state)
    return Letter(handoff.id or 0, action.own_message_id, action.recipients[0], configured, state), handed.case_id


def ended_by(db: Database, answer: Answer, now: datetime) -> Ending | None:
    """Say which handoff an answer ends, and with what report; none where it is late."""
    if answer.late:
        return None
    handoff, handed = handoffs.get(db, answer.handoff)
    return ending(handoff, handed, HandoffState.REPORTED, answer.words, now)
