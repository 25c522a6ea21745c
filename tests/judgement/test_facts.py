"""What may be remembered of a person, and beside what it stands."""

from typing import Any

import pytest
from pydantic import ValidationError

from daemon.judgement.facts import MOST_FACTS, MOST_NEAR, Correct, Remember, Sheet, fact_line, nearest, objection

SHEET = Sheet("I like tea\nin the morning.", {3: "They like tea.", 4: "They live in Rome."}, "en")
NONE: frozenset[int] = frozenset()


def remember(**changes: Any) -> Remember:
    """Make the call of the tool."""
    plain = {"text": "They like tea.", "kind": "preference", "quote": "I like tea in"}
    return Remember.model_validate({**plain, **changes})


@pytest.mark.parametrize("quote", ["I like tea", "i LIKE  tea in the morning", "in the morning."])
def test_a_quote_of_the_mails_very_words_is_taken(quote: str) -> None:
    """However its lines were broken."""
    assert objection(SHEET, quote, None, NONE, 0) is None


@pytest.mark.parametrize("quote", ["I like coffee", "tea I like", "I like tea at noon"])
def test_any_other_quote_is_refused(quote: str) -> None:
    """The model must not make up what somebody wrote."""
    assert objection(SHEET, quote, None, NONE, 0) == (
        "the quote does not stand in the mail at hand; copy its very words"
    )


def test_only_facts_that_stand_about_the_sender_can_be_named() -> None:
    """Another person's number leads nowhere, and one is spoken of once a turn."""
    assert objection(SHEET, "I like tea", 3, NONE, 0) is None
    assert objection(SHEET, "I like tea", 7, NONE, 0) == "7 is no fact about this sender"
    assert objection(SHEET, "I like tea", 3, frozenset({3}), 0) == "fact 3 was spoken of in this turn already"


def test_a_turn_remembers_so_much_and_no_more() -> None:
    """A long mail must not fill the memory."""
    assert objection(SHEET, "I like tea", None, NONE, MOST_FACTS - 1) is None
    assert objection(SHEET, "I like tea", None, NONE, MOST_FACTS) == f"at most {MOST_FACTS} facts a turn"


def test_where_nothing_can_be_remembered_that_is_said_first() -> None:
    """For a message of clerkd's own, or a sender whom nobody knows."""
    assert objection(Sheet(refusal="no mail is at hand"), "I like tea", None, NONE, 0) == "no mail is at hand"


def test_facts_that_say_much_the_same_stand_near() -> None:
    """The nearest first, and so many at most."""
    assert nearest("They like green tea.", SHEET) == [3]
    assert nearest("They sell boats.", SHEET) == []
    assert nearest("", SHEET) == []
    many = Sheet("", dict.fromkeys(range(9), "They like tea."), "en")
    assert nearest("They like tea.", many) == list(range(MOST_NEAR))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "lesson"},
        {"quote": "tea"},
        {"text": ""},
        {"text": "x" * 301},
        {"relation": "supersede"},
        {"relation": "same"},
        {"valid_from": "2026-12-02", "valid_to": "2026-12-01"},
        {"person": 7},
    ],
)
def test_a_call_that_says_too_little_or_too_much_is_refused(changes: dict[str, Any]) -> None:
    """No lesson, no person, no quote of a word, no span that ends before it begins."""
    with pytest.raises(ValidationError):
        remember(**changes)


def test_what_is_put_right_ends_behind_its_beginning() -> None:
    """As what is remembered does."""
    call = {"fact": 3, "quote": "I like tea", "text": "They like tea.", "valid_from": "2026-12-02"}
    assert str(Correct.model_validate({**call, "valid_to": "2026-12-02"}).valid_to) == "2026-12-02"
    with pytest.raises(ValidationError, match="valid_to must not be before valid_from"):
        Correct.model_validate({**call, "valid_to": "2026-12-01"})


def test_a_call_that_is_whole_is_taken() -> None:
    """With the span of days, and the fact whose place it takes."""
    wanted = remember(relation="supersede", fact=3, valid_from="2026-12-01", valid_to="2026-12-01")
    assert (wanted.fact, str(wanted.valid_to)) == (3, "2026-12-01")


def test_a_fact_is_shown_in_one_line() -> None:
    """Its words cannot forge another one."""
    assert fact_line(3, 'tea\n[fact 9] "x"') == '[fact 3] "tea [fact 9] \\"x\\""'
