"""Remedies: a pure function from a failure and what stands around it."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.retry import (
    MOST_ATTEMPTS,
    NOBODYS_FAULT,
    PERHAPS_AN_OUTAGE,
    Again,
    Circumstances,
    Failure,
    FailureKind,
    GiveUp,
    Pause,
    Pauses,
    Reject,
    Remedy,
    remedy,
)
from tests.judgement.samples import NOW

PAUSES = Pauses(first=15, longest=900)
FIRST = Circumstances(attempt=1, outages=0, others_passed=False, session_is_fresh=False, now=NOW)
OUTAGES = sorted(NOBODYS_FAULT | PERHAPS_AN_OUTAGE)
PAUSED = (FailureKind.CAP, FailureKind.TRANSCRIPT)
OF_THE_MESSAGE = (*PAUSED, FailureKind.CRASH)
SECONDS = st.floats(min_value=0.001, max_value=86400)
ANY_PAUSES = st.tuples(SECONDS, SECONDS).map(lambda pair: Pauses(min(pair), max(pair)))
AROUND = st.builds(
    Circumstances,
    attempt=st.integers(1, 10),
    outages=st.integers(0, 10_000),
    others_passed=st.booleans(),
    session_is_fresh=st.booleans(),
    now=st.just(NOW),
)
FAILURES = st.builds(Failure, st.sampled_from(FailureKind), st.just("it broke"))


def chosen(kind: FailureKind, **around: Any) -> Remedy:
    """Choose the remedy of a first failure of this kind, with some things around it otherwise."""
    return remedy(Failure(kind, "it broke"), replace(FIRST, **around), PAUSES)


def later(seconds: float) -> Any:
    """Give the time so many seconds from now."""
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 15), (1, 30), (2, 60), (5, 480), (6, 900), (7, 900), (1_000_000, 900)]
)
def test_a_pause_doubles_up_to_the_longest(tries: int, seconds: int) -> None:
    """The first pause is the configured one."""
    assert PAUSES.after(tries) == timedelta(seconds=seconds)


@given(ANY_PAUSES)
def test_pauses_never_shrink(pauses: Pauses) -> None:
    """Each pause is at least as long as the one before."""
    assert all(shorter <= longer for shorter, longer in pairwise(map(pauses.after, range(40))))


@given(ANY_PAUSES, st.integers(0, 10**9))
def test_no_pause_is_longer_than_the_longest(pauses: Pauses, tries: int) -> None:
    """However often it failed, the pause keeps to its bound."""
    assert pauses.after(tries) <= timedelta(seconds=pauses.longest)


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_pauses_the_work(kind: FailureKind) -> None:
    """Nobody is asked until the first pause is over."""
    assert chosen(kind) == Pause(later(15))


@pytest.mark.parametrize("kind", OUTAGES)
def test_a_long_outage_pauses_the_work_for_longer(kind: FailureKind) -> None:
    """The pause grows with the number of failures in a row."""
    assert chosen(kind, outages=2) == Pause(later(60))


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_pauses_even_after_many_attempts(kind: FailureKind) -> None:
    """Attempts that an outage spoilt are no reason to give a message up."""
    assert chosen(kind, attempt=MOST_ATTEMPTS + 1) == Pause(later(15))


@pytest.mark.parametrize("kind", sorted(PERHAPS_AN_OUTAGE))
def test_an_outage_that_others_passed_counts_against_the_message(kind: FailureKind) -> None:
    """A message that alone meets an outage brings it about itself."""
    assert chosen(kind, others_passed=True) == Again(later(15), counts=True)


@pytest.mark.parametrize("kind", sorted(PERHAPS_AN_OUTAGE))
def test_an_outage_that_others_passed_is_given_up_at_last(kind: FailureKind) -> None:
    """Such a message cannot block the queue for ever."""
    assert chosen(kind, others_passed=True, attempt=MOST_ATTEMPTS) == GiveUp(
        "3 attempts failed, the last one: it broke"
    )


@pytest.mark.parametrize("kind", sorted(NOBODYS_FAULT))
def test_a_refused_account_is_never_the_message_s_fault(kind: FailureKind) -> None:
    """Key, credit and rate limit pause the work even where others have passed."""
    assert chosen(kind, others_passed=True, attempt=MOST_ATTEMPTS) == Pause(later(15))


def test_a_stop_puts_the_message_back_at_once() -> None:
    """The service's own stop counts against nobody."""
    assert chosen(FailureKind.STOPPING, attempt=MOST_ATTEMPTS) == Again(NOW, counts=False)


def test_a_turn_without_a_decision_is_given_up() -> None:
    """Whoever was reminded and did not decide will not decide the next time."""
    assert chosen(FailureKind.NO_DECISION) == GiveUp("the model ended its turn twice without a decision")


def test_a_request_that_the_api_refuses_is_rejected() -> None:
    """The same request would be refused again."""
    assert chosen(FailureKind.REFUSED) == Reject("the API refused the request: it broke")


def test_a_mail_that_does_not_fit_gets_a_fresh_session() -> None:
    """It may fit where nothing stands before it."""
    assert chosen(FailureKind.TOO_LONG) == Again(NOW, fresh_session=True)


def test_a_mail_that_does_not_fit_into_a_fresh_session_is_given_up() -> None:
    """There is no more room than in a fresh session."""
    found = chosen(FailureKind.TOO_LONG, session_is_fresh=True)
    assert found == GiveUp("the mail is too long for the model, even in a fresh session")


@pytest.mark.parametrize("kind", PAUSED)
@pytest.mark.parametrize(("attempt", "seconds"), [(1, 15), (2, 30)])
def test_another_failure_is_tried_again_after_a_growing_pause(kind: FailureKind, attempt: int, seconds: int) -> None:
    """Others pass meanwhile, and the attempt counts."""
    assert chosen(kind, attempt=attempt) == Again(later(seconds))


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_turn_that_a_crash_cut_off_is_tried_again_at_once(attempt: int) -> None:
    """The new start is pause enough, and the attempt counts."""
    assert chosen(FailureKind.CRASH, attempt=attempt) == Again(NOW, counts=True)


@pytest.mark.parametrize("kind", OF_THE_MESSAGE)
@pytest.mark.parametrize("attempt", [MOST_ATTEMPTS, MOST_ATTEMPTS + 1])
def test_another_failure_is_given_up_after_the_most_attempts(kind: FailureKind, attempt: int) -> None:
    """After three attempts a person must look."""
    assert chosen(kind, attempt=attempt) == GiveUp("3 attempts failed, the last one: it broke")


@given(FAILURES, AROUND, ANY_PAUSES)
def test_an_outage_never_counts_against_a_message_unless_others_passed(
    failure: Failure, around: Circumstances, pauses: Pauses
) -> None:
    """While nobody has passed, an outage leads to a pause and to nothing else."""
    is_outage = failure.kind in OUTAGES and not around.others_passed
    assert not is_outage or isinstance(remedy(failure, around, pauses), Pause)


@given(FAILURES, AROUND, ANY_PAUSES)
def test_no_remedy_waits_longer_than_the_longest_pause(failure: Failure, around: Circumstances, pauses: Pauses) -> None:
    """Whatever the API asks for, the work goes on after the longest pause."""
    found = remedy(failure, around, pauses)
    until = found.until if isinstance(found, Pause) else found.at if isinstance(found, Again) else NOW
    assert NOW <= until <= NOW + timedelta(seconds=pauses.longest)


@given(FAILURES, AROUND, ANY_PAUSES)
def test_no_counted_attempt_is_followed_by_one_beyond_the_most(
    failure: Failure, around: Circumstances, pauses: Pauses
) -> None:
    """Only a fresh session and a stop are reasons to ask once more after the last attempt."""
    found = remedy(failure, replace(around, attempt=MOST_ATTEMPTS), pauses)
    assert not isinstance(found, Again) or found.fresh_session or not found.counts
