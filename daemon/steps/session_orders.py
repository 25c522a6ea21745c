"""Orders about the session: carried out between two turns by the task that uses it, for each needs the engine's end."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from daemon.errors import OrderRefused
from daemon.house import House
from daemon.judgement.states import OrderState
from daemon.steps.mirror import take
from daemon.steps.orders import COMPACT, ROLL_BACK, ROTATE, TAKE
from daemon.steps.rollback import roll_back
from daemon.steps.upkeep import compact_now, rotate_now
from knowledge import service
from knowledge.errors import FenceError
from knowledge.service import Closing
from knowledge.tables import Order


async def obey_for_session(house: House) -> bool:
    """Carry out the oldest order that waits; say whether there was one that came to an end.

    What became of it is written in the transaction that carries it out, or here where nothing was done. One that a stop
    of the service broke off waits for the next start.
    """
    waiting = (order for order in service.orders(house.db, OrderState.WAITING) if order.kind in HANDLERS)
    order = next(waiting, None)
    if order is None or house.stop.requested:
        return False
    refusal = await _carry_out(house, order)
    if refusal:
        service.close_order(house.db, Closing(order, OrderState.REFUSED, refusal), house.clock())
    house.log.info("order", kind=order.kind, argument=order.argument, by=order.by, place=order.place, refusal=refusal)
    return True


async def _carry_out(house: House, order: Order) -> str:
    """Carry it out, and say why not where nothing was done."""
    try:
        await HANDLERS[order.kind](house, order)
    except (OrderRefused, FenceError) as refusal:
        return str(refusal)
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:
        house.log.exception("stumbled", exc_info=error, order=order.id)
        await house.session.abandon()  # whatever it was at: what is opened again stands at the session's head
        return f"clerkd stumbled over the order ({type(error).__name__}); please report this"
    return ""


HANDLERS: dict[str, Callable[[House, Order], Awaitable[None]]] = {
    COMPACT: compact_now,
    ROTATE: rotate_now,
    ROLL_BACK: roll_back,
    TAKE: take,
}
