"""The people for a person's eyes."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.review import cases as case_review
from daemon.review import facts as fact_review
from daemon.review.log import clean, when
from knowledge.cases import Summary
from knowledge.people import Known
from knowledge.tables import Fact


def table(found: Sequence[Known]) -> Table:
    """Lay people out."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in ("Person", "Name", "Addresses", "Language", "Mails", "First seen", "Last seen"):
        grid.add_column(title, justify="right" if title in {"Person", "Mails"} else "left")
    for known in found:
        person = known.person
        grid.add_row(
            str(person.id),
            Text(clean(person.name)),
            Text(clean(", ".join(known.addresses))),
            person.language,
            str(known.messages),
            when(person.first_seen_at),
            when(person.last_seen_at),
        )
    return grid


def text(known: Known, names: Sequence[str], cases: Sequence[Summary], facts: Sequence[Fact]) -> RenderableType:
    """Lay out everything about one."""
    person = known.person
    others = [name for name in names if name != person.name]
    lines = [
        f"person {person.id}: {person.name or '(no name)'}, {person.organisation or 'no organisation known'}",
        *([f"also wrote as: {', '.join(others)}"] if others else []),
        f"addresses: {', '.join(known.addresses) or 'none'}",
        f"language: {person.language or 'not known'}; {known.messages} mail(s)",
        f"first seen {when(person.first_seen_at)}, last seen {when(person.last_seen_at)}",
        *([f"merged into person {person.merged_into}"] if person.merged_into else []),
    ]
    tables = [*([case_review.table(cases)] if cases else []), *([fact_review.table(facts)] if facts else [])]
    return Group(*(Text(clean(line)) for line in lines), *tables)


def record(known: Known) -> dict[str, Any]:
    """Give a person as plain data, for JSON."""
    person = known.person
    return {
        "person": person.id,
        "name": person.name,
        "addresses": list(known.addresses),
        "organisation": person.organisation,
        "language": person.language,
        "messages": known.messages,
        "first_seen_at": person.first_seen_at.isoformat(),
        "last_seen_at": person.last_seen_at.isoformat(),
        "merged_into": person.merged_into,
    }


def full_record(known: Known, names: Sequence[str], cases: Sequence[Summary], facts: Sequence[Fact]) -> dict[str, Any]:
    """Give everything about a person as plain data."""
    told = {"cases": list(map(case_review.record, cases)), "facts": list(map(fact_review.record, facts))}
    return {**record(known), "names": list(names), **told}
