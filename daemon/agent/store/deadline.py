"""A deadline for calls that block: who waits goes on after it, whatever the call does.

The limits of a client or a server are not enough: they count what they see, and a server that stands still while its
kernel still answers is waited for without end (measured with PostgreSQL).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from daemon.agent.store.base import StoreError

T = TypeVar("T")


async def in_time(work: Callable[[], T], seconds: float) -> T:
    """Do the work in a thread of its own, which nobody waits for at the end of the process.

    Raises StoreError after so many seconds. The work may still take effect then: the next append must say where it
    goes.
    """
    loop = asyncio.get_running_loop()
    done: Future[T] = Future()

    def perform() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
            done.set_exception(error)

    Thread(target=perform, name="session-store", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(asyncio.wrap_future(done, loop=loop))
    except TimeoutError:
        message = f"the session store does not answer within {seconds:g} seconds"
        raise StoreError(message) from None
