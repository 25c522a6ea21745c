"""Mirror: the settled part of each transcript is copied to the session store, where one is configured."""

from datetime import timedelta

from daemon.agent.store.base import StoreError, TakenError
from daemon.agent.transcript import Head
from daemon.house import STORE, House
from daemon.judgement.states import SessionState
from knowledge import sessions
from knowledge.tables import AgentSession

OUT_OF_REACH, TAKEN = "unavailable", "taken"
FOR_GOOD = timedelta(days=365)
WORKER = "mirror"


async def mirror(house: House) -> bool:
    """Bring the store up to where one session stands; say whether there was one that was behind."""
    if house.mirror is None or house.health.is_paused(STORE):
        return False
    row = _behind(house)
    if row is None:
        return False
    if await _push(house, row, row.head_offset):
        sessions.mirrored(house.db, row.id, row.head_offset)
    return True


def _behind(house: House) -> AgentSession | None:
    """Give the live session where it is not held yet, else the oldest whose transcript is here and not there."""
    live = sessions.live(house.db, SessionState.LIVE)
    unheld = [live] if live and house.mirror and not house.mirror.holds(live.id) else []
    engine = house.session.engine
    rows = (row for row in (*unheld, *sessions.unmirrored(house.db)))
    return next((row for row in rows if row.head_uuid is None or engine.transcript(row.id).exists()), None)


async def finish(house: House) -> None:
    """Copy what the last turn brought, as far as the store is within reach, and end the connection."""
    if house.mirror:
        while await mirror(house):
            pass
        await house.mirror.close()


async def is_mirrored(house: House, live: AgentSession, offset: int) -> bool:
    """Bring the store up to an offset where nothing may settle without; else it is done beside the work."""
    if house.mirror is None or not house.mirror.required:
        return True
    return await _push(house, live, offset)


async def fetched(house: House, live: AgentSession) -> bool:
    """Bring back a transcript that is not here, or not whole; say whether it is here now."""
    if house.mirror is None or live.head_uuid is None:
        return False
    path = house.session.engine.transcript(live.id)
    try:
        found = await house.mirror.fetch(live.id, path, Head(live.head_uuid, live.head_offset))
    except StoreError as error:
        house.health.pause(STORE, OUT_OF_REACH, str(error))
        return False
    if found:
        house.log.info("session_fetched", session=live.id)
    return found


async def _push(house: House, row: AgentSession, offset: int) -> bool:
    if house.mirror is None:
        return True
    path = house.session.engine.transcript(row.id)
    try:
        await house.mirror.push(row.id, path, offset, lambda: house.pulse.beat(WORKER))
    except TakenError as error:
        house.health.pause(STORE, TAKEN, f"{error}; stop one of them and restart the other", house.clock() + FOR_GOOD)
        return False
    except StoreError as error:
        house.health.pause(STORE, OUT_OF_REACH, str(error))
        return False
    house.health.well(STORE)
    return True
