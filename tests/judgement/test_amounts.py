"""Sums of money, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.amounts import largest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("We refund 49.90 EUR.", 49.9),
        ("We refund €49,90.", 49.9),
        ("EUR 1.234,56 in all", 1234.56),
        ("$1,234.56", 1234.56),
        ("CHF 1'234.50", 1234.5),
        ("1 234,50 €", 1234.5),
        ("a thousand: 1.000 euros", 1000.0),
        ("£5 now, 250 pounds later", 250.0),
        ("20 dollars", 20.0),
        ("at 10:30 on 12.11.2026, order 1042", None),
        ("", None),
    ],
)
def test_it_finds_the_largest_sum(text: str, value: float | None) -> None:
    """A number counts where a currency stands beside it, with dots and commas as they are used anywhere."""
    assert largest(text) == value


@given(st.integers(0, 10**9), st.integers(0, 99), st.text())
def test_it_never_overlooks_a_larger_sum(whole: int, cents: int, more: str) -> None:
    """Whatever else stands in the text, what it finds is at least the sum that was put there."""
    found = largest(f"{more}\nEUR {whole:,}.{cents:02}\n")
    assert found is not None
    assert found >= float(f"{whole}.{cents:02}")
