"""The specialists for a person's eyes: to whom cases go, and what that has cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from daemon.judgement.handoffs import OUTSTANDING, HandoffState, Specialist
from daemon.review.log import clean
from knowledge import handoffs
from knowledge.database import Database
from knowledge.handoffs import Balance

NOT_CONFIGURED = "(not configured any more)"


@dataclass(frozen=True)
class Line:
    """One specialist: as configured, if it still is, and what was handed to it so far."""

    name: str
    specialist: Specialist | None
    balance: Balance


def lines(db: Database, specialists: Sequence[Specialist]) -> list[Line]:
    """List the configured specialists and those that once were."""
    known = {each.name: each for each in specialists}
    balances = {each.specialist: each for each in handoffs.balances(db, HandoffState.REPORTED, OUTSTANDING)}
    names = sorted(known.keys() | balances.keys())
    return [Line(name, known.get(name), balances.get(name, Balance(name, 0, 0, 0, 0.0, 0.0))) for name in names]


def table(found: Sequence[Line]) -> Table:
    """Lay them out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Specialist", "Model or address", "Handoffs", "Reports", "Open", "Dollars", "Seconds", "When"):
        grid.add_column(title, justify="left" if title in {"Specialist", "Model or address", "When"} else "right")
    for line in found:
        balance, known = line.balance, line.specialist
        counts = (str(balance.count), str(balance.reported), str(balance.outstanding))
        costs = (f"{balance.dollars:.4f}", f"{balance.seconds:.1f}")
        when = Text(clean(known.when if known else NOT_CONFIGURED))
        grid.add_row(line.name, (known.to or known.model) if known else "-", *counts, *costs, when)
    return grid


def record(line: Line) -> dict[str, Any]:
    """Give one as plain data, for JSON."""
    known = line.specialist
    return {
        "specialist": line.name,
        "configured": known is not None,
        "model": known.model if known else None,
        "when": known.when if known else None,
        "tools": list(known.tools) if known else [],
        "mcp": list(known.servers) if known else [],
        "context": known.context if known else None,
        "to": known.to or None if known else None,
        "handoffs": line.balance.count,
        "reports": line.balance.reported,
        "open": line.balance.outstanding,
        "cost_usd": round(line.balance.dollars, 6),
        "seconds": round(line.balance.seconds, 3),
    }
