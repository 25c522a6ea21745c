"""Working hours: when mail may leave, by the clock on the wall of where the employee works."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

ALWAYS_OPEN: tuple[int, ...] = ()


@dataclass(frozen=True)
class Hours:
    """The days (0 is Monday) and times of work; without days there is no hour in which nothing may leave.

    ``ends`` before ``starts`` is the next day; ``holidays`` are days on which no work begins.
    """

    days: Sequence[int] = ALWAYS_OPEN
    starts: time = time(0)
    ends: time = time(0)
    zone: tzinfo = UTC
    holidays: frozenset[date] = frozenset()

    def are_on(self, now: datetime) -> bool:
        """Say whether it is a working hour."""
        if not self.days:
            return True
        today = now.astimezone(self.zone).date()
        return any(start <= now < end for start, end in map(self._shift, (today - timedelta(days=1), today)) if start)

    def _shift(self, day: date) -> tuple[datetime | None, datetime]:
        """Give begin and end of the work that begins on a day; None for the begin where none does."""
        begins = datetime.combine(day, self.starts, self.zone)
        last = day + timedelta(days=1) if self.ends <= self.starts else day
        ends = datetime.combine(last, self.ends, self.zone)
        if day.weekday() not in self.days or day in self.holidays:
            return None, ends.astimezone(UTC)
        # In UTC, for two times of one zone are compared by their clocks, and these are set back once a year.
        return begins.astimezone(UTC), ends.astimezone(UTC)
