"""How long a session takes to be resumed and to answer, with a transcript of 1, 10 and 100 MB.

The transcripts are made of one that the engine has written: three mails, a compaction, and another mail. What stands
before the compaction is repeated, with ids of its own, until the size is reached: so they are as long as those of a
session that goes on for months, and end behind a compaction as those do. Beside it the same without one, where the
engine takes up all of it (from 10 MB on, no model's context would).
"""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from daemon import app
from daemon.agent.session import Engine, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head
from daemon.judgement.decision import Latitude
from daemon.judgement.states import OrderState, SessionState
from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, StandIn, text
from daemon.rehearsal.rules import decide
from knowledge import service, sessions
from tests.bed import PASSWORD, USER, Bed, mail
from tests.bench.rows import Row, report
from tests.faults import Faults

MEGABYTE = 1_048_576
SIZES = (1, 10, 100)
ROUNDS = 3
BODY = "We would like to know when you open. " * 50


def written(root: Path, server: MailServer, model: StandIn) -> tuple[Engine, str, list[bytes]]:
    """Work the mails; give the engine, the session's id, and the lines of its transcript up to its head."""
    bed = Bed(root, server, model, Faults())
    for number in range(3):
        server.deliver(mail(f"Mail {number}", BODY, f"p{number}@quill.example"))
    bed.work(3)
    order = service.leave_order(bed.db, "compact", "", OrderState.WAITING, bed.entries[0].message.received_at)
    bed.run(lambda db: (service.order(db, order) or service.orders(db, "")[0]).state == OrderState.DONE)
    server.deliver(mail("Mail 3", BODY, "p3@quill.example"))
    bed.work(4)
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    engine = app.engine_of(bed.settings)
    lines = engine.transcript(live.id).read_bytes()[: live.head_offset].splitlines(keepends=True)
    return engine, live.id, lines


def grown(lines: list[bytes], size: int, *, behind_compaction: bool) -> list[bytes]:
    """Repeat what stands before the compaction until the size is reached."""
    border = next(place for place, line in enumerate(lines) if b'"compact_boundary"' in line)
    block, tail = lines[:border], lines[border:] if behind_compaction else []
    found, total, parent = [], sum(map(len, tail)), None
    while total < size:
        for line in _again(block, parent):
            found.append(line)
            total += len(line)
        parent = next(entry["uuid"] for line in reversed(found) if "uuid" in (entry := json.loads(line)))
    return found + tail


def _again(block: list[bytes], parent: str | None) -> Iterator[bytes]:
    """Give the entries of a block once more, under ids of their own, as what comes behind another entry."""
    ids: dict[str | None, str | None] = {None: parent}
    for line in block:
        entry = json.loads(line)
        if "uuid" in entry:
            ids[entry["uuid"]] = str(uuid.uuid4())
            entry["uuid"], entry["parentUuid"] = ids[entry["uuid"]], ids.get(entry["parentUuid"], parent)
        yield json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def resumed(engine: Engine, name: str, lines: list[bytes]) -> tuple[float, float]:
    """Resume the session and ask it something; give the seconds until it is open, and until it has answered."""
    path = engine.transcript(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    last = next(line for line in reversed(lines) if json.loads(line).get("type") == "assistant")
    end = sum(map(len, lines[: lines.index(last) + 1]))
    session = Session(engine, Desk(Latitude(("question", "other"))))
    started = time.monotonic()
    await session.open(name, Head(json.loads(last)["uuid"], end))
    opened = time.monotonic()
    async for _message in session.put(str(uuid.uuid4()), "Are you there?"):
        pass
    answered = time.monotonic()
    await session.close()
    return opened - started, answered - started


def brief(_body: Body) -> Answer:
    """Answer at once: what is measured is the engine."""
    return Answer((text("Yes."),))


def main() -> None:
    """Measure, print and keep the rows."""
    with tempfile.TemporaryDirectory() as place, MailServer(USER, PASSWORD) as server, StandIn(decide) as model:
        engine, name, lines = written(Path(place), server, model)
        model.rules = brief
        rows = [
            _row(engine, name, model, grown(lines, size * MEGABYTE, behind_compaction=compacted), f"{size} MB, {kind}")
            for compacted, kind in ((True, "behind a compaction"), (False, "never compacted"))
            for size in SIZES
        ]
    report(rows)


def _row(engine: Engine, name: str, model: StandIn, lines: list[bytes], what: str) -> Row:
    times = []
    for number in range(ROUNDS):
        home = engine.home.parent / f"resume-{what}-{number}"
        times.append(asyncio.run(resumed(replace(engine, home=home), name, lines)))
        sent = len(model.seen[-1]["messages"])
        model.seen.clear()
    opened, answered = min(times)
    note = f"best of {ROUNDS}; open after {opened:.2f} s; {sent} messages in the request"
    return Row(f"resume: first answer with a transcript of {what}", answered, "s", "-", note)
