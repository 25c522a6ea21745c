"""When the one session is compacted, and when a successor takes its place: judged from figures alone.

A session that is only ever appended to costs the square of its mails, for each turn reads all that came before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

EARLY = 0.8  # in a quiet hour a session is rotated at this share of a bound, so that it seldom is by day
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class QuietHours:
    """When nobody waits for the employee, in UTC; an end before the start lies on the next day."""

    start: time
    end: time

    def hold(self, now: datetime) -> bool:
        """Say whether it is such an hour."""
        at = now.time()
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True)
class Bounds:
    """How far a session may grow before it is compacted, and before it is rotated.

    ``least_reclaimed`` is the share of the context that a compaction must free to be worth another one.
    """

    compact_tokens: int
    rotate_tokens: int
    least_reclaimed: float
    messages: int
    age: timedelta
    rest: timedelta
    megabytes: float
    dollars: float
    quiet: QuietHours | None = None


@dataclass(frozen=True)
class Standing:
    """How far a session has grown; ``reclaimed`` is the share that its newest compaction freed, if it had any."""

    context_tokens: int
    messages: int
    begun_at: datetime
    last_turn_at: datetime | None
    transcript_bytes: int
    dollars: float
    reclaimed: float | None = None


@dataclass(frozen=True)
class CarryOn:
    """Nothing is to be done."""


@dataclass(frozen=True)
class Compact:
    """Have the model sum up what it holds, in place."""

    why: str


@dataclass(frozen=True)
class Rotate:
    """Let a successor begin from a handover."""

    why: str


Upkeep = CarryOn | Compact | Rotate


def upkeep(standing: Standing, bounds: Bounds, now: datetime) -> Upkeep:
    """Judge a session between two turns. One without a turn has nothing to be rid of."""
    if standing.messages == 0:
        return CarryOn()
    why = next(_reasons_to_rotate(standing, bounds, now), "")
    if why:
        return Rotate(why)
    if standing.context_tokens >= bounds.compact_tokens:
        return Compact(f"its context holds {standing.context_tokens} tokens, of {bounds.compact_tokens} allowed")
    return CarryOn()


def reclaimed(before: int, after: int) -> float:
    """Give the share of the context that a compaction freed; nothing where it grew, or nothing was measured."""
    return max(0.0, 1 - after / before) if before > 0 else 0.0


def _reasons_to_rotate(standing: Standing, bounds: Bounds, now: datetime) -> Iterator[str]:
    if standing.reclaimed is not None and standing.reclaimed < bounds.least_reclaimed:
        share, least = standing.reclaimed * 100, bounds.least_reclaimed * 100
        yield f"its last compaction freed {share:.0f} % of the context, and at least {least:.0f} % was wanted"
    if standing.context_tokens >= bounds.rotate_tokens:
        yield f"its context holds {standing.context_tokens} tokens, of {bounds.rotate_tokens} allowed"
    is_quiet = bounds.quiet is not None and bounds.quiet.hold(now)
    for what, value, bound in _measures(standing, bounds, now):
        if value >= bound:
            yield f"{what}: {value:.4g} of {bound:.4g}"
        elif is_quiet and value >= EARLY * bound:
            yield f"{what}: {value:.4g} of {bound:.4g}, and it is a quiet hour"
    if standing.last_turn_at and now - standing.last_turn_at >= bounds.rest:
        yield f"nothing was put to it since {standing.last_turn_at:%Y-%m-%d %H:%M UTC}"


def _measures(standing: Standing, bounds: Bounds, now: datetime) -> Iterator[tuple[str, float, float]]:
    day = timedelta(days=1)
    yield "messages", standing.messages, bounds.messages
    yield "age in days", (now - standing.begun_at) / day, bounds.age / day
    yield "transcript in MB", standing.transcript_bytes / MEGABYTE, bounds.megabytes
    yield "cost in dollars", standing.dollars, bounds.dollars
