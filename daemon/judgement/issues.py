"""Issues that several people share: an outage, a wrong run of invoices. What a turn is told of them, and may say.

Of an issue, others' turns see its category, since when it is, and how many cases have it; its name, which the model
proposed from one sender's mail, only when a person has confirmed it: else one sender's words would reach another.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.judgement.briefing import stamp
from daemon.judgement.decision import Decision
from daemon.judgement.quoting import quoted

MOST_SHOWN = 10
FRESH = timedelta(days=14)  # one that nobody has written of for so long is not told any more
BOTH = "issue: name one that is open, or propose one; not both"


@dataclass(frozen=True)
class Shared:
    """One open issue; ``name`` is empty until a person has confirmed it. ``here``: this case is linked to it."""

    number: int
    category: str
    since: datetime
    cases: int
    name: str = ""
    here: bool = False

    def __str__(self) -> str:
        """Give its line."""
        name = quoted(self.name) if self.name else "(its name is not confirmed yet)"
        here = ", this one among them" if self.here else ""
        return f"[issue {self.number}] {self.category}, since {stamp(self.since)}, {self.cases} case(s){here}: {name}"


def objection(decision: Decision, shown: frozenset[int]) -> str | None:
    """Say what in the decision's words on issues cannot be, or None; ``shown`` are those that the turn was told of."""
    if decision.issue is not None and decision.propose_issue:
        return BOTH
    if decision.issue is not None and decision.issue not in shown:
        known = ", ".join(map(str, sorted(shown))) or "none"
        return f"issue: {decision.issue} is no open issue; open: {known}"
    return None
