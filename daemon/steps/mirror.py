"""Mirror: the settled part of each transcript is copied to the session store, where one is configured."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial

from daemon.agent.mirror import UnreadableError
from daemon.agent.store.base import StoreError, TakenError
from daemon.agent.transcript import Head
from daemon.errors import OrderRefused
from daemon.house import STORE, House
from daemon.judgement.states import OrderState, SessionState
from knowledge import service, sessions
from knowledge.service import Closing
from knowledge.tables import AgentSession, Order

OUT_OF_REACH, TAKEN = "unavailable", "taken"
BACK = "where this one is to go on, stop the other and say: clerkd session take"
TAKEN_OVER = "this clerkd takes the session over in the session store with its next copy; see that no other is at work"
NO_STORE = "there is no session store in the config: nothing can be taken over"
FOR_GOOD = timedelta(days=365)
WORKER, DESK = "mirror", "desk"


async def mirror(house: House) -> bool:
    """Bring the store up to where one session stands; say whether there was one that was behind.

    What the desk has brought there of a turn that is about to settle is left there.
    """
    row = None if house.mirror is None or house.health.is_paused(STORE) else _behind(house)
    if row is None or house.mirror is None:
        return False
    try:
        if await _pushed(house, row, row.head_offset, WORKER, may_cut=not house.mirror.required):
            sessions.mirrored(house.db, row.id, row.head_offset)
    except UnreadableError as error:  # it keeps no other from being copied
        house.mirror.unreadable.add((row.id, row.head_offset))
        house.log.warning("session_not_mirrored", session=row.id, reason=str(error))
    return True


def _behind(house: House) -> AgentSession | None:
    """Give the live session where the project is not held yet, else the next whose transcript is here and not there."""
    live = sessions.live(house.db, SessionState.LIVE)
    unheld = [live] if live and house.mirror and not house.mirror.is_held else []
    return next((row for row in (*unheld, *sessions.unmirrored(house.db)) if _can_be_read(house, row)), None)


def _can_be_read(house: House, row: AgentSession) -> bool:
    known = house.mirror.unreadable if house.mirror else set()
    is_here = row.head_uuid is None or house.session.engine.transcript(row.id).exists()
    return is_here and (row.id, row.head_offset) not in known


async def take(house: House, order: Order) -> None:
    """Take the session over from another daemon, as a person said."""
    if house.mirror is None:
        raise OrderRefused(NO_STORE)
    house.mirror.take()
    house.health.well(STORE)
    service.close_order(house.db, Closing(order, OrderState.DONE, TAKEN_OVER), house.clock())


async def finish(house: House) -> None:
    """Copy what the last turn brought, within the grace of a stop, and end the connection."""
    if house.mirror:
        with suppress(TimeoutError):
            async with asyncio.timeout(house.stop.grace):
                while await mirror(house):
                    pass
        await house.mirror.close()


async def is_mirrored(house: House, live: AgentSession, offset: int) -> bool:
    """Bring the store up to an offset where nothing may settle without; else it is done beside the work."""
    if house.mirror is None or not house.mirror.required:
        return True
    try:
        return await _pushed(house, live, offset, DESK)
    except UnreadableError as error:
        house.health.pause(STORE, OUT_OF_REACH, str(error))
        return False


async def fetched(house: House, row: AgentSession, head: Head) -> bool:
    """Bring back a transcript that is not here, or not whole; say whether its head is here now.

    Raises StoreError where the store is out of reach: then nobody knows, and a session must not be given up for that.
    """
    if house.mirror is None:
        return False
    path = house.session.engine.transcript(row.id)
    try:
        found = await house.mirror.fetch(row.id, path, head, partial(house.pulse.beat, DESK))
    except StoreError as error:
        _pause(house, error)
        raise
    if found:
        house.log.info("session_fetched", session=row.id)
    return found


async def _pushed(house: House, row: AgentSession, offset: int, worker: str, *, may_cut: bool = True) -> bool:
    """Push, and say whether it is there now; where the store is out of reach, it is paused."""
    if house.mirror is None:
        return True
    path, progress = house.session.engine.transcript(row.id), partial(house.pulse.beat, worker)
    try:
        await house.mirror.push(row.id, path, offset, progress, may_cut=may_cut)
    except UnreadableError:
        raise
    except StoreError as error:
        _pause(house, error)
        return False
    if house.mirror.taken_out:  # of a turn that did not settle, of a rollback, or of another daemon's work
        house.log.warning("session_store_cut", session=row.id, lines=house.mirror.taken_out)
        house.mirror.taken_out = 0
    house.health.well(STORE)
    return True


def _pause(house: House, error: StoreError) -> None:
    if isinstance(error, TakenError):
        house.health.pause(STORE, TAKEN, f"{error}; {BACK}", house.clock() + FOR_GOOD)
    else:
        house.health.pause(STORE, OUT_OF_REACH, str(error))
