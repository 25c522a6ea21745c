"""What the page of numbers says: weeks, rates, and whether a lesson helped."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import TypeVar

WEEK = timedelta(days=7)
CHANGED = ("edited", "rejected")
COUNTED = ("approved", *CHANGED)  # what expires unread says nothing of how good it was
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A person's word on a proposal: on which category, which word, and when."""

    category: str
    verdict: str
    at: datetime


@dataclass(frozen=True)
class Lesson:
    """A lesson that was learnt of a category, and when."""

    number: int
    category: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Rate:
    """So many of so many."""

    some: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nothing."""
        return self.some / self.of if self.of else None


@dataclass(frozen=True)
class Effect:
    """How often answers of a lesson's category had to be changed before it was taught, and how often since."""

    lesson: Lesson
    before: Rate
    after: Rate


def monday(at: datetime) -> date:
    """Give the Monday (UTC) of a moment's week."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def weeks(now: datetime, count: int) -> list[date]:
    """Give the Mondays of the last weeks, this one last."""
    return [monday(now - WEEK * back) for back in reversed(range(count))]


def by_week(rows: Iterable[T], at: Callable[[T], datetime], wanted: Sequence[date]) -> list[list[T]]:
    """Sort rows into weeks; what is of none of these is left out."""
    found: dict[date, list[T]] = {week: [] for week in wanted}
    for row in rows:
        if (week := monday(at(row))) in found:
            found[week].append(row)
    return list(found.values())


def middle(values: Sequence[float]) -> float | None:
    """Give the median; None of nothing."""
    return median(values) if values else None


def changed(answers: Iterable[Answer]) -> Rate:
    """Count the proposals that a person edited or rejected, of all that a person said a word on."""
    counts = Counter(each.verdict for each in answers)
    return Rate(sum(counts[word] for word in CHANGED), sum(counts[word] for word in COUNTED))


def effect(lesson: Lesson, answers: Sequence[Answer], span: timedelta) -> Effect:
    """Compare the time before a lesson with the time since, each as long as ``span`` at most."""
    theirs = [each for each in answers if each.category == lesson.category]
    before = changed(each for each in theirs if lesson.at - span <= each.at <= lesson.at)
    return Effect(lesson, before, changed(each for each in theirs if lesson.at < each.at <= lesson.at + span))
