"""What a mail costs as the session goes on for months: clerkd's bounded session against the naive loop, in one run.

The naive loop is one session that is never rotated, and compacted only at the 500,000 tokens that the settings allow at
most: some 600 mails. Both get the same mails, and make the same calls for each; those of an upkeep come on top. The
stand-in counts tokens as a quarter of the characters. The prompt cache is modelled on the calls as they
came: what a call shares with the one before it is read from the cache, all else is written to it. Warm, that holds from
mail to mail; expired, only within a mail's turn. No model's tokenizer and no real cache has a part in this.
"""

import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from daemon.judgement.money import LIST_PRICES, Usage, cost
from daemon.judgement.states import TurnState
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, StandIn, tokens
from daemon.rehearsal.rules import TO_NOTE, TO_SUM_UP, decide
from knowledge import sessions, turns, upkeeps
from tests.bed import PASSWORD, USER, Bed
from tests.bench.rows import Row, report
from tests.faults import Faults

COUNT = 1000
WINDOW = 100  # mails: several whole cycles of a compaction
EARLY = 150  # where the window around the 100th mail ends; the late one ends with the last mail
SECONDS = 3600
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
class Run:
    """What came of one way: tokens by mail (the upkeep's are those of the mail after it), latencies, dollars."""

    tokens: Sequence[int]
    seconds: Sequence[float]
    calls: int
    warm: float
    expired: float
    sessions: int
    compactions: int

    def mean(self, end: int) -> float:
        """Give the mean tokens of the mails of the window that ends there."""
        return statistics.mean(self.tokens[end - WINDOW : end])

    def latency(self, end: int) -> float:
        """Give the median seconds of a turn in the window that ends there."""
        return statistics.median(self.seconds[end - WINDOW : end])


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
        bed.work(len(mails), SECONDS)
    settled = turns.in_state(bed.db, TurnState.SETTLED)
    kept = [row for row in sessions.chain(bed.db) for row in upkeeps.of_session(bed.db, row.id)]
    return Run(
        by_mail(meter.calls),
        [turn.seconds or 0 for turn in settled],
        len(meter.calls),
        meter.dollars(warm=True),
        meter.dollars(warm=False),
        len(sessions.chain(bed.db)),
        sum(row.kind == "compact" and row.state == "done" for row in kept),
    )


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
    early, late = f"{WINDOW} around the {EARLY - WINDOW // 2}th", f"the last {WINDOW} of {COUNT}"
    report(
        [
            Row(
                f"session: tokens of a mail, {late} against the {early}",
                ours.mean(COUNT) / ours.mean(EARLY),
                "x",
                "<= 1.1",
                f"{ours.mean(COUNT):.0f} and {ours.mean(EARLY):.0f} tokens; naive {naive.mean(COUNT):.0f} and "
                f"{naive.mean(EARLY):.0f}; {upkeep}",
            ),
            _share("tokens in all", sum(ours.tokens), sum(naive.tokens), "<= 0.15", "tokens"),
            _share("dollars, warm cache", ours.warm, naive.warm, "-", "dollars"),
            _share("dollars, expired cache", ours.expired, naive.expired, "-", "dollars"),
            Row(
                f"session: turn latency, {late} against the {early}",
                ours.latency(COUNT) / ours.latency(EARLY),
                "x",
                "flat",
                f"medians {ours.latency(COUNT) * 1000:.0f} and {ours.latency(EARLY) * 1000:.0f} ms; naive "
                f"{naive.latency(COUNT) * 1000:.0f} and {naive.latency(EARLY) * 1000:.0f} ms",
            ),
        ]
    )


def _share(what: str, ours: float, naive: float, aim: str, unit: str) -> Row:
    note = f"{ours:,.2f} {unit} against {naive:,.2f}, stand-in's count, {COUNT} mails of 2 KB"
    return Row(f"session: {what}, share of the naive loop's", ours / naive, "x", aim, note)
