"""The daemon ended at each durable step and started again: the state must be that of an undisturbed run."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from daemon.rehearsal.model import StandIn
from daemon.rehearsal.rules import decide
from daemon.settings import load
from knowledge.database import Database
from tests import dovecot
from tests.bed import LOOPBACK, PASSWORD, Bed
from tests.conftest import need
from tests.contract.servers import BARE
from tests.crash.interrupt import LAST
from tests.crash.mailbox import mails, whole_state
from tests.faults import Faults
from tests.integration.test_outlasting import engage

SLICES = 8  # each takes every eighth step, in a run of its own; two workers share them
SECONDS = 90
REPORTS = 1  # comes in as a message of clerkd's own: the outage is handed to somebody who works on a fork
MOMENTS = ("before it leaves", "before its answer")
EVERY = 25  # commands from one cut to the next: more, and a daemon would come to nothing else
COPYING = r" UID (COPY|STORE \S+ \+FLAGS\S* \(\\Deleted)"
SETTINGS = 'handled_flag = "$Clerkd"\nhandled_folder = "Done"\nlargest_mail = 4096\npoll_seconds = 5'


@dataclass
class Workshop:
    """What all runs share: one Dovecot, one stand-in, and one process that has loaded the daemon."""

    root: Path
    server: dovecot.Dovecot
    model: StandIn
    zygote: "subprocess.Popen[str]"
    mails: list[bytes]

    def run(self, name: str, last: int) -> "Run":
        """Prepare a run on a mailbox of its own, that ends at the step."""
        mailbox = f'{SETTINGS}\nuser = "{name}"'
        bed = Bed(self.root / name, self.server, self.model, Faults(), {"mailbox": mailbox})
        bed.prepare()
        engage(bed, name="technical")
        with signed_in(self.server, name) as client:
            for raw in self.mails:
                client.append("INBOX", raw)
        return Run(self, bed, name, last)

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Let the zygote fork a daemon, and wait for its end."""
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(json.dumps(job) + "\n")
        self.zygote.stdin.flush()
        answer: dict[str, Any] = json.loads(self.zygote.stdout.readline())
        return answer


@dataclass
class Run:
    """One mailbox worked by a daemon that is cut off, and by the one that comes after it."""

    shop: Workshop
    bed: Bed
    name: str
    last: int

    def work(self, last: int, **cuts: int | bool | str | list[str]) -> dict[str, Any]:
        """Be a daemon until all is through, or until the step."""
        count = len(self.shop.mails) + REPORTS
        job = cuts | {"config": str(self.bed.config), "last": last, "count": count, "seconds": SECONDS,
               "log": str(self.bed.root / "daemon.log")}  # fmt: skip
        return self.shop.ask(job)

    def keep(self, first: int, every: int) -> tuple[dict[str, Any], list[Path]]:
        """Be a daemon until all is through; give what it would have left if it had ended at each such step."""
        kept = self.bed.root / "kept"
        places = [str(self.bed.state.root), str(self.mail)]
        answer = self.work(0, first=first, keep=every, kept=str(kept), places=places)
        return answer, sorted(kept.iterdir(), key=lambda left: int(left.name))

    def put_back(self, left: Path) -> None:
        """Let the mailbox and the state be as they were left."""
        for place in (self.bed.state.root, self.mail):
            shutil.rmtree(place)
            (left / place.name).rename(place)

    @property
    def mail(self) -> Path:
        """Where the mail server keeps the mailbox."""
        return self.shop.server.root / "mail" / self.name

    def state(self) -> dict[str, Any]:
        """Give the whole state."""
        settings = load(self.bed.config)
        db = Database(self.bed.state.database)
        with signed_in(self.shop.server, self.name) as client:
            state = whole_state(settings, db, client)
        db.close()
        return state


def signed_in(server: dovecot.Dovecot, user: str) -> IMAPClient:
    """Open a mailbox."""
    client = IMAPClient(LOOPBACK, server.imap_port, ssl=False, timeout=10)
    client.login(user, PASSWORD)
    return client


@contextmanager
def open_shop(root: Path, mails: list[bytes], capability: str = "") -> Iterator[Workshop]:
    """Start what all runs share."""
    need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(root), "PYTHONPATH": str(Path.cwd())}
    with tempfile.TemporaryDirectory(prefix="dovecot-") as short, StandIn(decide) as model:
        server = dovecot.Dovecot(Path(short), "anybody", PASSWORD, capability=capability)
        server.start()
        command = [sys.executable, "-m", "tests.crash.zygote"]
        zygote = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            yield Workshop(root, server, model, zygote, mails)
        finally:
            zygote.communicate(timeout=20)
            server.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Open shop on a server that has all that clerkd makes use of."""
    with open_shop(tmp_path_factory.mktemp("every-write"), mails()) as shop:
        yield shop


@pytest.fixture(scope="module")
def undisturbed(shop: Workshop) -> dict[str, Any]:
    """Work the mailbox without a crash, and give the state that it leaves."""
    return whole(shop)


def whole(shop: Workshop) -> dict[str, Any]:
    """Work a mailbox without a crash, and give the state that it leaves."""
    run = shop.run("undisturbed", 0)
    assert run.work(0)["status"] == 0, (run.bed.root / "daemon.log").read_text()
    return run.state()


def end_at(shop: Workshop, undisturbed: dict[str, Any], step: int, **which: str) -> bool:
    """End a daemon at the step and start another; False where the work has fewer steps."""
    run = shop.run(f"step-{step}", step)
    answer = run.work(step, **which)
    if answer["status"] == 0:
        return False
    assert answer["status"] == LAST, (run.bed.root / "daemon.log").read_text()
    assert run.work(0)["status"] == 0, f"step {step}\n{(run.bed.root / 'daemon.log').read_text()}"
    assert run.state() == undisturbed, f"step {step}"
    return True


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "first",
    [pytest.param(part + 1, marks=pytest.mark.xdist_group(f"every write {part % 2}")) for part in range(SLICES)],
)
def test_an_end_at_any_durable_step_loses_and_repeats_nothing(
    shop: Workshop, undisturbed: dict[str, Any], first: int
) -> None:
    """What a daemon leaves that ends at step k, another one brings to the state of one that was never disturbed.

    Every k of the slice: one daemon stands still at each of them, and what it would leave there is kept and worked on.
    """
    run = shop.run(f"slice-{first}", 0)
    answer, left = run.keep(first, SLICES)
    assert answer["status"] == 0, (run.bed.root / "daemon.log").read_text()
    assert run.state() == undisturbed, "standing still is no disturbance"
    assert [int(each.name) for each in left] == list(range(first, answer["steps"] + 1, SLICES))
    for each in left:
        run.put_back(each)
        assert run.work(0)["status"] == 0, f"step {each.name}\n{(run.bed.root / 'daemon.log').read_text()}"
        assert run.state() == undisturbed, f"step {each.name}"


@pytest.mark.exhaustive
@pytest.mark.xdist_group("every write 1")
def test_an_end_at_any_step_of_a_move_by_copy_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """A server without MOVE has a mail copied, then marked as deleted: an end between the two makes no second copy.

    No mail is there twice: of two with the same bytes, the one moved before would pass for the copy of the other.
    """
    different = list(dict.fromkeys(mails()))
    with open_shop(tmp_path, different, capability=BARE) as shop:
        undisturbed, step = whole(shop), 1
        while end_at(shop, undisturbed, step, commands=COPYING):
            step += 1
    moves = sum(kind == "move" for _message, _ordinal, kind, *_ in undisturbed["actions"])
    assert step == 4 * moves + 1  # before and behind the sending of COPY and of STORE


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=pytest.mark.xdist_group(f"every write {first % 2}")) for first in range(EVERY)],
)
def test_a_connection_cut_at_any_command_loses_and_repeats_nothing(
    shop: Workshop, undisturbed: dict[str, Any], first: int, moment: str
) -> None:
    """The connection is cut at every n-th command, whichever that is: the daemon goes on by itself, and ends whole."""
    run = shop.run(f"cut-{first}-{MOMENTS.index(moment)}", 0)
    answer = run.work(0, cut=first, every=EVERY, before=moment == MOMENTS[0])
    assert answer["status"] == 0, (run.bed.root / "daemon.log").read_text()
    assert run.state() == undisturbed
