"""What the steps work with: the parts that ``daemon.app`` has wired, and the health of those that can fail."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from daemon.agent.mirror import Mirror
from daemon.agent.session import Session
from daemon.agent.tools import Desk
from daemon.clock import Clock
from daemon.embedding.base import Embedder
from daemon.judgement.handoffs import Specialist
from daemon.judgement.retry import Pauses
from daemon.mail.compose import Author
from daemon.mail.inbox import Batch, Position
from daemon.mail.outbox import Place, Sighting, Trail
from daemon.mail.reader import Reader
from daemon.service.schedule import Tick
from daemon.service.stop import Pulse, Stop, Systemd
from daemon.service.telemetry import Log
from daemon.settings import Mailbox, Settings
from daemon.shelf import Shelf
from knowledge import service
from knowledge.database import Database
from knowledge.tables import Condition

MODEL, BUDGET, READER, SESSION, STORE, FORKS = "model", "budget", "reader", "session", "store", "specialists"
POST = "smtp"
EMPLOYEE = "employee"  # paused by a person, and that outlasts a restart


class Source(Protocol):
    """Where mail comes in: one folder of a mailbox. All calls may block, and but for three belong to one thread."""

    @property
    def pushes(self) -> bool:
        """Say whether new mail is announced."""

    @property
    def connected_at(self) -> datetime | None:
        """Say since when it can be read."""

    def start(self, *, everything: bool) -> Position:
        """Give the position of a first start."""

    def new(self, position: Position) -> Iterator[Batch]:
        """Yield what came behind a position."""

    def listen(self, seconds: float) -> bool:
        """Wait for news."""

    def wake(self) -> None:
        """End ``listen``, from any thread."""

    def abort(self) -> None:
        """Break off any call, from any thread."""

    def close(self) -> None:
        """End the connection."""


class Effects(Protocol):
    """What can be done in a mailbox."""

    def store_draft(self, raw: bytes) -> None:
        """Store a draft."""

    def has_draft(self, message_id: str) -> bool:
        """Look for a draft."""

    def store_sent(self, raw: bytes) -> None:
        """Store a copy of what was sent."""

    def has_sent(self, message_id: str) -> bool:
        """Look for it."""

    def look_for(self, trail: Trail) -> list[Sighting]:
        """Find what became of a draft."""

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag on a mail."""

    def move(self, place: Place, folder: str, *, again: bool = False) -> None:
        """Move a mail; ``again`` where an earlier try may have come half the way."""

    def is_there(self, place: Place) -> bool:
        """Say whether a mail is where it was received."""

    def reconnect(self) -> None:
        """Make the next look one on a new connection."""

    def close(self) -> None:
        """End the connection."""

    def abort(self) -> None:
        """Break off any call, from any thread."""


class Post(Protocol):
    """How mail leaves."""

    def submit(self, recipients: Sequence[str], raw: bytes) -> None:
        """Hand a mail over to whoever carries it on."""


@dataclass(frozen=True)
class Watch:
    """One watched folder: where its mail comes from, and the ticks that say when to look."""

    mailbox: Mailbox
    folder: str
    source: Source
    ticks: asyncio.Queue[Tick] = field(default_factory=lambda: asyncio.Queue(maxsize=1))

    @property
    def part(self) -> str:
        """Its name among what can be out of reach."""
        return f"mailbox {self.mailbox.name} {self.folder}"

    def tick(self) -> None:
        """Say that it is time to look; ticks that nobody took are not piled up."""
        if self.ticks.empty():
            self.ticks.put_nowait(Tick.POLL)
        self.source.wake()

    def taken(self) -> None:
        """Say that the folder was looked into."""
        if not self.ticks.empty():
            self.ticks.get_nowait()


@dataclass(frozen=True)
class Outgoing:
    """What is done in one mailbox, and the ticks that say when to see what became of the drafts there.

    ``drafts`` are the actions (by id) that this round has still to look after: their mails together may be large.
    """

    mailbox: Mailbox
    effects: Effects
    drafts: deque[int] = field(default_factory=deque)
    ticks: asyncio.Queue[Tick] = field(default_factory=lambda: asyncio.Queue(maxsize=1))

    @property
    def part(self) -> str:
        """Its name among what can be out of reach."""
        return f"outbox {self.mailbox.name}"

    def tick(self) -> None:
        """Say that it is time to look."""
        if self.ticks.empty():
            self.ticks.put_nowait(Tick.FOLLOW)


def _well(part: str, now: datetime) -> Condition:
    return Condition(part=part, since=now, set_at=now)


@dataclass
class Health:
    """Which parts are paused, until when, and why; kept in the database for ``clerkd status``."""

    db: Database
    log: Log
    clock: Clock
    pauses: Pauses
    parts: tuple[str, ...]
    _conditions: dict[str, Condition] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin with every part well: whoever restarts the service wants it tried again."""
        service.forget_conditions(self.db, [*self.parts, EMPLOYEE])
        for part in self.parts:
            self._write(_well(part, self.clock()))

    def tries(self, part: str) -> int:
        """Say how often in a row the part has failed."""
        return self._conditions[part].tries

    def is_paused(self, part: str) -> bool:
        """Say whether the part is to be left alone for now; a clock that was set back ends every pause."""
        condition, now = self._conditions[part], self.clock()
        return condition.retry_at is not None and condition.set_at <= now < condition.retry_at

    def pause(self, part: str, kind: str, reason: str, until: datetime | None = None) -> datetime:
        """Leave a part alone until then, or for a pause that grows with each failure; one event when it begins."""
        before = self._conditions[part]
        now = self.clock()
        retry_at = until or now + self.pauses.after(before.tries)
        if not before.paused or before.reason != reason:
            self.log.warning("paused", part=part, kind=kind, reason=reason, until=retry_at.isoformat())
        since = before.since if before.paused else now
        tries = before.tries + 1
        self._write(
            Condition(
                part=part,
                paused=True,
                kind=kind,
                reason=reason,
                tries=tries,
                since=since,
                set_at=now,
                retry_at=retry_at,
            )
        )
        return retry_at

    def well(self, part: str) -> None:
        """Note that a part works; one event when a pause ends."""
        before = self._conditions[part]
        if before.paused:
            self.log.info("resumed", part=part, paused_since=before.since.isoformat())
            self._write(_well(part, self.clock()))

    def _write(self, condition: Condition) -> None:
        self._conditions[condition.part] = condition.model_copy()
        service.set_condition(self.db, condition)


class Records(Protocol):
    """What prompts and reading tools are made of: the knowledge database, now or as it was at an earlier time."""

    @property
    def db(self) -> Database:
        """The knowledge database, or a view of its past."""

    @property
    def settings(self) -> Settings:
        """The config."""

    @property
    def clock(self) -> Clock:
        """The time that goes with it."""

    @property
    def embedder(self) -> Embedder | None:
        """What makes vectors of words, where the config wants them."""


@dataclass(frozen=True)
class House:
    """Everything that a step may use. One daemon, one house.

    ``upkeep`` is set where it is time to see whether the session is still within its bounds, ``promises`` where it is
    time to see whether one is due, ``chain`` where it is time to tell the head of the decision log's chain,
    ``vectors`` where it is time to see whether a passage has none, ``approvals`` where it is time to see whether one
    was waited for too long, ``notices`` where it is time to see whether the supervisor is to be told something,
    ``pieces`` where it is time to see whether the index of words has fallen into many.
    """

    settings: Settings
    db: Database
    session: Session
    mirror: Mirror | None
    desk: Desk
    reader: Reader
    shelf: Shelf
    watches: tuple[Watch, ...]
    outgoing: Mapping[str, Outgoing]
    author: Author
    health: Health
    stop: Stop
    pulse: Pulse
    systemd: Systemd
    log: Log
    clock: Clock
    generation: int
    orders_digest: str
    embedder: Embedder | None = None
    post: Post | None = None
    upkeep: asyncio.Event = field(default_factory=asyncio.Event)
    promises: asyncio.Event = field(default_factory=asyncio.Event)
    chain: asyncio.Event = field(default_factory=asyncio.Event)
    vectors: asyncio.Event = field(default_factory=asyncio.Event)
    approvals: asyncio.Event = field(default_factory=asyncio.Event)
    notices: asyncio.Event = field(default_factory=asyncio.Event)
    pieces: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def persons(self) -> Mapping[str, Specialist]:
        """The specialists who are persons, by name."""
        return {each.name: each for each in self.session.engine.outlasting if each.to}

    @property
    def unreachable(self) -> Sequence[str]:
        """Name the mailboxes in which nothing can be done for now."""
        return [name for name, outgoing in self.outgoing.items() if self.health.is_paused(outgoing.part)]
