"""What a mail costs as the session goes on for months: clerkd's bounded session against the naive loop, in one run.

The naive loop is one session that is never rotated, and compacted only at the 500,000 tokens that the settings allow at
most: some 600 mails. That, and that its engine is not started anew for each mail, spares it costs. Both get the same
mails, and make the same number of calls for them (a row says so); those of an upkeep come on top. The stand-in counts
tokens as a quarter of the characters. The prompt cache is modelled on the calls as they came: what a call shares with
the one before it is read from the cache, all else is written to it. Warm, that holds from mail to mail; expired, only
within a mail's turn. No model's tokenizer and no real cache has a part in this.

The service runs as people run it, in a process of its own, so that its memory and the engine's can be told.
``python -m tests.bench session_long`` works ten times as many mails in our way alone: the naive loop would take hours.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import func
from sqlmodel import select

from daemon.judgement.money import LIST_PRICES, Usage, cost
from daemon.judgement.states import TurnState
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, StandIn, tokens
from daemon.rehearsal.rules import TO_NOTE, TO_SUM_UP, decide
from knowledge import sessions, turns, upkeeps
from knowledge.tables import Turn
from tests.bed import PASSWORD, USER, Bed, end
from tests.bench.rows import Row, report
from tests.faults import Faults

COUNT = 1000
WINDOW = 100  # mails: several whole cycles of a compaction
EARLY = 150  # where the window around the 100th mail ends; the late one ends with the last mail
LONG = 10_000
SECONDS = 10_800
LOOK_SECONDS = 1
PRICES = LIST_PRICES["claude-sonnet-5"]
CAPS = "dollars_per_turn = 5\ndollars_per_day = 100000\ndollars_per_month = 100000"
NAIVE = (
    "compact_at_tokens = 500000\nrotate_at_tokens = 800000\nmost_messages = 1000000\nmost_megabytes = 10000\n"
    'most_dollars = 100000\nquiet_hours = ""'
)


MAIL, UPKEEP = "mail", "upkeep"


@dataclass(frozen=True)
class Call:
    """One call of the API: its tokens, how the conversation begins, and what opens with the call, if anything."""

    tokens: int
    written: int
    head: str
    opens: str


@dataclass
class Meter:
    """A stand-in that keeps the figures of each call, not the calls."""

    model: StandIn | None = None
    calls: list[Call] = field(default_factory=list)

    def __call__(self, body: Body) -> Answer:
        """Decide as the stand-in does."""
        answer = decide(body)
        users = [json.dumps(message) for message in body["messages"] if message["role"] == "user"]
        spoken = tokens({key: body.get(key) for key in ("system", "tools", "messages")})
        self.calls.append(Call(spoken, tokens(answer.blocks), users[0][:2000], _opening(users[-1])))
        if self.model:
            self.model.seen.clear()
        return answer

    def dollars(self, *, warm: bool) -> float:
        """Price all calls."""
        spent, before = 0.0, None
        for call in self.calls:
            shared = before is not None and before.head == call.head and (warm or call.opens != MAIL)
            read = min(before.tokens, call.tokens) if shared and before else 0
            used = Usage(0, call.written, read, call.tokens - read)
            spent, before = spent + cost(used, PRICES), call
        return spent


@dataclass(frozen=True)
class Memory:
    """What the service and its engine took, in megabytes, when so many mails were through."""

    mails: int
    service: float
    engine: float


@dataclass(frozen=True)
class Run:
    """What came of one way: tokens by mail (the upkeep's are those of the mail after it), latencies, dollars."""

    tokens: Sequence[int]
    seconds: Sequence[float]
    calls: int
    for_mails: int
    warm: float
    expired: float
    sessions: int
    compactions: int
    memory: Sequence["Memory"]

    def mean(self, last: int) -> float:
        """Give the mean tokens of the mails of the window that ends there."""
        return statistics.mean(self.tokens[last - WINDOW : last])

    def latency(self, last: int) -> float:
        """Give the median seconds of a turn in the window that ends there."""
        return statistics.median(self.seconds[last - WINDOW : last])

    def peak(self, last: int) -> tuple[float, float]:
        """Give the most that service and engine took in the window that ends there."""
        seen = [each for each in self.memory if last - WINDOW <= each.mails <= last]
        return max(each.service for each in seen), max(each.engine for each in seen)


def letters(count: int) -> list[bytes]:
    """Write mails of 2 KB by 200 people, each on a matter of its own."""
    return [_letter(number) for number in range(count)]


def _letter(number: int) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"p{number % 200}@quill.example", USER, f"Question {number}"
    mail["Message-ID"] = f"<{number}@quill.example>"
    mail.set_content(f"When do you open on day {number}? " + "We would like to know it soon. " * 60)
    return mail.as_bytes()


def work(root: Path, session: str, mails: Sequence[bytes]) -> Run:
    """Work all mails in one way."""
    meter = Meter()
    root.mkdir()
    with MailServer(USER, PASSWORD) as server, StandIn(meter) as model:
        meter.model = model
        bed = Bed(root, server, model, Faults(), {"session": session, "limits": CAPS, "mailbox": "poll_seconds = 5"})
        for raw in mails:
            server.deliver(raw)
        memory = serve(bed, len(mails))
    settled = turns.in_state(bed.db, TurnState.SETTLED)
    kept = [row for each in sessions.chain(bed.db) for row in upkeeps.of_session(bed.db, each.id)]
    return Run(
        by_mail(meter.calls),
        [turn.seconds or 0 for turn in settled],
        len(meter.calls),
        calls_for_mails(meter.calls),
        meter.dollars(warm=True),
        meter.dollars(warm=False),
        len(sessions.chain(bed.db)),
        sum(row.kind == "compact" and row.state == "done" for row in kept),
        memory,
    )


def serve(bed: Bed, count: int) -> list[Memory]:
    """Run the service until so many mails are through; look at its memory all the while."""
    bed.prepare()
    process, memory = bed.start(environment={"JOURNAL_STREAM": "1"}), []
    try:
        latest = time.monotonic() + SECONDS
        while not bed.through(count):
            time.sleep(LOOK_SECONDS)
            engines = [number for number in children_of(process.pid) if "claude" in command_of(number)]
            memory.append(Memory(_settled(bed), resident(process.pid), sum(map(resident, engines))))
            assert time.monotonic() < latest, bed.log_text[-2000:]
    finally:
        end(process)
    return memory


def _settled(bed: Bed) -> int:
    """Count the turns that are settled; to load ten thousand of them at each look would be felt by what is measured."""
    with bed.db.read() as session:
        return session.exec(select(func.count()).where(Turn.state == TurnState.SETTLED)).one()


def children_of(process: int) -> list[int]:
    """Give the processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def command_of(process: int) -> str:
    """Give what a process runs."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


def resident(process: int) -> float:
    """Give the megabytes of memory that a process takes now (VmRSS)."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def by_mail(calls: Sequence[Call]) -> list[int]:
    """Add up the tokens of each mail; what an upkeep used counts to the mail after it."""
    mails: list[int] = []
    pending, where = 0, MAIL
    for call in calls:
        where = call.opens or where
        used = call.tokens + call.written
        if where == UPKEEP:
            pending += used
        elif call.opens:
            mails.append(used + pending)
            pending = 0
        else:
            mails[-1] += used
    return mails


def calls_for_mails(calls: Sequence[Call]) -> int:
    """Count the calls that are no upkeep's."""
    count, where = 0, MAIL
    for call in calls:
        where = call.opens or where
        count += where == MAIL
    return count


def _opening(last: str) -> str:
    if TO_SUM_UP in last or TO_NOTE.search(last):
        return UPKEEP
    return "" if "tool_result" in last else MAIL


def main() -> None:
    """Run both ways on the same mails."""
    mails = letters(COUNT)
    with tempfile.TemporaryDirectory() as place:
        ours, naive = work(Path(place) / "ours", "", mails), work(Path(place) / "naive", NAIVE, mails)
    upkeep = f"{ours.compactions} compactions, {ours.sessions} session(s); {ours.calls} calls, naive {naive.calls}"
    report(
        [
            Row(
                f"session: tokens of a mail, {_windows(COUNT)}",
                ours.mean(COUNT) / ours.mean(EARLY),
                "x",
                "<= 1.1",
                f"{ours.mean(COUNT):.0f} and {ours.mean(EARLY):.0f} tokens; naive {naive.mean(COUNT):.0f} and "
                f"{naive.mean(EARLY):.0f}; {upkeep}",
            ),
            Row(
                "session: calls of the API for the mails",
                ours.for_mails / naive.for_mails,
                "x",
                "1",
                f"{ours.for_mails} and {naive.for_mails}; what keeps a session small comes on top",
            ),
            _share("tokens in all", sum(ours.tokens), sum(naive.tokens), "<= 0.15", "tokens"),
            _share("dollars, warm cache", ours.warm, naive.warm, "-", "dollars"),
            _share("dollars, expired cache", ours.expired, naive.expired, "-", "dollars"),
            Row(
                f"session: turn latency, {_windows(COUNT)}",
                ours.latency(COUNT) / ours.latency(EARLY),
                "x",
                "flat",
                f"medians {ours.latency(COUNT) * 1000:.0f} and {ours.latency(EARLY) * 1000:.0f} ms; naive "
                f"{naive.latency(COUNT) * 1000:.0f} and {naive.latency(EARLY) * 1000:.0f} ms",
            ),
            *_memory(ours, COUNT, naive),
        ]
    )


def _memory(ours: Run, count: int, naive: Run | None = None) -> list[Row]:
    rows = []
    for place, who in enumerate(("service", "engine")):
        late, early = ours.peak(count)[place], ours.peak(EARLY)[place]
        note = f"most in the window: {late:.0f} and {early:.0f} MB"
        if naive:
            note += f"; naive {naive.peak(count)[place]:.0f} and {naive.peak(EARLY)[place]:.0f} MB"
        rows.append(Row(f"session: memory of the {who} (RSS), {_windows(count)}", late / early, "x", "flat", note))
    return rows


def _windows(count: int) -> str:
    return f"the last {WINDOW} of {count} against the {WINDOW} around the {EARLY - WINDOW // 2}th"


def main_long() -> None:
    """Run our way alone on ten times as many mails."""
    with tempfile.TemporaryDirectory() as place:
        ours = work(Path(place) / "ours", "", letters(LONG))
    tokens_note = f"{ours.mean(LONG):.0f} and {ours.mean(EARLY):.0f} tokens"
    seconds_note = f"medians {ours.latency(LONG) * 1000:.0f} and {ours.latency(EARLY) * 1000:.0f} ms"
    upkeep = f"{ours.compactions} compactions, {ours.sessions} session(s)"
    cost_note = f"{upkeep}; {ours.warm:.2f} dollars with a warm cache, {ours.expired:.2f} with an expired one"
    report(
        [
            Row(
                f"session: tokens of a mail, {_windows(LONG)}",
                ours.mean(LONG) / ours.mean(EARLY),
                "x",
                "<= 1.1",
                f"{tokens_note}; {cost_note}",
            ),
            Row(
                f"session: turn latency, {_windows(LONG)}",
                ours.latency(LONG) / ours.latency(EARLY),
                "x",
                "flat",
                seconds_note,
            ),
            *_memory(ours, LONG),
        ]
    )


def _share(what: str, ours: float, naive: float, aim: str, unit: str) -> Row:
    note = f"{ours:,.2f} {unit} against {naive:,.2f}, stand-in's count, {COUNT} mails of 2 KB"
    return Row(f"session: {what}, share of the naive loop's", ours / naive, "x", aim, note)
