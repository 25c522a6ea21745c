"""The numbers of the page: weeks, rates, and what a lesson changed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from daemon.judgement.statistics import (
    Answer,
    Effect,
    Lesson,
    Rate,
    by_week,
    changed,
    effect,
    middle,
    monday,
    weeks,
)

SATURDAY = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_week_begins_on_monday_in_utc() -> None:
    """Whatever zone the time is told in."""
    assert monday(SATURDAY) == date(2026, 11, 23)
    assert monday(datetime.fromisoformat("2026-11-23T00:30+02:00")) == date(2026, 11, 16)


def test_the_last_weeks_end_with_this_one() -> None:
    """In their order."""
    assert weeks(SATURDAY, 3) == [date(2026, 11, 9), date(2026, 11, 16), date(2026, 11, 23)]


def test_rows_are_sorted_into_weeks_and_older_ones_are_left_out() -> None:
    """An empty week stays empty."""
    rows = [SATURDAY, SATURDAY - 7 * DAY, SATURDAY - DAY, SATURDAY - 70 * DAY]
    assert by_week(rows, lambda at: at, weeks(SATURDAY, 3)) == [[], [rows[1]], [rows[0], rows[2]]]


def test_the_middle_of_nothing_is_none() -> None:
    """And of something the median."""
    assert middle([]) is None
    assert middle([3.0, 1.0, 2.0]) == pytest.approx(2.0)


def answers(*verdicts: str, category: str = "question", at: datetime = SATURDAY) -> list[Answer]:
    """Make answers."""
    return [Answer(category, verdict, at) for verdict in verdicts]


def test_edited_and_rejected_are_changed_and_what_expired_does_not_count() -> None:
    """Nobody has looked at what expired."""
    rate = changed(answers("approved", "approved", "edited", "rejected", "expired"))
    assert rate == Rate(2, 4)
    assert rate.share == pytest.approx(0.5)
    assert changed([]).share is None


def test_a_lesson_is_held_against_the_time_before_it_in_its_category() -> None:
    """Other categories, and what is farther away than the span, are left out."""
    lesson = Lesson(1, "question", "Be short.", SATURDAY)
    said = [
        *answers("edited", "approved", at=SATURDAY - DAY),
        *answers("approved", "approved", "rejected", at=SATURDAY + DAY),
        *answers("edited", category="order", at=SATURDAY + DAY),
        *answers("edited", at=SATURDAY - 9 * DAY),
        *answers("edited", at=SATURDAY + 9 * DAY),
    ]
    assert effect(lesson, said, 7 * DAY) == Effect(lesson, Rate(1, 2), Rate(1, 3))
