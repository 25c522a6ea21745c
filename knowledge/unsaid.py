"""What we wrote and nobody got: it is recalled no more, and what was promised in it was promised to nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from knowledge import passages, promises
from knowledge.promises import Closing
from knowledge.tables import Passage


@dataclass(frozen=True)
class Unsaid:
    """What is void with an answer to a message: the promises of ``by`` in it, closed so, and its words."""

    message_id: int
    decision_id: int
    by: str
    state: str
    closing: Closing


def take_back(session: Session, void: Unsaid) -> None:
    """Take an answer back; part of a transaction."""
    passages.expire_ours(session, void.message_id, void.closing.at)
    promises.close_of_decision(session, void.decision_id, void.by, void.state, void.closing)


def say_instead(session: Session, message_id: int, others: Sequence[Passage]) -> None:
    """Have these words recalled in the place of ours; part of a transaction.

    They are a person's, of the same answer: whose it is, when it was said and what it is about stays. What is not
    recalled now (the sender is not known, or it was taken back) is not recalled then.
    """
    before = passages.ours(session, message_id)
    if not before or not others:
        return
    first, now = before[0], others[0].recorded_at
    passages.expire_ours(session, message_id, now)
    for row in others:
        row.person_id, row.case_id, row.message_id = first.person_id, first.case_id, message_id
        row.turn_id, row.speaker, row.label = first.turn_id, first.speaker, first.label
    passages.add(session, others)
