"""A mail's way through the house, on one screen.

1. receive  New mail is committed to the ledger with its raw bytes, before anything happens to it.
2. screen   What a machine wrote is filed by a rule; what cannot be trusted to have one sender is held.
3. brief    The prompt is made of what is known of the person and the case, and of the mail between marks.
4. ask      A turn is committed, then the prompt is put to the one session.
5. decide   The last valid call of ``decide`` counts, once the turn stands in the transcript on the disk.
6. record   ONE transaction writes decision, actions, usage and the session's new head.
7. act      Each action goes out between two commits, SENDING and SENT.
8. settle   A message whose actions are through is done, escalated or held.

Three workers go round side by side, because each waits for something else: the mailbox, the model, the mailbox
again. They share nothing but the ledger, so each can fail and pause by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from daemon.house import House
from daemon.judgement.states import MessageState
from daemon.service.schedule import Tick, ticking
from daemon.steps.act import act, settle_message
from daemon.steps.ask import consult, may_ask
from daemon.steps.orders import obey
from daemon.steps.receive import receive, screened
from daemon.steps.recover import recover, stumbling
from knowledge import ledger, service

WORKERS = ("intake", "desk", "outbox")
IDLE_SECONDS = 1.0


async def run(house: House) -> None:
    """Recover, then work until the house is asked to stop; end the session in good order."""
    recover(house)
    house.systemd.ready()
    with ticking(house.settings.mailbox.poll_seconds, house.stop.ring) as ticks:
        hurry = asyncio.create_task(_hurry(house))
        async with asyncio.TaskGroup() as workers:
            workers.create_task(_intake(house, ticks))
            workers.create_task(_desk(house))
            workers.create_task(_outbox(house))
        hurry.cancel()
    house.systemd.stopping()
    service.stop(house.db, house.generation, house.clock())


async def work(house: House, message_id: int) -> bool:
    """Take one message as far as its decision (2 to 6); one that is past it, or unknown, is left alone."""
    row = ledger.get(house.db, message_id)
    if row is None or row.state != MessageState.RECEIVED:
        return False
    structlog.contextvars.bind_contextvars(message=row.id, case=row.case_id)
    try:
        message = screened(house, row)
        if message is not None:
            await consult(house, row, message)
        settle_message(house, message_id)
    finally:
        structlog.contextvars.unbind_contextvars("message", "case")
    return True


async def _intake(house: House, ticks: asyncio.Queue[Tick]) -> None:
    """1. At every tick, take in what is new."""

    async def take_in() -> bool:
        if ticks.empty():
            return False
        ticks.get_nowait()
        if await receive(house):
            house.stop.ring()
        return True

    await _go_round(house, "intake", take_in)
    await asyncio.to_thread(house.inbox.close)


async def _desk(house: House) -> None:
    """2 to 6. Take the oldest message that is due. This task alone uses the session."""

    async def next_message() -> bool:
        for order in obey(house.db, house.clock):
            house.log.info("order", kind=order.kind, argument=order.argument, state=order.state)
        row = ledger.next_due(house.db, MessageState.RECEIVED, house.clock())
        if row is None or not may_ask(house):
            return False
        with stumbling(house, row):
            await work(house, row.id or 0)
        house.stop.ring()
        return True

    try:
        await _go_round(house, "desk", next_message)
    finally:
        await house.session.close()


async def _outbox(house: House) -> None:
    """7 and 8. Carry out the next action that is due."""
    await _go_round(house, "outbox", lambda: act(house))
    await asyncio.to_thread(house.outbox.close)


async def _hurry(house: House) -> None:
    """Bound the end: a mailbox that does not answer is not waited for longer than the grace."""
    while not house.stop.requested:
        await house.stop.rest(IDLE_SECONDS)
    await asyncio.sleep(house.stop.grace)
    house.inbox.abort()
    house.outbox.abort()


async def _go_round(house: House, worker: str, step: Callable[[], Awaitable[bool]]) -> None:
    """Repeat a step until the house is to stop, resting when there was nothing to do; each round is a beat."""
    while not house.stop.requested:
        house.pulse.beat(worker)
        if not await step():
            await house.stop.rest(IDLE_SECONDS)
