"""Aside: a message of clerkd's own that has nothing to say any more is filed without asking the model."""

from daemon.house import House
from daemon.judgement.casework import PromiseState
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.states import Event, MessageState
from daemon.steps.moves import move
from daemon.steps.record import put_aside
from knowledge import handoffs, promises, turns
from knowledge.tables import Handoff, Message


def put_by(house: House, row: Message) -> bool:
    """File a reminder whose promise is settled by now, or a report that nobody waits for; say whether it was so."""
    handoff = handoffs.of_report(house.db, row.id or 0)
    rule, why = ("handoff", _withdrawn(handoff)) if handoff else ("promise", _settled(house, row))
    if not why:
        return False
    now = house.clock()
    step = move(MessageState(row.state), Event.FILE)
    turns.conclude(house.db, row.id or 0, step, put_aside(row, rule, why, now), now)
    house.log.info("message_filed", message=row.id, case=row.case_id, rule=rule, for_a_person=False)
    return True


def _withdrawn(handoff: Handoff) -> str:
    return f"handoff {handoff.id} is {handoff.state}" if handoff.state == HandoffState.CANCELLED else ""


def _settled(house: House, row: Message) -> str:
    promise = promises.of_reminder(house.db, row.id or 0)
    if promise is None:
        return "its promise is gone"
    return "" if promise.state == PromiseState.OPEN else f"promise {promise.id} is {promise.state}"
