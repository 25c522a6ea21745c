"""The one place that knows APScheduler: it does nothing but put ticks on a queue."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from apscheduler.schedulers.asyncio import AsyncIOScheduler


class Tick(StrEnum):
    """What it is time for."""

    POLL = "poll"
    FOLLOW = "follow"


@contextmanager
def ticking(jobs: Sequence[tuple[float, Callable[[], None]]]) -> Iterator[None]:
    """Call each job's tick at once and then at every interval (in seconds); a tick only puts itself on a queue."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for seconds, tick in jobs:
        scheduler.add_job(_in_loop(tick), "interval", seconds=seconds, coalesce=True, misfire_grace_time=None)
        tick()
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _in_loop(tick: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """Make a job that runs in the event loop: a plain function would run in a thread, where queues are not safe."""

    async def job() -> None:
        tick()

    return job
