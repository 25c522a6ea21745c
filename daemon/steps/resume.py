"""Resume: see that the one session is open at its settled end, or open the next one from the knowledge database."""

import asyncio
import uuid

from daemon.agent.session import EngineError
from daemon.agent.transcript import Head, TranscriptError, sound_until
from daemon.house import House
from daemon.judgement.states import SessionState, TurnState
from daemon.steps.handover import written
from daemon.steps.mirror import fetched
from knowledge import sessions
from knowledge.tables import AgentSession

LOST = "its transcript is missing, does not hold its turns, or cannot be resumed"


async def open_session(house: House) -> AgentSession:
    """Give the live session, opened at its head.

    Raises EngineError where the engine does not start, StoreError where its transcript may be in the session store and
    that is out of reach.
    """
    live = sessions.live(house.db, SessionState.LIVE)
    if live and house.session.is_open:
        return live
    reason = _end_reason(house, live)
    if live is None or reason:
        return await _begin(house, reason or "there was no live session")
    try:
        return await _resume(house, live)
    except TranscriptError:
        return await _fetch(house, live)


def _end_reason(house: House, live: AgentSession | None) -> str:
    """Say why the live session cannot go on. The CLI keeps a session's first standing orders for good (measured)."""
    if live is None:
        return ""
    if live.head_uuid is None and house.session.engine.transcript(live.id).exists():
        return "no turn ever settled in it"  # and its id is taken: the CLI refuses to begin under it again
    if live.orders_digest != house.orders_digest:
        return "the standing orders, the tools or the model have changed"
    return ""


async def _resume(house: House, live: AgentSession) -> AgentSession:
    if live.head_uuid is None:
        await house.session.open(live.id, None)
        return live
    await house.session.open(live.id, Head(live.head_uuid, live.head_offset))
    house.log.info("session_resumed", session=live.id)
    return live


async def _fetch(house: House, live: AgentSession) -> AgentSession:
    """Resume from the session store, where that has the transcript; else mend it."""
    try:
        if live.head_uuid and await fetched(house, live, Head(live.head_uuid, live.head_offset)):
            return await _resume(house, live)
    except TranscriptError:
        pass
    return await _mend(house, live)


async def _mend(house: House, live: AgentSession) -> AgentSession:
    """Go back to the newest settled turn that is in the transcript and can be resumed, else begin anew."""
    path = house.session.engine.transcript(live.id)
    sound = await asyncio.to_thread(sound_until, path)
    for turn in sessions.settled_turns(house.db, live.id, TurnState.SETTLED):
        offset, is_head = turn.head_offset or 0, turn.head_uuid == live.head_uuid
        if is_head or not turn.head_uuid or offset > sound:
            continue
        try:
            await house.session.open(live.id, Head(turn.head_uuid, offset))
        except TranscriptError:
            continue
        sessions.set_back(house.db, live, turn, settled=TurnState.SETTLED, lost=TurnState.LOST)
        house.log.warning("session_set_back", session=live.id, turn=turn.id)
        return _again(house)
    house.log.warning("session_lost", session=live.id, reason=LOST)
    return await _begin(house, LOST)


def _again(house: House) -> AgentSession:
    live = sessions.live(house.db, SessionState.LIVE)
    if live is None:
        message = "there is no live session"
        raise EngineError(message)
    return live


async def _begin(house: House, reason: str) -> AgentSession:
    """Open a new session; its id is committed before it exists."""
    predecessor = sessions.live(house.db, SessionState.LIVE) or sessions.newest_ended(house.db)
    told = written(house, predecessor)
    row = new_session(house, predecessor.id if predecessor else None, told.text if told else "")
    sessions.begin(house.db, row, ended=SessionState.ENDED, reason=reason)
    house.log.info("session_begun", session=row.id, predecessor=row.predecessor, reason=reason)
    await house.session.open(row.id, None)
    return row


def new_session(house: House, predecessor: str | None, handover: str) -> AgentSession:
    """Make the row of a session that is to be the live one; its id is random, and known before it exists."""
    return AgentSession(
        id=str(uuid.uuid4()),
        state=SessionState.LIVE,
        generation=house.generation,
        model=house.settings.model.name,
        orders_digest=house.orders_digest,
        handover=handover,
        predecessor=predecessor,
        created_at=house.clock(),
    )


async def end_session(house: House, live: AgentSession, reason: str) -> None:
    """End the live session for good; the next turn begins a fresh one from the knowledge database."""
    await house.session.abandon()
    sessions.end(house.db, live, ended=SessionState.ENDED, reason=reason, now=house.clock())
    house.log.info("session_ended", session=live.id, reason=reason)
