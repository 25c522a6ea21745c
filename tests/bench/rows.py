"""A bench's rows: printed as one table, and added to build/bench.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

FILE = Path("build/bench.json")


@dataclass(frozen=True)
class Row:
    """One figure; ``aim`` is what it should be, in words."""

    name: str
    value: float
    unit: str
    aim: str
    note: str


def report(rows: list[Row]) -> None:
    """Print the rows, and put them in the place of older rows of the same names."""
    table = Table("bench", "value", "unit", "aim", "note")
    for row in rows:
        table.add_row(row.name, f"{row.value:.3f}", row.unit, row.aim, row.note)
    Console(width=150).print(table)
    kept = json.loads(FILE.read_text()) if FILE.exists() else []
    names = {row.name for row in rows}
    FILE.parent.mkdir(exist_ok=True)
    fresh = [*(row for row in kept if row["name"] not in names), *map(asdict, rows)]
    FILE.write_text(json.dumps(fresh, indent=1, ensure_ascii=False) + "\n")
