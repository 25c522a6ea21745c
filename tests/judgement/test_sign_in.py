"""Who may do what on the pages, and how often somebody may try to sign in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.sign_in import (
    MOST_OF_NAME,
    MOST_OF_NAME_AND_PLACE,
    MOST_OF_PLACE,
    WINDOW,
    Role,
    Try,
    free_at,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ADA, HOME = "ada", "10.0.0.1"


def failures(count: int, user: str = ADA, place: str = HOME, ago: timedelta = timedelta(minutes=1)) -> list[Try]:
    """Make failures, one after the other, the last of them so long ago."""
    return [Try(user, place, NOW - ago - timedelta(seconds=count - at)) for at in range(count)]


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.VIEWER, {Role.VIEWER}), (Role.REVIEWER, {Role.VIEWER, Role.REVIEWER}), (Role.ADMIN, set(Role))],
)
def test_each_role_may_what_those_before_it_may(role: Role, may: set[Role]) -> None:
    """And nothing of those behind it."""
    assert {needed for needed in Role if role.may(needed)} == may


def test_whoever_has_mistyped_may_try_again() -> None:
    """Four failures keep nobody out."""
    assert free_at(failures(MOST_OF_NAME_AND_PLACE - 1), ADA, HOME, NOW) is None


def test_the_fifth_failure_keeps_that_user_out_from_there_until_it_is_old() -> None:
    """The time is that of the failure which lets the count fall below the bound."""
    tries = failures(MOST_OF_NAME_AND_PLACE)
    assert free_at(tries, ADA, HOME, NOW) == tries[0].at + WINDOW
    assert free_at(tries, ADA, "10.0.0.2", NOW) is None
    assert free_at(tries, "bo", HOME, NOW) is None


def test_guesses_from_many_places_keep_the_user_out_everywhere() -> None:
    """One guess a place is still guessing."""
    tries = [one for at in range(MOST_OF_NAME) for one in failures(1, place=f"10.0.1.{at}")]
    assert free_at(tries, ADA, HOME, NOW) is not None
    assert free_at(tries, "bo", HOME, NOW) is None


def test_guesses_of_many_names_keep_the_place_out() -> None:
    """Whoever goes through a list of names is one who guesses."""
    tries = [one for at in range(MOST_OF_PLACE) for one in failures(1, user=f"user {at}")]
    assert free_at(tries, "bo", HOME, NOW) is not None
    assert free_at(tries, "bo", "10.0.0.2", NOW) is None


def test_a_success_wipes_out_the_failures_before_it() -> None:
    """Of the same user and place; those behind it count."""
    tries = [*failures(4), Try(ADA, HOME, NOW - timedelta(seconds=50), succeeded=True), *failures(4, ago=timedelta(0))]
    assert free_at(tries, ADA, HOME, NOW) is None
    mistyped = [each for ago in (9, 6, 3) for each in (*failures(3, ago=timedelta(minutes=ago)),
                Try(ADA, HOME, NOW - timedelta(minutes=ago - 1), succeeded=True))]  # fmt: skip
    assert free_at(mistyped, ADA, HOME, NOW) is None


def test_failures_of_long_ago_do_not_count() -> None:
    """They are forgotten after a quarter of an hour."""
    assert free_at(failures(MOST_OF_PLACE, ago=WINDOW), ADA, HOME, NOW) is None


@given(st.lists(st.tuples(st.sampled_from([ADA, "bo"]), st.sampled_from([HOME, "10.0.0.2"]), st.integers(0, 1_000))))
def test_a_wait_always_ends_within_the_window(rows: list[tuple[str, str, int]]) -> None:
    """Nobody is ever kept out for longer than that after the last failure."""
    tries = [Try(user, place, NOW - timedelta(seconds=ago)) for user, place, ago in rows]
    end = free_at(tries, ADA, HOME, NOW)
    assert end is None or NOW < end <= NOW + WINDOW
