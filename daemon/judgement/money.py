"""What a turn costs, counted from the usage that the API reports (the session's own total restarts after a kill)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens of one turn, over all of its API calls."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, further: "Usage") -> "Usage":
        """Add what further calls used."""
        return Usage(
            self.input_tokens + further.input_tokens,
            self.output_tokens + further.output_tokens,
            self.cache_read_tokens + further.cache_read_tokens,
            self.cache_write_tokens + further.cache_write_tokens,
        )

    def __sub__(self, earlier: "Usage") -> "Usage":
        """Give what came between two tallies."""
        return Usage(
            self.input_tokens - earlier.input_tokens,
            self.output_tokens - earlier.output_tokens,
            self.cache_read_tokens - earlier.cache_read_tokens,
            self.cache_write_tokens - earlier.cache_write_tokens,
        )

    @property
    def context_tokens(self) -> int:
        """All that the model read and wrote: for one call, the size of the context behind it."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True)
class Prices:
    """US dollars for a million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float


# List prices as the CLI 2.1.329 reckons them (measured: a million tokens of each kind, one call each).
LIST_PRICES: Mapping[str, Prices] = MappingProxyType(
    {
        "claude-sonnet-5": Prices(2.0, 10.0, 0.2, 2.5),
        "claude-opus-5": Prices(5.0, 25.0, 0.5, 6.25),
        "claude-opus-4-8": Prices(5.0, 25.0, 0.5, 6.25),
        "claude-sonnet-4-6": Prices(3.0, 15.0, 0.3, 3.75),
        "claude-haiku-4-5": Prices(1.0, 5.0, 0.1, 1.25),
    }
)


def cost(usage: Usage, prices: Prices) -> float:
    """Give the price of a turn in US dollars."""
    return (
        usage.input_tokens * prices.input
        + usage.output_tokens * prices.output
        + usage.cache_read_tokens * prices.cache_read
        + usage.cache_write_tokens * prices.cache_write
    ) / MILLION


@dataclass(frozen=True)
class Budget:
    """Caps in US dollars; ``per_turn`` is what a turn reserves before it starts and may not exceed."""

    per_turn: float
    per_day: float
    per_month: float


@dataclass(frozen=True)
class Exhausted:
    """The cap that the next turn would break, and when its window ends."""

    cap: str
    ends_at: datetime


def windows(now: datetime) -> tuple[datetime, datetime]:
    """Give the starts of today and of this month, both in UTC."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day.replace(day=1)


def exhausted(budget: Budget, spent_today: float, spent_this_month: float, now: datetime) -> Exhausted | None:
    """Say which cap forbids another turn; the turn's reservation counts as if it were spent."""
    day, month = windows(now)
    if spent_this_month + budget.per_turn > budget.per_month:
        return Exhausted("limits.dollars_per_month", (month + timedelta(days=32)).replace(day=1))
    if spent_today + budget.per_turn > budget.per_day:
        return Exhausted("limits.dollars_per_day", day + timedelta(days=1))
    return None
