"""Which escalation a person is told of at once: what makes it urgent are facts, never the employee's word for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

OVERDUE, DUE = "a promise was due on {}", "a promise is due on {}"
VIP, UNPROVEN = "from {}", "from {}, as From says; nobody vouches for it"
SHARED = "{} senders have it: {}"


@dataclass(frozen=True)
class Alarms:
    """What is urgent.

    Mail of these addresses and domains, a promise of ours due within so many days, an issue that so many senders share.
    """

    vips: Sequence[str] = ()
    deadline_days: int = 1
    issue_senders: int = 5


@dataclass(frozen=True)
class Escalated:
    """An escalated mail: who wrote it, and whether their domain vouches for that.

    ``due`` is when the soonest open promise of ours in its case is due, ``issues`` names those of its case, each with
    the number of senders who have it.
    """

    sender: str
    authentic: bool
    due: date | None = None
    issues: Sequence[tuple[str, int]] = ()


def reasons(mail: Escalated, alarms: Alarms, today: date) -> list[str]:
    """Say what makes it urgent; nothing where it can wait for the digest."""
    return list(_reasons(mail, alarms, today))


def _reasons(mail: Escalated, alarms: Alarms, today: date) -> Iterator[str]:
    if is_vip(mail.sender, alarms.vips):
        yield (VIP if mail.authentic else UNPROVEN).format(mail.sender)
    if mail.due and mail.due <= today + timedelta(days=alarms.deadline_days):
        yield (OVERDUE if mail.due < today else DUE).format(mail.due)
    for name, senders in mail.issues:
        if senders >= alarms.issue_senders:
            yield SHARED.format(senders, name)


def is_vip(address: str, vips: Sequence[str]) -> bool:
    """Say whether an address, or its domain, is one of these."""
    lower = address.lower()
    return bool(lower) and any(vip.lower() in (lower, lower.rpartition("@")[2]) for vip in vips)
