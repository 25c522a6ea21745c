"""Costs and caps: a turn whose reservation would break a cap never begins."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.money import LIST_PRICES, Budget, Exhausted, Prices, Usage, cost, exhausted, windows
from tests.judgement.samples import NOW

BUDGET = Budget(per_turn=0.5, per_day=20, per_month=300)
MONEY = st.floats(min_value=0, max_value=1e6, allow_nan=False)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis takes naive bounds


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(), 0),
        (Usage(input_tokens=1_000_000), 2),
        (Usage(output_tokens=1_000_000), 10),
        (Usage(cache_read_tokens=1_000_000), 0.2),
        (Usage(cache_write_tokens=1_000_000), 2.5),
        (Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000), 14.7),
    ],
)
def test_it_reckons_each_kind_of_token_at_its_price(usage: Usage, dollars: float) -> None:
    """Prices are for a million tokens."""
    assert cost(usage, Prices(2, 10, 0.2, 2.5)) == pytest.approx(dollars)


@pytest.mark.parametrize("model", list(LIST_PRICES))
def test_every_list_price_is_of_a_known_shape(model: str) -> None:
    """Output costs more than input, and reading the cache less than writing it."""
    prices = LIST_PRICES[model]
    assert 0 < prices.cache_read < prices.input < prices.cache_write < prices.output


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (NOW, datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
        (
            datetime(2027, 1, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
    ],
)
def test_it_gives_the_starts_of_day_and_month(now: datetime, day: datetime, month: datetime) -> None:
    """A window begins at midnight UTC."""
    assert windows(now) == (day, month)


@pytest.mark.parametrize(
    ("today", "this_month", "found"),
    [
        (0, 0, None),
        (19.5, 299.5, None),
        (19.51, 19.51, Exhausted("limits.dollars_per_day", datetime(2026, 11, 3, tzinfo=UTC))),
        (0, 299.51, Exhausted("limits.dollars_per_month", datetime(2026, 12, 1, tzinfo=UTC))),
        (20, 300, Exhausted("limits.dollars_per_month", datetime(2026, 12, 1, tzinfo=UTC))),
    ],
    ids=["nothing spent", "just within both", "day", "month", "both: the longer window counts"],
)
def test_it_names_the_cap_and_the_end_of_its_window(today: float, this_month: float, found: Exhausted | None) -> None:
    """The reservation counts as if it were spent, and reaching a cap exactly does not break it."""
    assert exhausted(BUDGET, today, this_month, NOW) == found


@pytest.mark.parametrize(
    ("now", "ends_at"),
    [
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2027, 1, 31, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_month_ends_on_the_first_of_the_next(now: datetime, ends_at: datetime) -> None:
    """Months of every length end where the next begins."""
    assert exhausted(BUDGET, 0, 300, now) == Exhausted("limits.dollars_per_month", ends_at)


@given(MONEY, MONEY, MONEY, MONEY, MONEY, TIMES)
def test_a_turn_that_is_allowed_never_breaks_a_cap(
    per_turn: float, per_day: float, per_month: float, today: float, this_month: float, now: datetime
) -> None:
    """Where nothing is exhausted, all that is spent and the whole reservation fit into both caps."""
    found = exhausted(Budget(per_turn, per_day, per_month), today, this_month, now)
    assert found or (today + per_turn <= per_day and this_month + per_turn <= per_month)


@given(MONEY, TIMES)
def test_a_window_never_ends_in_the_past(spent: float, now: datetime) -> None:
    """Whoever waits for the end of the window waits for something to come."""
    found = exhausted(Budget(1, 1, 1), spent, spent, now)
    assert found is None or found.ends_at > now


def test_what_calls_used_is_added_and_taken_apart_again() -> None:
    """Each kind of token by itself."""
    first, second = Usage(1, 20, 300, 4000), Usage(5, 60, 700, 8000)
    assert first + second == Usage(6, 80, 1000, 12_000)
    assert (first + second) - first == second


def test_the_context_behind_a_call_is_all_that_was_read_and_written() -> None:
    """Whether it came from the cache or not."""
    assert Usage(1, 20, 300, 4000).context_tokens == 4321
