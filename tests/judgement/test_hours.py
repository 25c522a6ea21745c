"""Working hours, by the clock on the wall."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from daemon.judgement.hours import Hours

VIENNA = ZoneInfo("Europe/Vienna")
OFFICE = Hours((0, 1, 2, 3, 4), time(8), time(17, 30), VIENNA, frozenset({date(2026, 12, 8)}))
NIGHT = Hours((4,), time(22), time(6), VIENNA)


def at(words: str) -> datetime:
    """Read a time in Vienna."""
    return datetime.fromisoformat(words).replace(tzinfo=VIENNA).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_on"),
    [
        ("2026-11-30 08:00", True),
        ("2026-11-30 07:59:59", False),
        ("2026-11-30 17:29:59", True),
        ("2026-11-30 17:30", False),
        ("2026-11-28 12:00", False),
        ("2026-12-08 12:00", False),
        ("2026-07-01 08:00", True),
    ],
    ids=["begins", "before", "last second", "ends", "Saturday", "holiday", "summer"],
)
def test_it_knows_the_working_hours(moment: str, is_on: bool) -> None:  # noqa: FBT001 - a column of the table
    """Days, times and holidays count as the clock there shows them, in summer and in winter."""
    assert OFFICE.are_on(at(moment)) is is_on


@pytest.mark.parametrize(
    ("moment", "is_on"), [("2026-11-27 23:00", True), ("2026-11-28 05:59", True), ("2026-11-28 06:00", False)]
)
def test_an_end_before_the_start_is_the_next_days(moment: str, is_on: bool) -> None:  # noqa: FBT001 - as above
    """A night's work belongs to the day on which it begins."""
    assert NIGHT.are_on(at(moment)) is is_on


def test_without_days_it_is_always_a_working_hour() -> None:
    """Nothing is configured: nothing is held back."""
    assert Hours().are_on(at("2026-11-28 03:00"))
