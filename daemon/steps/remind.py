"""Remind: a promise whose day has come, or a handoff that nobody has answered, is put on the ledger once."""

from daemon.house import House
from daemon.judgement.briefing import promise_words
from daemon.judgement.casework import PromiseState
from daemon.judgement.drafts import Fate
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.reporting import overdue_words
from daemon.judgement.states import ActionState, Event, MessageState
from daemon.steps.brief import due
from daemon.steps.moves import move
from daemon.steps.own import PROMISES, WAITING, own_message
from daemon.steps.record import put_aside
from knowledge import actions, feedback, handoffs, promises, turns
from knowledge.tables import Action, Handoff, Message, Promise

PROMISE, HANDOFF = "promise", "handoff"


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
    words = promise_words(due(promise))
    message = own_message(made_in, (PROMISES, promise.id or 0), words, words, house.clock())
    message.case_id = promise.case_id
    return message


def _handoff_comes_up(house: House) -> bool:
    found = handoffs.overdue(house.db, HandoffState.OPEN, house.clock())
    if found is None:
        return False
    handoff, handed = found
    number = handoffs.remind(house.db, handoff, _of_handoff(house, handoff, handed), HandoffState.OPEN)
    house.log.info("handoff_overdue", handoff=handoff.id, message=number, case=handed.case_id)
    return True


def _of_handoff(house: House, handoff: Handoff, handed: Message) -> Message:
    letter = actions.get(house.db, handoff.letter_id or 0)
    about = handed.about_id or handed.id or 0
    since = letter.created_at if letter else handed.received_at
    words = overdue_words(handoff.id or 0, about, handoff.specialist, since, _fate(house, letter))
    return own_message(handed, (WAITING, handoff.id or 0), words, words, house.clock())


def _fate(house: House, letter: Action | None) -> str:
    """Say how far our letter came."""
    if letter is None or letter.state != ActionState.SENT:
        return "has not left"
    sent = Fate.SENT in feedback.kinds_of(house.db, letter.id or 0)
    return "was sent" if sent else "was not seen among what was sent"


def put_by(house: House, row: Message) -> bool:
    """File a message of clerkd's own that has nothing to say any more, without asking the model; say whether it was so.

    What it would tell comes from a session that was set back, perhaps.
    """
    void = _void(house, row)
    if void is None:
        return False
    rule, why = void
    now = house.clock()
    step = move(MessageState(row.state), Event.FILE)
    turns.conclude(house.db, row.id or 0, step, put_aside(row, rule, why, now), now)
    house.log.info("message_filed", message=row.id, case=row.case_id, rule=rule, for_a_person=False)
    return True


def _void(house: House, row: Message) -> tuple[str, str] | None:
    """Say by which rule, and why, it has nothing to say any more; None where it has."""
    number = row.id or 0
    if report := handoffs.of_report(house.db, number):
        return (HANDOFF, _ended(report)) if report.state == HandoffState.CANCELLED else None
    if waiting := handoffs.of_reminder(house.db, number):
        return (HANDOFF, _ended(waiting)) if waiting.state != HandoffState.OPEN else None
    promise = promises.of_reminder(house.db, number)
    if promise and promise.state == PromiseState.OPEN:
        return None
    return PROMISE, f"promise {promise.id} is {promise.state}" if promise else "its promise is gone"


def _ended(handoff: Handoff) -> str:
    return f"handoff {handoff.id} is {handoff.state}"
