"""Wall time for a message: the daemon's whole path against a bare client loop with the same API calls.

Both put the same prompts, with the same tools, to the same stand-in in the same run, taking turns. The bare loop
has no mailbox, no ledger, no fsync and no drafts. What is measured begins with the first prompt and ends with the
last result (bare) or the last settled message (daemon).
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from claude_agent_sdk import ClaudeSDKClient

from daemon import app
from daemon.agent.session import Session, _once
from daemon.agent.tools import Desk, Reads
from daemon.judgement.facts import Sheet
from daemon.judgement.promises import Standing
from daemon.judgement.states import TurnState
from knowledge import turns
from tests.bed import Bed, is_through
from tests.bench.rows import Row, report
from tests.faults import Faults

ROUNDS = 3


@dataclass
class Servers:
    """The process with the servers."""

    process: subprocess.Popen[str]
    imap: int
    api: int

    def calls(self) -> int:
        """Say how many API calls there were since the last look."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline())["calls"])


@contextmanager
def servers(count: int, seconds: float) -> Iterator[Servers]:
    """Start the servers with a full mailbox."""
    words = [sys.executable, "-m", "tests.bench.servers", str(count), str(seconds)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    ports = json.loads(process.stdout.readline())
    try:
        yield Servers(process, ports["imap"], ports["api"])
    finally:
        process.communicate(timeout=20)


def daemon_round(root: Path, served: Servers, count: int) -> tuple[float, list[str], int]:
    """Work the mailbox with the daemon: seconds a message, the prompts, and the number of API calls."""
    model = SimpleNamespace(url=f"http://127.0.0.1:{served.api}", seen=[])
    bed = Bed(root, SimpleNamespace(imap_port=served.imap), model, Faults())  # type: ignore[arg-type]
    bed.sections = {"mailbox": "poll_seconds = 30", "limits": "dollars_per_day = 1000\ndollars_per_month = 1000"}
    bed.run(lambda db: is_through(db, count), 600)
    settled = turns.in_state(bed.db, TurnState.SETTLED)
    ended = max(entry.message.updated_at for entry in bed.entries)
    seconds = (ended - min(turn.started_at for turn in settled)).total_seconds() / count
    return seconds, [turn.prompt for turn in settled], served.calls()


def bare_round(root: Path, served: Servers, prompts: list[str]) -> tuple[float, int]:
    """Put the same prompts to a bare client: seconds a message, and the number of API calls."""
    model = SimpleNamespace(url=f"http://127.0.0.1:{served.api}", seen=[])
    settings = Bed(root, SimpleNamespace(imap_port=served.imap), model, Faults()).settings  # type: ignore[arg-type]
    seconds = asyncio.run(_bare(Session(app.engine_of(settings), desk := app.desk_of(settings)), desk, prompts))
    return seconds / len(prompts), served.calls()


async def _bare(session: Session, desk: Desk, prompts: list[str]) -> float:
    session._prepare()
    async with ClaudeSDKClient(session._options(str(uuid.uuid4()), None)) as client:
        started = time.monotonic()
        for prompt in prompts:
            desk.begin(Reads(str, str, str, str, Standing(date(2026, 11, 21)), Sheet(), ""))
            await client.query(_once(str(uuid.uuid4()), prompt))
            async for _message in client.receive_response():
                pass
        seconds = time.monotonic() - started
    return seconds  # noqa: RET504 - by its type, the client may swallow an error


def compare(count: int, seconds: float) -> tuple[float, float, int, int]:
    """Take turns, and give the medians in seconds a message and the API calls of a round of each."""
    ours, theirs, calls = [], [], (0, 0)
    for _ in range(ROUNDS):
        with (
            servers(count, seconds) as served,
            tempfile.TemporaryDirectory() as one,
            tempfile.TemporaryDirectory() as two,
        ):
            mine, prompts, my_calls = daemon_round(Path(one), served, count)
            bare, bare_calls = bare_round(Path(two), served, prompts)
            ours.append(mine)
            theirs.append(bare)
            calls = (my_calls, bare_calls)
    return statistics.median(ours), statistics.median(theirs), *calls


def main() -> None:
    """Measure with a stand-in that answers at once, and with one that takes half a second."""
    rows = []
    for name, count, seconds in (("path", 60, 0.0), ("path_with_thinking", 12, 0.5)):
        ours, bare, our_calls, bare_calls = compare(count, seconds)
        note = (
            f"{ours * 1000:.1f} ms a message against {bare * 1000:.1f} ms; {count} mails, {our_calls} and {bare_calls} "
            f"API calls, stand-in takes {seconds:g} s an answer; median of {ROUNDS}"
        )
        rows.append(Row(name, ours / bare, "daemon / bare client", "<= 1.10", note))
    report(rows)
