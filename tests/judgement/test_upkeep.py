"""When the session is compacted or rotated."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.upkeep import Bounds, CarryOn, Compact, QuietHours, Rotate, Standing, reclaimed, upkeep

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
BOUNDS = Bounds(
    compact_tokens=40_000,
    rotate_tokens=55_000,
    least_reclaimed=0.5,
    messages=1000,
    age=timedelta(days=10),
    rest=timedelta(hours=24),
    megabytes=50,
    dollars=20,
    quiet=QuietHours(time(2), time(5)),
)
YOUNG = Standing(
    context_tokens=9000,
    messages=10,
    begun_at=NOON - timedelta(days=1),
    last_turn_at=NOON - timedelta(minutes=5),
    transcript_bytes=300_000,
    dollars=0.4,
)


def test_it_carries_on_with_a_session_within_all_bounds() -> None:
    """Nothing is due."""
    assert upkeep(YOUNG, BOUNDS, NOON) == CarryOn()


def test_it_compacts_a_context_that_has_reached_its_bound() -> None:
    """The bound itself counts, and the reason names both figures."""
    full = replace(YOUNG, context_tokens=40_000)
    assert upkeep(full, BOUNDS, NOON) == Compact("its context holds 40000 tokens, of 40000 allowed")
    assert upkeep(replace(full, context_tokens=39_999), BOUNDS, NOON) == CarryOn()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"context_tokens": 55_000}, "its context holds 55000 tokens, of 55000 allowed"),
        ({"messages": 1000}, "messages: 1000 of 1000"),
        ({"begun_at": NOON - timedelta(days=10)}, "age in days: 10 of 10"),
        ({"transcript_bytes": 50_000_000}, "transcript in MB: 50 of 50"),
        ({"dollars": 20.0}, "cost in dollars: 20 of 20"),
        ({"last_turn_at": NOON - timedelta(hours=24)}, "nothing was put to it since 2026-11-01 12:00 UTC"),
        ({"reclaimed": 0.12}, "its last compaction freed 12 % of the context, and at least 50 % was wanted"),
    ],
)
def test_it_rotates_at_each_bound_and_says_which(changes: dict[str, object], why: str) -> None:
    """Each bound is one of its own."""
    assert upkeep(replace(YOUNG, **changes), BOUNDS, NOON) == Rotate(why)  # type: ignore[arg-type]


def test_it_rotates_a_compacted_session_only_where_the_compaction_freed_too_little() -> None:
    """One that freed its share may go on, and be compacted again."""
    assert upkeep(replace(YOUNG, reclaimed=0.5), BOUNDS, NOON) == CarryOn()
    again = upkeep(replace(YOUNG, reclaimed=0.9, context_tokens=41_000), BOUNDS, NOON)
    assert isinstance(again, Compact)


def test_it_rotates_early_in_a_quiet_hour() -> None:
    """At four fifths of a bound, at night only."""
    aged = replace(YOUNG, messages=800)
    assert upkeep(aged, BOUNDS, NIGHT) == Rotate("messages: 800 of 1000, and it is a quiet hour")
    assert upkeep(aged, BOUNDS, NOON) == CarryOn()
    assert upkeep(aged, replace(BOUNDS, quiet=None), NIGHT) == CarryOn()


@pytest.mark.parametrize(
    ("start", "end", "hour", "quiet"),
    [(2, 5, 2, True), (2, 5, 5, False), (22, 4, 23, True), (22, 4, 3, True), (22, 4, 12, False)],
)
def test_quiet_hours_may_go_over_midnight(start: int, end: int, hour: int, *, quiet: bool) -> None:
    """The start belongs to them, the end does not."""
    assert QuietHours(time(start), time(end)).hold(datetime(2026, 11, 2, hour, tzinfo=UTC)) is quiet


@given(
    tokens=st.integers(0, 10**7),
    size=st.integers(0, 10**10),
    dollars=st.floats(0, 10**4),
    days=st.integers(0, 1000),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
)
def test_a_session_without_a_turn_is_never_touched(
    tokens: int, size: int, dollars: float, days: int, now: datetime
) -> None:
    """Else one that is rotated for its age, or in a long rest, would be rotated for ever."""
    fresh = Standing(tokens, 0, now - timedelta(days=days), None, size, dollars, reclaimed=0.0)
    assert upkeep(fresh, BOUNDS, now) == CarryOn()


@given(tokens=st.integers(40_000, 10**7))
def test_a_context_beyond_its_bound_is_never_carried_on(tokens: int) -> None:
    """However large it is, something is done about it before the next turn."""
    assert upkeep(replace(YOUNG, context_tokens=tokens), BOUNDS, NOON) != CarryOn()


@pytest.mark.parametrize(("before", "after", "share"), [(1000, 250, 0.75), (1000, 1000, 0), (1000, 1500, 0), (0, 0, 0)])
def test_what_a_compaction_freed_is_a_share_of_what_there_was(before: int, after: int, share: float) -> None:
    """A context that grew has freed nothing."""
    assert reclaimed(before, after) == share
