"""What a digest tells: what was done, what waits, what was unusual, what it cost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import median

MOST_LISTED = 20
# So much more than on the days before, and at least so many, is worth a line.
TIMES, LEAST_MAILS, LEAST_DOLLARS = 3, 10, 1.0
FOOT = "Nothing is approved by answering this mail: use the pages, or `clerkd review`."


@dataclass(frozen=True)
class Item:
    """Something that needs a person: ``what`` it is, in a line, and where it is looked at."""

    what: str
    path: str


@dataclass(frozen=True)
class Book:
    """All of some hours: counts by category and by kind of action, items, and the same numbers of earlier days."""

    since: datetime
    until: datetime
    received: int
    categories: Mapping[str, int]
    done: Mapping[str, int]
    waiting: Sequence[Item]
    attention: Sequence[Item]
    dollars: float
    dollars_this_month: float
    received_before: Sequence[float] = ()
    dollars_before: Sequence[float] = ()
    walls: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    troubles: Sequence[str] = ()


def is_due(at: time, zone: tzinfo, last: date | None, now: datetime) -> date | None:
    """Give the day whose digest is due; None where it is too early, or it was written already."""
    here = now.astimezone(zone)
    day = here.date() if here.time() >= at else here.date() - timedelta(days=1)
    return day if last is None or day > last else None


def unusual(book: Book) -> list[str]:
    """List what is out of the ordinary."""
    return list(_unusual(book))


def _unusual(book: Book) -> Iterator[str]:
    usual = median(book.received_before) if book.received_before else 0
    if book.received >= max(LEAST_MAILS, TIMES * usual) and book.received_before:
        yield f"{book.received} mails came in; on the days before it was {usual:g}"
    cost = median(book.dollars_before) if book.dollars_before else 0.0
    if book.dollars >= max(LEAST_DOLLARS, TIMES * cost) and book.dollars_before:
        yield f"It cost ${book.dollars:.2f}; on the days before it was ${cost:.2f}"
    if book.walls:
        yield f"{_count(book.walls, 'proposal')} ran into a wall"
    if expired := book.verdicts.get("expired"):
        yield f"{_count(expired, 'proposal')} expired: nobody had said a word on it in time"
    yield from book.troubles


def headline(name: str, book: Book) -> str:
    """Say the most of it in a subject."""
    waits = len(book.waiting) + len(book.attention)
    return f"{name}: {_count(book.received, 'mail')} came in, {waits} for a person"


def text(book: Book, name: str, pages: str, zone: tzinfo) -> str:
    """Write the digest; ``pages`` is the address of the pages."""
    begin, end = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (book.since, book.until))
    cost = f"Cost: ${book.dollars:.4f}, and ${book.dollars_this_month:.2f} this month."
    parts = [
        f"What {name} did from {begin} to {end}.",
        _told(book),
        *_listed("Waiting for a word of yours", book.waiting, pages, "/waiting"),
        *_listed("Held, failed or escalated", book.attention, pages, "/log"),
        "Unusual\n" + "\n".join(f"- {each}" for each in unusual(book) or ["nothing"]),
        cost,
        FOOT,
    ]
    return "\n\n".join(parts)


def alarm(what: str, why: Sequence[str], pages: str, path: str, more: int) -> str:
    """Write what is told at once; ``more`` is how many others may be told so today."""
    rest = f"{more} more can be told so today" if more else "All others of today wait for the digest"
    reasons = "\n".join(f"- {each}" for each in why)
    return f"{what}\n{pages}{path}\n\nUrgent:\n{reasons}\n\n{rest}. {FOOT}"


def _told(book: Book) -> str:
    decided = sum(book.categories.values())
    lines = [f"{_count(book.received, 'mail')} came in, {decided} decided{_named(book.categories)}."]
    lines += [f"Done{_named(book.done)}."] if book.done else []
    lines += [f"Your words{_named(book.verdicts)}."] if book.verdicts else []
    return "\n".join(lines)


def _named(counts: Mapping[str, int]) -> str:
    most = Counter(counts).most_common()
    return ": " + ", ".join(f"{count} {name}" for name, count in most if count) if most else ""


def _listed(title: str, items: Sequence[Item], pages: str, page: str) -> list[str]:
    if not items:
        return []
    lines = [f"{title}: {len(items)}", *(f"- {item.what}\n  {pages}{item.path}" for item in items[:MOST_LISTED])]
    lines += [f"- and {len(items) - MOST_LISTED} more: {pages}{page}"] if len(items) > MOST_LISTED else []
    return ["\n".join(lines)]


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
