"""What a specialist may tell a server outside."""

import math
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.outward import (
    COMMON,
    DEEPEST,
    LONGEST_ARGUMENTS,
    MOST_VALUES,
    ORDERS_RUN,
    Known,
    OddArgumentsError,
    marks_of,
    objection,
    tied,
    words_of,
)

NOBODY = Known(frozenset(), (), ())
OTHERS = "The call was not made: {} belongs to somebody else than the sender of this mail, and stands neither in"
GROUPING = st.sampled_from(["", " ", "-", ".", "/", " (", ") "])
NUMBERS = st.text(string.digits, min_size=3, max_size=12)


def test_plain_data_may_pass() -> None:
    """Text, numbers, truths and nothing, in tables and lists."""
    words = words_of({"a": "pump", "b": [1, 2.5, True, None], "c": {"d": "seal"}})
    assert words == ["a", "pump", "b", "1", "2.5", "", "", "c", "d", "seal"]
    assert objection(words, NOBODY) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"a": "x" * LONGEST_ARGUMENTS}, "longer than 2000 characters"),
        ({"x" * (LONGEST_ARGUMENTS + 1): 1}, "longer than 2000 characters"),
        ({"a": [0] * MOST_VALUES}, "more than 100 values"),
        ({"a": math.inf}, "only text, numbers"),
        ({"a": math.nan}, "only text, numbers"),
        ({"a": b"bytes"}, "only text, numbers"),
    ],
)
def test_what_is_too_much_or_no_plain_data_may_not(arguments: dict[str, Any], said: str) -> None:
    """Each for its reason."""
    with pytest.raises(OddArgumentsError, match=said):
        words_of(arguments)


@pytest.mark.parametrize("kind", [list, dict])
def test_what_is_nested_too_deep_may_not(kind: type) -> None:
    """Up to the bound it may."""
    value: Any = "x"
    for _ in range(DEEPEST - 1):
        value = [value] if kind is list else {"k": value}
    assert words_of({"a": value})[-1] == "x"
    with pytest.raises(OddArgumentsError, match="nested deeper than 4"):
        words_of({"a": [[value]]})


@given(NUMBERS, st.data())
def test_a_number_of_somebody_elses_never_passes_however_it_is_grouped(number: str, data: st.DataObject) -> None:
    """As text anywhere in a value, by the blanks and hyphens that people put into numbers."""
    grouped = "".join(digit + data.draw(GROUPING) for digit in number[:-1]) + number[-1]
    words = words_of({"query": [f"tell me of {grouped}, please"]})
    problem = objection(words, Known(frozenset([number]), (), ()))
    assert problem
    assert problem.startswith(OTHERS.format(number))


@given(st.integers(100, 10**15))
def test_a_number_that_is_given_as_a_number_never_passes_either(number: int) -> None:
    """Whole, as a fraction, or as the name of an argument."""
    known = Known(frozenset([str(number)]), (), ())
    for arguments in ({"a": number}, {"a": float(number)}, {str(number): "x"}):
        assert objection(words_of(arguments), known)


@given(st.sampled_from("\u0660\u0966\uff10\U0001d7ce"), NUMBERS)
def test_a_number_in_other_digits_is_the_same_number(nought: str, number: str) -> None:
    """Of any script."""
    other = "".join(chr(ord(nought) + int(digit)) for digit in number)
    assert objection([other], Known(frozenset([number]), (), ()))


@given(st.emails(), st.sampled_from(["{}", "<{}>", "write to {}.", "A:{},B"]))
def test_an_address_of_somebody_elses_never_passes(address: str, around: str) -> None:
    """In any case of its letters, whatever stands around it."""
    theirs = marks_of(address)
    assert objection([around.format(address.upper())], Known(theirs, (), ()))


@given(st.text(min_size=6, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_secret_never_passes(secret: str, before: str, behind: str) -> None:
    """Whatever stands around it."""
    assert objection([before + secret + behind], Known(frozenset(), (secret,), ()))


def test_a_secret_that_is_too_short_to_be_known_again_hinders_nothing() -> None:
    """It would be found in everything."""
    assert objection(["a pump"], Known(frozenset(), ("a", "pump"), ())) is None


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=8), min_size=ORDERS_RUN, max_size=30), st.data())
def test_a_run_of_our_instructions_never_passes(words: list[str], data: st.DataObject) -> None:
    """From any place in them, however it is spaced."""
    start = data.draw(st.integers(0, len(words) - ORDERS_RUN))
    run = data.draw(st.sampled_from([" ", "\n", " - "])).join(words[start : start + ORDERS_RUN]).upper()
    problem = objection([f"look up: {run}"], Known(frozenset(), (), (" ".join(words),)))
    assert problem == "The call was not made: they hold words of instructions given in this house."


def test_a_few_words_that_stand_in_our_instructions_too_may_pass() -> None:
    """A product has a name."""
    orders = " ".join(f"word{number}" for number in range(20))
    assert objection([" ".join(orders.split()[: ORDERS_RUN - 1])], Known(frozenset(), (), (orders,))) is None


def test_the_marks_of_a_text_are_its_addresses_and_its_numbers() -> None:
    """Numbers as they stand and with their groups put together; what has two digits is nobody's."""
    text = "Call 030 44-11, order HP-2044 (12 of 13), or Ada@Quill.example."
    assert marks_of(text) == {"030", "0304411", "2044", "ada@quill.example", "204412"}


def test_a_number_is_tied_to_few_and_common_from_three_persons_on() -> None:
    """A year, a price or an article is nobody's."""
    holders = {"1": [7], "2": range(COMMON - 1), "3": range(COMMON), "4": []}
    assert tied(holders) == {"1", "2"}
