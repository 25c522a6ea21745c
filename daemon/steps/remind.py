"""Remind: a promise whose day has come, or a handoff that nobody has answered, is put on the ledger once."""

from daemon.house import House
from daemon.judgement.briefing import promise_words
from daemon.judgement.casework import PromiseState
from daemon.judgement.drafts import Fate
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.overdue import overdue_words
from daemon.judgement.states import ActionState
from daemon.steps.brief import due
from daemon.steps.own import own_message
from knowledge import actions, feedback, handoffs, promises
from knowledge.errors import FenceError
from knowledge.tables import Action, Handoff, Message, Promise

# No folders of any mailbox: with the number of promise or handoff they make a message's place.
PROMISES, WAITING = "(promises)", "(waiting)"


def remind(house: House) -> bool:
    """At a tick, bring up what is due, the longest first, promises before handoffs; say whether there was anything."""
    if not house.promises.is_set():
        return False
    if _promise_comes_up(house) or _handoff_comes_up(house):
        return True
    house.promises.clear()
    return False


def _promise_comes_up(house: House) -> bool:
    found = promises.due(house.db, PromiseState.OPEN, house.clock())
    if found is None:
        return False
    promise, made_in = found
    number = promises.remind(house.db, promise, _of_promise(house, promise, made_in), PromiseState.OPEN)
    house.log.info("promise_due", promise=promise.id, message=number, case=promise.case_id, by=promise.by)
    return True


def _of_promise(house: House, promise: Promise, made_in: Message) -> Message:
    made = own_message(made_in, PROMISES, promise.id or 0, promise_words(due(promise)), house.clock())
    made.case_id = promise.case_id
    return made


def _handoff_comes_up(house: House) -> bool:
    found = handoffs.overdue(house.db, HandoffState.OPEN, ActionState.WAITING, house.clock())
    if found is None:
        return False
    handoff, handed = found
    try:
        number = handoffs.remind(house.db, handoff, _of_handoff(house, handoff, handed), HandoffState.OPEN)
    except FenceError:
        return True  # an answer has just been taken in, beside this: the next look finds it so
    house.log.info("handoff_overdue", handoff=handoff.id, message=number, case=handed.case_id)
    return True


def _of_handoff(house: House, handoff: Handoff, handed: Message) -> Message:
    letter = actions.get(house.db, handoff.letter_id or 0)
    about = handed.about_id or handed.id or 0
    since = letter.created_at if letter else handed.received_at
    words = overdue_words(handoff.id or 0, about, handoff.specialist, since, _fate(house, letter))
    return own_message(handed, WAITING, handoff.id or 0, words, house.clock())


def _fate(house: House, letter: Action | None) -> str:
    """Say how far our letter came."""
    if letter is None or letter.state != ActionState.SENT:
        return "has not left"
    sent = Fate.SENT in feedback.kinds_of(house.db, letter.id or 0)
    return "was sent" if sent else "was not seen among what was sent"
