"""Unsay: what of an answer is void that nobody gets, and the words of one that a person wrote in its place."""

from datetime import datetime

from daemon.judgement.casework import Promiser, PromiseState
from daemon.judgement.policy import ANSWERS, Kind
from daemon.judgement.recall import passages_of
from daemon.judgement.words import likely_language
from daemon.steps.remember import Voice, passage
from knowledge.promises import Closing
from knowledge.tables import Action, Passage
from knowledge.unsaid import Unsaid


def void_of(action: Action, why: str, now: datetime) -> Unsaid | None:
    """Say what is void with an answer that nobody gets; with other actions nothing is."""
    if Kind(action.kind) not in ANSWERS or action.decision_id is None:
        return None
    closing = Closing(PromiseState.OPEN, now, words=why)
    return Unsaid(action.message_id, action.decision_id, Promiser.US, PromiseState.DROPPED, closing)


def instead(body: str, now: datetime) -> list[Passage]:
    """Make the passages of a text that a person wrote in the employee's place; whose it is, the answer's own say."""
    voice = Voice("", now, "", likely_language(body), ours=True)
    return [passage(piece, voice, now) for piece in passages_of(body)]
