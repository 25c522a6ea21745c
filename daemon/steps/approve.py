"""Approve: a person's word on the actions that wait is taken, and what nobody said a word on in time ends."""

from collections.abc import Collection

from daemon.house import House
from daemon.judgement.states import MessageState
from daemon.steps.act import settle_message
from daemon.steps.approval_orders import expire, expiry
from daemon.steps.orders import AT_ONCE, obey
from knowledge import ledger


def approve(house: House) -> bool:
    """Take all words on actions that were said; say whether there were any, or one has waited for too long."""
    return obey_orders(house, AT_ONCE) or _expired(house)


def obey_orders(house: House, kinds: Collection[str]) -> bool:
    """Carry out the waiting orders of these kinds, and move on the messages that waited for them."""
    carried_out = obey(house.db, house.clock, kinds)
    for order in carried_out:
        house.log.info("order", kind=order.kind, order=order.id, by=order.by, place=order.place, outcome=order.state)
    if carried_out:
        for row in ledger.in_states(house.db, [MessageState.DECIDED]):
            settle_message(house, row.id or 0)
    return bool(carried_out)


def _expired(house: House) -> bool:
    if not house.approvals.is_set():
        return False
    house.approvals.clear()
    now = house.clock()
    late = expire(house.db, expiry(now, house.settings.autonomy.approval_days), now)
    for action in late:
        house.log.warning("action_expired", action=action.id, kind=action.kind, message=action.message_id)
    return bool(late)
