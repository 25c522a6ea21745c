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
    """File a reminder of what is settled by now, or a report that nobody waits for; say whether it was so."""
    rule, why = _of_handoff(house, row) or ("promise", _settled(house, row))
    if not why:
        return False
    now = house.clock()
    step = move(MessageState(row.state), Event.FILE)
    turns.conclude(house.db, row.id or 0, step, put_aside(row, rule, why, now), now)
    house.log.info("message_filed", message=row.id, case=row.case_id, rule=rule, for_a_person=False)
    return True


def _of_handoff(house: House, row: Message) -> tuple[str, str] | None:
    """Give rule and reason for a message about a handoff; no reason where it has something to say still."""
    if report := handoffs.of_report(house.db, row.id or 0):
        return "handoff", _ended(report) if report.state == HandoffState.CANCELLED else ""
    if waiting := handoffs.of_reminder(house.db, row.id or 0):
        return "handoff", _ended(waiting) if waiting.state != HandoffState.OPEN else ""
    return None


def _ended(handoff: Handoff) -> str:
    return f"handoff {handoff.id} is {handoff.state}"


def _settled(house: House, row: Message) -> str:
    promise = promises.of_reminder(house.db, row.id or 0)
    if promise is None:
        return "its promise is gone"
    return "" if promise.state == PromiseState.OPEN else f"promise {promise.id} is {promise.state}"
