"""What the employee may ask of those who report later, and what follows where one comes to nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.judgement.handoffs import LONGEST_BRIEF, LONGEST_WHY, MOST_HANDOFFS, Awaited, Context, Specialist
from daemon.judgement.money import Prices
from daemon.judgement.outlasting import (
    FOR_GOOD,
    MOST_ROUNDS,
    MOST_TRIES,
    HandOver,
    Next,
    Outlasting,
    after_failure,
    objection,
    outlasting,
)
from daemon.judgement.retry import NOBODYS_FAULT, PERHAPS_AN_OUTAGE, FailureKind

PRICES = Prices(1, 5, 0.1, 1.25)
CONTRACTS = Specialist(
    "contracts", "Contracts.", "You read.", "m", PRICES, ("recall",), 8, 600, 0.5, context=Context.SESSION
)
KNOWN = {"contracts": CONTRACTS}
CALL = {"specialist": "contracts", "why": "Their field", "brief": "May they leave?"}
WANTED = HandOver.model_validate(CALL)
KINDS, OUTAGES = list(FailureKind), sorted(NOBODYS_FAULT | PERHAPS_AN_OUTAGE)


def test_only_one_that_knows_the_session_is_waited_for() -> None:
    """The report of any other comes in the turn itself."""
    mere = Specialist("billing", "Invoices.", "You bill.", "m", PRICES, (), 8, 120, 0.2)
    assert (CONTRACTS.awaited, mere.awaited) == (Awaited.FORK, Awaited.NOTHING)


def test_a_case_may_be_handed_to_somebody_who_reports_later() -> None:
    """While there is room for another handoff."""
    assert objection(WANTED, KNOWN, [], MOST_HANDOFFS - 1, MOST_ROUNDS - 1) is None
    assert outlasting(WANTED, KNOWN) == Outlasting(CONTRACTS, "Their field", "May they leave?")


@pytest.mark.parametrize(
    ("changes", "staged", "handoffs", "rounds", "said"),
    [
        ({"specialist": "nobody"}, 0, 0, 0, "There is no such specialist: name one of contracts in `specialist`."),
        ({}, 1, 1, 0, "It is handed to contracts in this turn already."),
        ({}, 0, MOST_HANDOFFS, 0, "No more than 3 handoffs in one turn"),
        ({}, 0, 0, MOST_ROUNDS, "This case has come back 3 times without a mail between: decide, or escalate."),
    ],
)
def test_what_cannot_be_handed_over_is_refused_in_words(
    changes: dict[str, str], staged: int, handoffs: int, rounds: int, said: str
) -> None:
    """The model reads why."""
    wanted = HandOver.model_validate(CALL | changes)
    problem = objection(wanted, KNOWN, [outlasting(WANTED, KNOWN)] * staged, handoffs, rounds)
    assert problem
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"brief": " \n"},
        {"why": ""},
        {"brief": "x" * (LONGEST_BRIEF + 1)},
        {"why": "x" * (LONGEST_WHY + 1)},
        {"brief": None},
        {"specialist": 7},
        {"address": "x@evil.example"},
        {"case": 12},
    ],
)
def test_a_call_of_another_shape_is_none(changes: dict[str, Any]) -> None:
    """No address, no case: the harness knows them."""
    with pytest.raises(ValidationError):
        HandOver.model_validate(CALL | changes)


def test_half_a_character_can_be_written_down() -> None:
    """JSON can hold one, a database cannot."""
    wanted = HandOver.model_construct(specialist="contracts", why="\ud83d", brief="half \ud83d a face")
    assert outlasting(wanted, KNOWN) == Outlasting(CONTRACTS, "?", "half ? a face")


@given(st.sampled_from(KINDS), st.integers(1, 10), st.booleans())
def test_a_stop_of_the_service_never_counts(kind: FailureKind, tries: int, passed: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """And whatever counts comes to an end after so many tries."""
    assert after_failure(FailureKind.STOPPING, tries, others_passed=passed) is Next.WAIT
    if tries >= MOST_TRIES:
        assert after_failure(kind, tries, others_passed=passed) is not Next.AGAIN


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_is_waited_for_unless_others_have_passed(kind: FailureKind) -> None:
    """Then the handoff brings it about itself."""
    follows = [after_failure(kind, tries, others_passed=passed) for passed in (False, True) for tries in (1, 2)]
    assert follows == [Next.WAIT, Next.WAIT, Next.AGAIN, Next.GIVE_UP]


@pytest.mark.parametrize("kind", sorted(FOR_GOOD))
def test_what_would_fail_again_is_given_up_at_once(kind: FailureKind) -> None:
    """Whoever else has passed."""
    assert {after_failure(kind, 1, others_passed=passed) for passed in (False, True)} == {Next.GIVE_UP}


def test_a_crash_is_followed_by_one_more_try() -> None:
    """It counts: what ends the service each time must come to an end."""
    assert [after_failure(FailureKind.CRASH, tries, others_passed=False) for tries in (1, 2)] == ["again", "give up"]
