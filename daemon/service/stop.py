"""How the service ends and how it tells systemd: signals, bounded patience, sd_notify and the watchdog."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

FORCED = 130


class Stop:
    """A wish to end. The turn at hand may still finish within ``grace`` seconds."""

    def __init__(self, grace: float) -> None:
        """Nobody wishes to end yet."""
        self.grace = grace
        self._wished = False
        self._bell = asyncio.Event()
        self._limits: set[asyncio.Timeout] = set()

    @property
    def requested(self) -> bool:
        """Say whether the service is to end."""
        return self._wished

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as the wish; a second one ends the process at once (the protocol survives it)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.requested:
            os._exit(FORCED)
        self.request()

    def request(self) -> None:
        """Wish to end: whoever waits with patience has only the grace left."""
        self._wished = True
        self.ring()
        latest = asyncio.get_running_loop().time() + self.grace
        for limit in self._limits:
            limit.reschedule(min(limit.when() or latest, latest))

    def ring(self) -> None:
        """Wake everybody who rests: there is something to do, or the wish to end is there."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def rest(self, seconds: float) -> None:
        """Sleep, or less where the bell rings before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()

    @asynccontextmanager
    async def patience(self, seconds: float) -> AsyncIterator[None]:
        """Allow the block so many seconds; TimeoutError after them, or after the grace once the wish is there."""
        async with asyncio.timeout(min(seconds, self.grace) if self.requested else seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)


class Systemd:
    """Speaks sd_notify(3) where ``$NOTIFY_SOCKET`` is set, else does nothing."""

    def __init__(self) -> None:
        """Look where systemd listens, and how often it wants to hear (in seconds, 0: not at all)."""
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000

    def ready(self) -> None:
        """Say that the service works."""
        self._say("READY=1")

    def status(self, words: str) -> None:
        """Say in a line what it does; shown by ``systemctl status``."""
        self._say(f"STATUS={words}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._say("STOPPING=1")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto(words.encode(), address)


class Pulse:
    """Feeds the watchdog from the workers' own progress: one that stands still stops the feeding."""

    def __init__(self, feed: Callable[[], None], workers: tuple[str, ...], longest: float, every: float = 5.0) -> None:
        """``longest`` is how many seconds a worker may take between two beats; ``feed`` runs ``every`` so many."""
        self._feed = feed
        self._longest = longest
        self._every = every
        self._beats = dict.fromkeys(workers, time.monotonic())
        self._fed = float("-inf")

    def beat(self, worker: str) -> None:
        """Note that a worker got on, and feed the watchdog if all of them did lately."""
        now = time.monotonic()
        self._beats[worker] = now
        if now - self._fed >= self._every and all(now - beat <= self._longest for beat in self._beats.values()):
            self._fed = now
            self._feed()
