"""Trouble that is nobody's crash: a full disk, a locked database, a clock that jumps, a scheduler that stops."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from daemon import app, loop
from daemon.clock import utc_now
from knowledge import ledger, service, sqlite
from knowledge.database import Database
from tests.bed import Bed, is_through, mail
from tests.conftest import need

UNSHARE = shutil.which("unshare")
OUT_OF_ORDER = 75  # EX_TEMPFAIL: systemd starts the service again


def can_mount() -> bool:
    """Say whether this user may mount a tmpfs in a namespace of its own."""
    if UNSHARE is None:
        return False
    command = [UNSHARE, "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.exhaustive
def test_a_full_disk_ends_the_service_in_words_and_loses_nothing(bed: Bed) -> None:
    """The daemon ends with a line and the code for trouble that may pass; with room again, every mail is worked."""
    need(can_mount(), "no mount namespace may be made here (unshare)")
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", "Why? " * 60_000, f"p{number}@quill.example"))
    bed.state.root.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(bed.root), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [str(UNSHARE), "--map-root-user", "--mount", sys.executable, "-m", "tests.crash.cramped", str(bed.config),
         str(bed.state.root), "3"],
        env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["code"], seen["through"], seen["end"]) == (OUT_OF_ORDER, True, 0), seen["words"]
    assert "disk is full" in seen["words"].splitlines()[-1]
    assert len(bed.mails_in("Drafts")) == 3


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database as another program would."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.exhaustive
def test_a_database_that_is_locked_for_a_while_is_waited_for(bed: Bed) -> None:
    """Another program holds the database for a second: nothing is lost, and nothing is done twice."""
    bed.work(0)

    def hold() -> None:
        with locked(bed.state.database):
            time.sleep(1)

    holder = threading.Timer(0.3, hold)
    holder.start()
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    holder.join()
    assert len(bed.mails_in("Drafts")) == 3


@pytest.mark.exhaustive
def test_a_database_that_stays_locked_ends_the_service_and_loses_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon gives up after its patience; started again, it works what was waiting."""
    bed.work(0)
    bed.server.deliver(mail("Mail 0"))
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    with locked(bed.state.database), pytest.raises(OperationalError, match="database is locked"):
        bed.work(1)
    bed.work(1)
    assert len(bed.mails_in("Drafts")) == 1


class Jumping:
    """A clock that is set forward or back while the daemon works."""

    def __init__(self) -> None:
        """Begin with the right time."""
        self.off = timedelta()

    def __call__(self) -> datetime:
        """Tell the time on the wall."""
        return utc_now() + self.off


@pytest.mark.exhaustive
@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["forward", "back"])
def test_a_clock_that_jumps_while_mail_is_worked_stops_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    """The clock is set by a day between two mails; both are worked once."""
    clock = Jumping()
    monkeypatch.setattr(app, "utc_now", clock)
    bed.server.deliver(mail("Before"))

    def until(db: Database) -> bool:
        if is_through(db, 1) and not clock.off:
            clock.off = jump
            bed.server.deliver(mail("After", sender="bo@tern.example"))
        return is_through(db, 2)

    bed.run(until)
    assert len(bed.mails_in("Drafts")) == 2


@pytest.mark.exhaustive
def test_a_pause_ends_when_the_clock_is_set_back(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was to be tried again in a minute is not tried again tomorrow, because the clock has changed."""
    clock = Jumping()
    monkeypatch.setattr(app, "utc_now", clock)
    bed.sections["retry"] = "first_pause_seconds = 60\nlongest_pause_seconds = 60"
    bed.faults.coming = [529]
    bed.server.deliver(mail("Mail 0"))
    bed.run(_back_a_day(clock))
    assert bed.state_of(1) == "done"


def _back_a_day(clock: Jumping) -> Callable[[Database], bool]:
    """Set the clock back as soon as something is paused, and wait for the end of the work."""

    def until(db: Database) -> bool:
        if any(row.paused for row in service.conditions(db)):
            clock.off = timedelta(days=-1)
        return is_through(db, 1)

    return until


@pytest.mark.exhaustive
def test_a_scheduler_that_has_stopped_does_not_stop_the_intake(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks that fail to come, as when the clock was set back, are noticed after two intervals."""

    @contextmanager
    def first_tick_only(jobs: list[tuple[float, Callable[[], None]]]) -> Iterator[None]:
        for _seconds, tick in jobs:
            tick()
        yield

    monkeypatch.setattr(loop, "ticking", first_tick_only)
    monkeypatch.setattr("daemon.mail.imap.idle._is_idling", lambda _client: False)
    monkeypatch.setattr("daemon.steps.receive.LISTEN_SECONDS", 0.2)

    name = bed.settings.mailboxes[0].name
    delivered: list[str] = []

    def until(db: Database) -> bool:
        if not delivered and ledger.cursor(db, name, "INBOX"):
            delivered.append("Late")
            bed.server.deliver(mail("Late"))
        return is_through(db, 1)

    bed.run(until)
    assert bed.state_of(1) == "done"
