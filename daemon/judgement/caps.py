"""How many mails may leave in which time: a loop that nothing else has noticed ends here.

The counts hold for a case and for a recipient alike. What is stamped in the future counts in every window: a clock that
was set back must not open them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Cap:
    """So many mails in so many minutes."""

    mails: int
    minutes: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.mails} mails in {self.minutes} minutes"


CAPS = (Cap(10, 10), Cap(15, 30), Cap(25, 60), Cap(50, 180), Cap(100, 600))
LONGEST = timedelta(minutes=max(cap.minutes for cap in CAPS))


@dataclass(frozen=True)
class Sent:
    """When mails left in the longest window: of the case at hand, and to its sender."""

    in_case: Sequence[datetime] = ()
    to_recipient: Sequence[datetime] = ()


def reached(sent: Sent, now: datetime) -> str:
    """Say which cap one more mail would break; empty where none."""
    for times, whose in ((sent.in_case, "in this case"), (sent.to_recipient, "to this recipient")):
        if cap := _full(times, now):
            return f"limits: {cap} {whose}"
    return ""


def _full(times: Iterable[datetime], now: datetime) -> Cap | None:
    moments = list(times)
    counts = ((cap, sum(now - at < timedelta(minutes=cap.minutes) for at in moments)) for cap in CAPS)
    return next((cap for cap, count in counts if count >= cap.mails), None)
