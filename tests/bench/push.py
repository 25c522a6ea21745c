"""From a mail's delivery to the beginning of its turn: how long nobody does anything about it.

The clock starts before the APPEND is sent and stops when the turn is committed, just before the prompt goes to the
model. Dovecot tells of new mail only 500 ms after it came (a constant of its own): that is taken off its figure.
"""

import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog
from imapclient import IMAPClient

from daemon import app, loop
from daemon.service.stop import Stop
from daemon.service.telemetry import logger
from knowledge import ledger
from tests.bed import LOOPBACK, PASSWORD, USER, Bed, mail, wait_for
from tests.bench.intake import TMPFS
from tests.bench.path import servers
from tests.bench.rows import Row, report
from tests.dovecot import Dovecot
from tests.faults import Faults

DELIVERIES = 100
DOVECOTS_OWN = 0.5


class Ear:
    """Hears the daemon's events, and notes when turns began."""

    def __init__(self) -> None:
        """Nothing has begun."""
        self.begun: list[float] = []

    def __call__(self, _logger: Any, _name: str, event: structlog.typing.EventDict) -> str:  # structlog's own
        """Take an event, and let nothing out."""
        if event["event"] == "turn_opened":
            self.begun.append(time.perf_counter())
        raise structlog.DropEvent


@contextmanager
def at_work(bed: Bed) -> Iterator[None]:
    """Run a daemon in a thread of its own."""
    started = threading.Event()
    end: list[Stop] = []

    async def work() -> None:
        settings = bed.settings
        app.make_room(settings)
        db = app.migrated(bed.state.root)
        end.append(Stop(10))
        house = app.build(settings, db, end[0], logger())
        started.set()
        await loop.run(house)
        db.close()

    running = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: running.run_until_complete(work()))
    thread.start()
    assert started.wait(20)
    try:
        yield
    finally:
        running.call_soon_threadsafe(end[0].request)
        thread.join(30)
        running.run_until_complete(running.shutdown_default_executor())
        running.close()


def deliveries(bed: Bed, ear: Ear) -> list[float]:
    """Deliver mails one after the other, each when the one before is through, and give the seconds until its turn."""
    seconds = []
    with at_work(bed):
        client = IMAPClient(LOOPBACK, bed.server.imap_port, ssl=False, timeout=10)
        client.login(USER, PASSWORD)
        for number in range(DELIVERIES):
            wait_for(lambda number=number: bed.through(number), what=f"mail {number}")  # type: ignore[misc]
            time.sleep(0.1)  # the daemon is back in IDLE: what is measured is an idle service
            begun = time.perf_counter()
            client.append("INBOX", mail(f"Mail {number}", sender=f"p{number}@quill.example"))
            wait_for(lambda number=number: len(ear.begun) > number, what=f"turn {number}")  # type: ignore[misc]
            seconds.append(ear.begun[number] - begun)
        client.logout()
        assert sum(ledger.counts(bed.db).values()) == DELIVERIES
    return seconds


def measure(server: Any, api: int) -> list[float]:  # either server
    """Run a daemon on a mail server, with the stand-in at a port."""
    ear = Ear()
    structlog.configure(processors=[ear])
    with tempfile.TemporaryDirectory(prefix="clerkd-bench-", dir=TMPFS) as name:
        model = SimpleNamespace(url=f"http://127.0.0.1:{api}", seen=[])
        bed = Bed(Path(name), server, model, Faults())  # type: ignore[arg-type]
        bed.sections = {"mailbox": "poll_seconds = 30", "limits": "dollars_per_day = 1000\ndollars_per_month = 1000"}
        bed.root.mkdir(exist_ok=True)
        return deliveries(bed, ear)


def rows(name: str, seconds: list[float], own: float, note: str) -> list[Row]:
    """Give median and 99th percentile, in milliseconds, without the server's own pause."""
    ordered = sorted(1000 * (value - own) for value in seconds)
    p99 = ordered[int(len(ordered) * 0.99) - 1]
    return [
        Row(f"push: {name}, median", statistics.median(ordered), "ms", "-", note),
        Row(f"push: {name}, p99", p99, "ms", "< 50", note),
    ]


def main() -> None:
    """Measure, print and keep the rows."""
    note = f"{DELIVERIES} deliveries, delivery to turn committed"
    with servers(0, 0.0) as served:
        embedded = measure(SimpleNamespace(imap_port=served.imap), served.api)
        with tempfile.TemporaryDirectory(prefix="dovecot-", dir=TMPFS) as short:
            Path(short).chmod(0o755)
            server = Dovecot(Path(short), USER, PASSWORD)
            server.start()
            real = measure(server, served.api)
            server.stop()
    report([*rows("pymap", embedded, 0.0, note), *rows("Dovecot", real, DOVECOTS_OWN, f"{note}; less its own 500 ms")])
