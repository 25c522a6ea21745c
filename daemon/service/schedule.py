"""The one place that knows APScheduler: it does nothing but put ticks on a queue."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from apscheduler.schedulers.asyncio import AsyncIOScheduler


class Tick(StrEnum):
    """What it is time for."""

    POLL = "poll"


@contextmanager
def ticking(poll_seconds: float, ring: Callable[[], None]) -> Iterator[asyncio.Queue[Tick]]:
    """Put a tick on the queue at once and then at every interval; ticks that nobody took are not piled up."""
    ticks: asyncio.Queue[Tick] = asyncio.Queue(maxsize=1)

    def tick() -> None:
        if ticks.empty():
            ticks.put_nowait(Tick.POLL)
        ring()

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(tick, "interval", seconds=poll_seconds, coalesce=True, misfire_grace_time=None)
    tick()
    scheduler.start()
    try:
        yield ticks
    finally:
        scheduler.shutdown(wait=False)
