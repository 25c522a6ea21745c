"""Promises with a date: when they come up again, and what a decision may say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from daemon.judgement.casework import Promiser
from daemon.judgement.decision import Decision, Escalate

FARTHEST = timedelta(days=3 * 366)
MOST_OPEN = 20  # in a case: what a sender talks the model into must not fill the ledger
MOST_REMINDERS = 3  # in a row, without a mail between: then a person is asked


@dataclass(frozen=True)
class Standing:
    """What a decision's words on promises are held against.

    ``open`` are the numbers of the case's open promises, ``at_hand`` the one that has come up, where the message is
    clerkd's own; ``reminders`` counts such messages since the case's last mail.
    """

    today: date
    open: frozenset[int] = frozenset()
    at_hand: int | None = None
    reminders: int = 0


def comes_up_at(by: str, due: date) -> datetime:
    """Say when a promise comes up: ours on its day, so that there is time to keep it, theirs on the day after."""
    day = due if by == Promiser.US else due + timedelta(days=1)
    return datetime.combine(day, time(), UTC)


def objection(decision: Decision, standing: Standing) -> str | None:
    """Say what in the decision's words on promises cannot be, or None."""
    settled = [item.promise for item in decision.settled]
    unknown = sorted(set(settled) - standing.open)
    if unknown:
        known = ", ".join(map(str, sorted(standing.open))) or "none"
        return f"settled: {unknown[0]} is no open promise of this case; open: {known}"
    if len(set(settled)) < len(settled):
        return "settled: a promise is settled once"
    return _dates(decision, standing) or _numbers(decision, standing, settled)


def _dates(decision: Decision, standing: Standing) -> str | None:
    for promise in decision.promises:
        if standing.at_hand is not None and promise.due == standing.today:
            return f"promises: one that takes another's place needs a later day than today, {standing.today}"
        if promise.due < standing.today:
            return f"promises: {promise.due} has passed; today is {standing.today}"
        if promise.due > standing.today + FARTHEST:
            return f"promises: {promise.due} is too far away; leave it out"
    return None


def _numbers(decision: Decision, standing: Standing, settled: Sequence[int]) -> str | None:
    if decision.promises and len(standing.open) - len(settled) + len(decision.promises) > MOST_OPEN:
        return f"promises: this case would have more than {MOST_OPEN} open ones; settle some, or escalate"
    if standing.at_hand is None:
        return None
    escalated = any(isinstance(action, Escalate) for action in decision.actions)
    if not escalated and standing.at_hand not in settled:
        return f"settled: say what became of promise {standing.at_hand} (kept or dropped), or escalate"
    if decision.promises and standing.reminders >= MOST_REMINDERS:
        return f"promises: this case came up {standing.reminders} times without a mail between; escalate instead"
    return None
