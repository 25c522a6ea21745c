"""What a turn is told of the issues that several people share, and what its decision may say of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.judgement.decision import Decision
from daemon.judgement.issues import BOTH, Shared, objection

SINCE = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)


def decision(**words: object) -> Decision:
    """Make a decision."""
    usual: dict[str, Any] = {"category": "outage", "priority": "high", "summary": "-", "reason": "-", "confidence": 1,
                             "actions": [{"kind": "none"}]}  # fmt: skip
    return Decision.model_validate({**usual, **words})


def test_an_issue_without_a_confirmed_name_shows_category_age_and_count() -> None:
    """And that its name is not confirmed."""
    shown = str(Shared(3, "outage", SINCE, 2))
    assert shown == "[issue 3] outage, since 2026-11-21 14:03 UTC, 2 case(s): (its name is not confirmed yet)"


def test_a_confirmed_name_stands_in_quotation_marks() -> None:
    """With whether the case at hand is one of them."""
    shown = str(Shared(3, "outage", SINCE, 2, "Card payments fail", here=True))
    assert shown == (
        '[issue 3] outage, since 2026-11-21 14:03 UTC, 2 case(s), this one among them: "Card payments fail"'
    )


@given(st.text())
def test_no_name_ever_makes_a_line_of_its_own(name: str) -> None:
    """Whoever confirmed it."""
    assert len(str(Shared(3, "outage", SINCE, 2, name)).splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, None),
        ({"issue": 3}, None),
        ({"propose_issue": "Card payments fail"}, None),
        ({"issue": 7}, "issue: 7 is no open issue; open: 3, 4"),
        ({"issue": 3, "propose_issue": "Card payments fail"}, BOTH),
    ],
)
def test_a_decision_links_what_it_was_told_of_or_proposes(words: dict[str, object], said: str | None) -> None:
    """Not both, and no number that it made up."""
    assert objection(decision(**words), frozenset({3, 4})) == said


def test_where_nothing_is_open_it_says_so() -> None:
    """The model reads why."""
    assert objection(decision(issue=3), frozenset()) == "issue: 3 is no open issue; open: none"


@pytest.mark.parametrize("name", ["two\nlines", "x" * 81, "a\u2028b"])
def test_a_name_is_one_short_line(name: str) -> None:
    """It is to be told to all."""
    with pytest.raises(ValidationError):
        decision(propose_issue=name)
