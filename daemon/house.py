"""What the steps work with: the parts that ``daemon.app`` has wired, and the health of those that can fail."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from daemon.agent.session import Session
from daemon.agent.tools import Desk
from daemon.clock import Clock
from daemon.judgement.retry import Pauses
from daemon.mail.compose import Author
from daemon.mail.inbox import Inbox
from daemon.mail.outbox import Outbox
from daemon.service.stop import Pulse, Stop, Systemd
from daemon.service.telemetry import Log
from daemon.settings import Settings
from knowledge import service
from knowledge.database import Database
from knowledge.tables import Condition


class Part(StrEnum):
    """What can be out of reach for everybody."""

    MODEL = "model"
    MAILBOX = "mailbox"
    BUDGET = "budget"


@dataclass
class Health:
    """Which parts are paused, until when, and why; kept in the database for ``clerkd status``."""

    db: Database
    log: Log
    clock: Clock
    pauses: Pauses
    _conditions: dict[Part, Condition] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin with every part well: whoever restarts the service wants it tried again."""
        for part in Part:
            self._write(Condition(part=part, since=self.clock()))

    def tries(self, part: Part) -> int:
        """Say how often in a row the part has failed."""
        return self._conditions[part].tries

    def is_paused(self, part: Part) -> bool:
        """Say whether the part is to be left alone for now."""
        until = self._conditions[part].retry_at
        return until is not None and self.clock() < until

    def pause(self, part: Part, kind: str, reason: str, until: datetime | None = None) -> datetime:
        """Leave a part alone until then, or for a pause that grows with each failure; one event when it begins."""
        before = self._conditions[part]
        now = self.clock()
        retry_at = until or now + self.pauses.after(before.tries)
        if not before.paused or before.reason != reason:
            self.log.warning("paused", part=part, kind=kind, reason=reason, until=retry_at.isoformat())
        since = before.since if before.paused else now
        self._write(
            Condition(
                part=part, paused=True, kind=kind, reason=reason, tries=before.tries + 1, since=since, retry_at=retry_at
            )
        )
        return retry_at

    def well(self, part: Part) -> None:
        """Note that a part works; one event when a pause ends."""
        before = self._conditions[part]
        if before.paused:
            self.log.info("resumed", part=part, paused_since=before.since.isoformat())
            self._write(Condition(part=part, since=self.clock()))

    def _write(self, condition: Condition) -> None:
        self._conditions[Part(condition.part)] = condition.model_copy()
        service.set_condition(self.db, condition)


@dataclass(frozen=True)
class House:
    """Everything that a step may use. One daemon, one house."""

    settings: Settings
    db: Database
    session: Session
    desk: Desk
    inbox: Inbox
    outbox: Outbox
    author: Author
    health: Health
    stop: Stop
    pulse: Pulse
    systemd: Systemd
    log: Log
    clock: Clock
    generation: int
    orders_digest: str
