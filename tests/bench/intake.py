"""Wall time of the intake against mbsync: an old mailbox as a whole, and ten new mails in a full one.

Both read the same mailbox from the same Dovecot, taking turns, and write to tmpfs: on a disk, the disk decides. The
daemon's own step ``receive`` is what is measured: fetch, keep the raw bytes, one transaction a batch. mbsync is a
whole run of the program, connection included, as one would call it; the daemon's connection is open where ten new
mails come, since that is its everyday work.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import structlog

from daemon import app, runs
from daemon.house import House
from daemon.mail.imap import Account, Imap, Pass
from daemon.service.stop import Stop
from daemon.service.telemetry import logger
from daemon.steps.receive import receive
from knowledge import ledger
from tests.bed import PASSWORD, USER, Bed
from tests.bench.corpus import corpus
from tests.bench.rows import Row, report
from tests.dovecot import Dovecot
from tests.faults import Faults

TMPFS = Path("/dev/shm")  # the point of it
ROUNDS, FEW = 3, 10
CONFIG = """\
IMAPAccount far
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None

IMAPStore far
Account far

MaildirStore near
Path {root}/
Inbox {root}/INBOX

Channel all
Far :far:
Near :near:
Sync Pull
Create Near
SyncState *
"""


@dataclass
class Reader:
    """A daemon that does nothing but take mail in."""

    house: House
    loop: asyncio.AbstractEventLoop

    def take_in(self) -> float:
        """Receive what is new, and give the seconds."""
        begun = time.perf_counter()
        assert self.loop.run_until_complete(receive(self.house, self.house.watches[0]))
        return time.perf_counter() - begun

    def count(self) -> int:
        """Say how many messages are in the ledger."""
        return sum(ledger.counts(self.house.db).values())


@contextmanager
def reader(root: Path, server: Dovecot, since: str) -> Iterator[Reader]:
    """Set a daemon up on tmpfs."""
    model = SimpleNamespace(url="http://127.0.0.1:9", seen=[])
    root.mkdir()
    bed = Bed(root, server, model, Faults(), {"mailbox": f'since = "{since}"\ntimeout_seconds = 60'})  # type: ignore[arg-type]
    db = bed.db
    runs.bring_up_to_date(db)
    loop = asyncio.new_event_loop()
    house = app.build(bed.settings, db, Stop(10), logger())
    house.health.begin()
    try:
        yield Reader(house, loop)
    finally:
        house.watches[0].source.close()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        db.close()
        shutil.rmtree(root)


def mbsync(root: Path, server: Dovecot) -> float:
    """Run mbsync, and give the seconds."""
    root.mkdir(exist_ok=True)
    config = root / "mbsyncrc"
    config.write_text(CONFIG.format(port=server.imap_port, user=USER, password=PASSWORD, root=root))
    begun = time.perf_counter()
    subprocess.run(["mbsync", "--quiet", "--config", str(config), "all"], check=True, capture_output=True)
    return time.perf_counter() - begun


def fill(server: Dovecot, count: int, seed: int) -> None:
    """Put mails into the server's Maildir, as a delivery agent does."""
    box = server.maildir / "new"
    for number, raw in enumerate(corpus(count, seed)):
        name = f"{1_767_600_000 + number}.M{seed}P{number}.bench"
        (server.maildir / "tmp" / name).write_bytes(raw)
        (server.maildir / "tmp" / name).chmod(0o666)
        (server.maildir / "tmp" / name).rename(box / name)


def settle(server: Dovecot, expected: int) -> None:
    """Wait until Dovecot has taken note of all that was put into its Maildir."""
    account = Account("127.0.0.1", server.imap_port, "none", USER, lambda: Pass(PASSWORD), 60)
    imap = Imap(account)
    imap.select("INBOX")
    assert len(imap.new_uids(0)) == expected
    imap.close()


def whole(root: Path, server: Dovecot, count: int) -> tuple[float, float]:
    """Take a whole mailbox in, by either."""
    ours, theirs = [], []
    for number in range(ROUNDS):
        with reader(root / f"daemon{number}", server, "all") as one:
            ours.append(one.take_in())
            assert one.count() == count
        theirs.append(mbsync(root / f"mbsync{number}", server))
        shutil.rmtree(root / f"mbsync{number}")
    return statistics.median(ours), statistics.median(theirs)


def few(root: Path, server: Dovecot, count: int) -> tuple[float, float]:
    """Take ten new mails of a full mailbox in, by either."""
    ours, theirs = [], []
    mbsync(root / "mbsync", server)
    with reader(root / "daemon", server, "new") as one:
        one.take_in()
        for number in range(ROUNDS):
            fill(server, FEW, seed=100 + number)
            count += FEW
            settle(server, count)
            ours.append(one.take_in())
            assert one.count() == FEW * (number + 1)
            theirs.append(mbsync(root / "mbsync", server))
    return statistics.median(ours), statistics.median(theirs)


def measure(count: int, task: Callable[[Path, Dovecot, int], tuple[float, float]]) -> tuple[float, float]:
    """Set a Dovecot with so many mails up on tmpfs, and measure."""
    with tempfile.TemporaryDirectory(prefix="clerkd-bench-", dir=TMPFS) as name:
        root = Path(name)
        root.chmod(0o755)
        server = Dovecot(root / "dovecot", USER, PASSWORD)
        server.start()
        try:
            settle(server, 0)
            fill(server, count, seed=1)
            settle(server, count)
            return task(root, server, count)
        finally:
            server.stop()


def main() -> None:
    """Measure, print and keep the rows."""
    if not shutil.which("mbsync"):
        sys.exit("mbsync is not installed (Debian: isync)")
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    rows = []
    for name, count, task, aim in (
        ("10,000 messages", 10_000, whole, "<= 2.0"),
        ("10 new in 10,000", 10_000, few, "<= 1.0"),
        ("10 new in 100,000", 100_000, few, "<= 1.0"),
    ):
        ours, theirs = measure(count, task)
        note = f"clerkd {ours:.3f} s, mbsync {theirs:.3f} s; tmpfs, median of {ROUNDS}"
        rows.append(Row(f"intake: {name}", ours / theirs, "x mbsync", aim, note))
    report(rows)
