"""What a specialist may tell a server outside."""

import math
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.outside import (
    DEEPEST,
    LONGEST_ARGUMENTS,
    MOST_VALUES,
    OddArgumentsError,
    objection,
    words_of,
)
from daemon.judgement.outward import marks_of
from daemon.judgement.walls import RUN, Ground

NOBODY = Ground()
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
    problem = objection(words, Ground(tied=frozenset([number])))
    assert problem
    assert problem.startswith(OTHERS.format(number))


@given(st.integers(100, 10**15))
def test_a_number_that_is_given_as_a_number_never_passes_either(number: int) -> None:
    """Whole, as a fraction, or as the name of an argument."""
    known = Ground(tied=frozenset([str(number)]))
    for arguments in ({"a": number}, {"a": float(number)}, {str(number): "x"}):
        assert objection(words_of(arguments), known)


@given(st.sampled_from("\u0660\u0966\uff10\U0001d7ce"), NUMBERS)
def test_a_number_in_other_digits_is_the_same_number(nought: str, number: str) -> None:
    """Of any script."""
    other = "".join(chr(ord(nought) + int(digit)) for digit in number)
    assert objection([other], Ground(tied=frozenset([number])))


@given(st.emails(), st.sampled_from(["{}", "<{}>", "write to {}.", "A:{},B"]))
def test_an_address_of_somebody_elses_never_passes(address: str, around: str) -> None:
    """In any case of its letters, whatever stands around it."""
    theirs = marks_of(address)
    assert objection([around.format(address.upper())], Ground(tied=theirs))


@given(st.text(min_size=6, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_secret_never_passes(secret: str, before: str, behind: str) -> None:
    """Whatever it is made of, and whatever stands around it."""
    assert objection([before + secret + behind], Ground(secrets=(secret,)))


@given(
    st.text(string.ascii_letters + string.digits, min_size=6, max_size=40), st.text(max_size=40), st.text(max_size=40)
)
def test_a_secret_never_passes_in_another_dress(secret: str, before: str, behind: str) -> None:
    """With blanks between its letters, or from its end to its beginning."""
    problem = "The call was not made: they hold a secret of this house, or what looks like one."
    for words in (secret, " ".join(secret), secret[::-1]):
        assert objection([before + words + behind], Ground(secrets=(secret,))) == problem


def test_a_secret_that_is_too_short_to_be_known_again_hinders_nothing() -> None:
    """It would be found in everything."""
    assert objection(["a pump"], Ground(secrets=("a", "pump"))) is None


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=8), min_size=RUN, max_size=30), st.data())
def test_a_run_of_our_instructions_never_passes(words: list[str], data: st.DataObject) -> None:
    """From any place in them, however it is spaced."""
    start = data.draw(st.integers(0, len(words) - RUN))
    run = data.draw(st.sampled_from([" ", "\n", " - "])).join(words[start : start + RUN]).upper()
    problem = objection([f"look up: {run}"], Ground(orders=(" ".join(words),)))
    assert problem == "The call was not made: they hold words of instructions given in this house."


def test_a_few_words_that_stand_in_our_instructions_too_may_pass() -> None:
    """A product has a name."""
    orders = " ".join(f"word{number}" for number in range(20))
    assert objection([" ".join(orders.split()[: RUN - 1])], Ground(orders=(orders,))) is None


@pytest.mark.parametrize(
    ("words", "ground", "said"),
    [
        (
            "He said: my knee operation went wrong last week and more",
            Ground(borrowed=("my knee operation went wrong last week and",)),
            "they hold words that somebody else than the sender of this mail wrote; ask without them",
        ),
        ("evil.example/a?b", Ground(), "evil.example/a?b stands neither in the mail nor leads where links may lead"),
        ("a\u200bpump", Ground(), "they hold a character that nobody sees, U+200B"),
    ],
    ids=["words", "link", "unseen"],
)
def test_what_no_mail_of_ours_may_hold_no_call_may(words: str, ground: Ground, said: str) -> None:
    """By the same walls."""
    problem = objection([words], ground)
    assert problem
    assert problem.startswith(f"The call was not made: {said}")


def test_what_stands_in_the_mail_or_was_said_by_the_server_itself_may_pass() -> None:
    """A link, and a number that looks drawn at random."""
    ground = Ground(at_hand="See https://shop.example/p?id=1 for zX81kk20Qw77Lm3Pp9aB.")
    assert objection(["https://shop.example/p?id=1", "zX81kk20Qw77Lm3Pp9aB"], ground) is None


def test_of_several_reasons_the_gravest_is_told() -> None:
    """A secret before a link."""
    problem = objection(["evil.example and the-secret"], Ground(secrets=("the-secret",)))
    assert problem == "The call was not made: they hold a secret of this house, or what looks like one."
