"""A mail's way through the house, on one screen.

1. receive  New mail is committed to the ledger with its raw bytes, before anything happens to it.
2. screen   It is read where it can do no harm, put into its case, and filed or held where a rule says so.
3. brief    The prompt is made of what is known of the person and the case, and of the mail between marks.
4. ask      A turn is committed, then the prompt is put to the one session.
5. decide   The last valid call of ``decide`` counts, once the turn stands in the transcript on the disk.
6. record   ONE transaction writes decision, actions, usage and the session's new head.
7. act      Each action goes out between two commits, SENDING and SENT.
8. settle   A message whose actions are through is done, escalated or held.

Workers go round side by side, because each waits for something else: one for each watched folder, one for the
reading, one for the model, one for what goes out, one for specialists who report later. They share nothing but the
ledger, so each can fail and pause by itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from daemon.house import READER, House, Watch
from daemon.judgement.states import MessageState
from daemon.service.schedule import ticking
from daemon.steps import documents
from daemon.steps.act import act, settle_message
from daemon.steps.approve import approve, obey_orders
from daemon.steps.ask import consult, may_ask
from daemon.steps.embed import embed
from daemon.steps.errand import WORKER as ERRAND
from daemon.steps.errand import attend
from daemon.steps.follow import follow
from daemon.steps.mirror import WORKER, finish, mirror
from daemon.steps.notify import notify
from daemon.steps.orders import BETWEEN_TURNS
from daemon.steps.receive import listen, receive
from daemon.steps.recover import recover, stumbling
from daemon.steps.remind import remind
from daemon.steps.screen import screen
from daemon.steps.session_orders import obey_for_session
from daemon.steps.tell import tell_head
from daemon.steps.tidy import INDEX, tidy
from daemon.steps.upkeep import tend
from knowledge import ledger, service

WORKERS = ("screen", "desk", "outbox", ERRAND, INDEX)
IDLE_SECONDS = 1.0
# Ticks follow the clock on the wall: where it is set back, they stop for as long. After so many intervals without
# a look, the folder is looked into all the same.
OVERDUE = 2
UPKEEP_SECONDS = 60.0
PROMISE_SECONDS = 60.0
CHAIN_SECONDS = 3600.0
DOCUMENT_SECONDS = 60.0
VECTOR_SECONDS = 60.0
APPROVAL_SECONDS = 60.0
NOTICE_SECONDS = 15.0
TIDY_SECONDS = 6 * 3600.0
EMBEDDER = "embedder"


async def run(house: House) -> None:
    """Recover, then work until the house is asked to stop; end the session in good order."""
    recover(house)
    house.systemd.ready()
    with ticking(_jobs(house)):
        hurry = asyncio.create_task(_hurry(house))
        async with asyncio.TaskGroup() as workers:
            for watch in house.watches:
                workers.create_task(_intake(house, watch))
            workers.create_task(_screen(house))
            workers.create_task(_desk(house))
            workers.create_task(_outbox(house))
            workers.create_task(_errands(house))
            workers.create_task(_tidy(house))
            if house.mirror:
                workers.create_task(_mirror(house))
            if house.embedder:
                workers.create_task(_embed(house))
        hurry.cancel()
    await finish(house)
    house.reader.close()
    house.systemd.stopping()
    service.stop(house.db, house.generation, house.clock())


def _jobs(house: House) -> list[tuple[float, Callable[[], None]]]:
    """List when to look into each folder, after the drafts of each mailbox, the session, promises and documents."""
    looks = [(watch.mailbox.poll_seconds, watch.tick) for watch in house.watches]
    looks += [(UPKEEP_SECONDS, house.upkeep.set), (PROMISE_SECONDS, house.promises.set)]
    looks += [(CHAIN_SECONDS, house.chain.set), (DOCUMENT_SECONDS, house.shelf.due.set)]
    looks += [(VECTOR_SECONDS, house.vectors.set), (APPROVAL_SECONDS, house.approvals.set)]
    looks += [(NOTICE_SECONDS, house.notices.set), (TIDY_SECONDS, house.pieces.set)]
    looks += [(out.mailbox.follow_seconds, out.tick) for out in house.outgoing.values()]
    return [(seconds, partial(_tick, house, tick)) for seconds, tick in looks]


def _tick(house: House, tick: Callable[[], None]) -> None:
    tick()
    house.stop.ring()


async def work(house: House, message_id: int) -> bool:
    """Take one screened message as far as its decision (3 to 6); one that is past it, or unknown, is left alone."""
    row = ledger.get(house.db, message_id)
    if row is None or row.state != MessageState.SCREENED:
        return False
    structlog.contextvars.bind_contextvars(message=row.id, case=row.case_id)
    try:
        await consult(house, row)
        settle_message(house, message_id)
    finally:
        structlog.contextvars.unbind_contextvars("message", "case")
    return True


async def _intake(house: House, watch: Watch) -> None:
    """1. At every tick, and whenever the server says so, take in what is new in one folder."""
    looked = time.monotonic()

    async def take_in() -> bool:
        nonlocal looked
        if house.health.is_paused(watch.part):
            return False
        overdue = time.monotonic() - looked > OVERDUE * watch.mailbox.poll_seconds
        if watch.ticks.empty() and not overdue:
            await listen(house, watch)
        elif await receive(house, watch):
            looked = time.monotonic()
            watch.taken()
        return True

    await _go_round(house, watch.part, take_in)
    await asyncio.to_thread(watch.source.close)


async def _screen(house: House) -> None:
    """2. Read the oldest message that came in, so that the model never waits for it."""

    async def next_message() -> bool:
        row = ledger.next_due(house.db, MessageState.RECEIVED, house.clock())
        if row is None or house.health.is_paused(READER):
            return False
        with stumbling(house, row):
            if not await screen(house, row):
                return False
        settle_message(house, row.id or 0)
        house.stop.ring()
        return True

    await _go_round(house, "screen", next_message)


async def _desk(house: House) -> None:
    """3 to 6. Take the oldest message that is due; before it, keep the session within its bounds, and promises in mind.

    This task alone uses the session.
    """

    async def next_message() -> bool:
        obey_orders(house, BETWEEN_TURNS)
        tell_head(house)
        if await documents.look(house) or await obey_for_session(house) or await tend(house) or remind(house):
            return True
        row = ledger.next_due(house.db, MessageState.SCREENED, house.clock())
        if row is None or house.health.is_paused(READER) or not may_ask(house):
            return False
        with stumbling(house, row):
            await work(house, row.id or 0)
        house.upkeep.set()
        house.stop.ring()
        return True

    try:
        await _go_round(house, "desk", next_message)
    finally:
        await house.session.close()


async def _outbox(house: House) -> None:
    """7 and 8. Take a person's word on what waits, carry out the next action that is due, and follow earlier drafts.

    Behind that, tell the supervisor what was done, and at once what is urgent.
    """

    async def next_action() -> bool:
        return approve(house) or await act(house) or await follow(house) or await notify(house)

    await _go_round(house, "outbox", next_action)
    for outgoing in house.outgoing.values():
        await asyncio.to_thread(outgoing.effects.close)


async def _errands(house: House) -> None:
    """Beside the eight steps, have specialists that know the session work on forks of it, one after the other."""
    await _go_round(house, ERRAND, lambda: attend(house))


async def _mirror(house: House) -> None:
    """Beside the eight steps, bring the session store up to where the session stands."""
    await _go_round(house, WORKER, lambda: mirror(house))


async def _embed(house: House) -> None:
    """Beside the eight steps, give passages their vectors: at the start, and at every tick."""
    house.vectors.set()
    await _go_round(house, EMBEDDER, lambda: embed(house))


async def _tidy(house: House) -> None:
    """Beside the eight steps, keep the index of words in few pieces."""
    await _go_round(house, INDEX, lambda: tidy(house))


async def _hurry(house: House) -> None:
    """Bound the end: a mailbox that does not answer is not waited for longer than the grace."""
    while not house.stop.requested:
        await house.stop.rest(IDLE_SECONDS)
    for watch in house.watches:
        watch.source.wake()
    await asyncio.sleep(house.stop.grace)
    for watch in house.watches:
        watch.source.abort()
    for outgoing in house.outgoing.values():
        outgoing.effects.abort()


async def _go_round(house: House, worker: str, step: Callable[[], Awaitable[bool]]) -> None:
    """Repeat a step until the house is to stop, resting when there was nothing to do; each round is a beat."""
    while not house.stop.requested:
        house.pulse.beat(worker)
        if not await step():
            await house.stop.rest(IDLE_SECONDS)
