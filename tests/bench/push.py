"""From a mail's delivery to the beginning of its turn: how long nobody does anything about it.

The service runs as people run it, in a process of its own. The clock starts before the APPEND is sent and stops when
the turn is committed, just before the prompt goes to the model. Dovecot tells of new mail only 500 ms after it came
(a constant of its own): that is taken off its figure.
"""

import json
import socket
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from imapclient import IMAPClient

from tests.bed import LOOPBACK, PASSWORD, USER, Bed, end, mail, wait_for
from tests.bench.intake import TMPFS
from tests.bench.path import servers
from tests.bench.rows import Row, report
from tests.dovecot import Dovecot
from tests.faults import Faults

DELIVERIES = 100
DOVECOTS_OWN = 0.5


def began(bed: Bed) -> list[float]:
    """Give when turns began, in seconds since 1970, as the service's own events have it."""
    events = [json.loads(line) for line in bed.log_text.splitlines()]
    opened = [event for event in events if event["event"] == "turn_opened"]
    return [datetime.fromisoformat(event["timestamp"]).timestamp() for event in opened]


def deliveries(bed: Bed) -> list[float]:
    """Deliver mails one after the other, each when the one before is through, and give the seconds until its turn."""
    client = IMAPClient(LOOPBACK, bed.server.imap_port, ssl=False, timeout=10)
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 44 ms are this client's own
    client.login(USER, PASSWORD)
    delivered = []
    for number in range(DELIVERIES + 1):
        wait_for(lambda number=number: bed.through(number), what=f"mail {number}")  # type: ignore[misc]
        time.sleep(0.1)  # the daemon is back in IDLE: what is measured is an idle service
        delivered.append(time.time())
        client.append("INBOX", mail(f"Mail {number}", sender=f"p{number}@quill.example"))
        wait_for(lambda number=number: bed.log_text.count('"turn_opened"') > number, what=f"turn {number}")  # type: ignore[misc]
    client.logout()
    return [turn - delivery for turn, delivery in zip(began(bed), delivered, strict=True)]


def measure(server: Any, api: int) -> list[float]:  # either server
    """Run the service on a mail server, with the stand-in at a port."""
    with tempfile.TemporaryDirectory(prefix="clerkd-bench-", dir=TMPFS) as name:
        model = SimpleNamespace(url=f"http://127.0.0.1:{api}", seen=[])
        bed = Bed(Path(name), server, model, Faults())  # type: ignore[arg-type]
        bed.sections = {"mailbox": "poll_seconds = 30", "limits": "dollars_per_day = 1000\ndollars_per_month = 1000"}
        service = bed.start(environment={"JOURNAL_STREAM": "1"})  # events as JSON
        try:
            wait_for(lambda: '"first_start"' in bed.log_text, what="the service")
            return deliveries(bed)
        finally:
            end(service)


def rows(name: str, seconds: list[float], own: float, note: str) -> list[Row]:
    """Give median and 99th percentile, in milliseconds, without the server's own pause.

    The first turn starts the engine, which takes most of a second: it has its own row, and no part in the others.
    """
    first, *others = (1000 * (value - own) for value in seconds)
    ordered = sorted(others)
    p99 = ordered[int(len(ordered) * 0.99) - 1]
    return [
        Row(f"push: {name}, first turn", first, "ms", "-", "delivery to turn committed, with the engine's start"),
        Row(f"push: {name}, median", median(ordered), "ms", "-", note),
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
