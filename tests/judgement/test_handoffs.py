"""To whom a case may be handed, what goes with it, and how a handoff ended."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.handoffs import (
    LONGEST_BRIEF,
    LONGEST_REPORT,
    MOST_HANDOFFS,
    Awaited,
    Context,
    Course,
    Halt,
    HandoffState,
    Specialist,
    charged,
    ended,
    handed_over,
    objection,
    time_left,
)
from daemon.judgement.money import Prices

BILLING = Specialist("billing", "Invoices.", "You bill.", "m", Prices(1, 5, 0.1, 1.25), ("recall",), 8, 120, 0.2)
ALL = {"billing": BILLING, "technical": BILLING}
CALL = {"subagent_type": "billing", "description": "A refund", "prompt": "Is it paid?"}


@pytest.mark.parametrize(
    ("changes", "awaited"),
    [
        ({}, Awaited.NOTHING),
        ({"context": Context.SESSION}, Awaited.FORK),
        ({"to": "alice@example.com"}, Awaited.ANSWER),
        ({"to": "alice@example.com", "context": Context.SESSION}, Awaited.ANSWER),
    ],
)
def test_what_is_awaited_behind_the_turn_follows_from_who_the_specialist_is(
    changes: dict[str, Any], awaited: Awaited
) -> None:
    """A person answers, a fork reports, and any other has reported by then."""
    assert replace(BILLING, **changes).awaited is awaited


def test_a_case_may_be_handed_to_a_configured_specialist() -> None:
    """With a brief, and while there is room and money for another handoff."""
    assert objection(CALL, ALL, [0.2] * (MOST_HANDOFFS - 1), 0.6) is None


@pytest.mark.parametrize(
    ("call", "made", "said"),
    [
        (
            {**CALL, "subagent_type": "claude"},
            0,
            "There is no specialist 'claude': hand the case to one of billing, tec",
        ),
        ({"prompt": "Is it paid?"}, 0, "There is no specialist None"),
        ({**CALL, "prompt": " "}, 0, "Say in `prompt` what you want"),
        ({**CALL, "prompt": 7}, 0, "Say in `prompt` what you want"),
        ({**CALL, "prompt": "x" * (LONGEST_BRIEF + 1)}, 0, "The brief is too long: at most 4000 characters."),
        (CALL, MOST_HANDOFFS, "No more than 3 handoffs in one turn"),
        (CALL, 2, "No more money is left in this turn for billing"),
    ],
)
def test_what_cannot_be_handed_over_is_refused_in_words(call: dict[str, object], made: int, said: str) -> None:
    """The model reads why."""
    problem = objection(call, ALL, [0.2] * made, 0.5)
    assert problem
    assert problem.startswith(said)


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.text(), st.integers(), st.booleans()), max_size=8))
def test_no_option_of_the_engines_own_ever_passes(options: dict[str, object]) -> None:
    """Whatever the model puts beside the brief: three arguments are carried out, with the mail behind the brief."""
    passed = handed_over({**options, **CALL}, "<the mail>")
    assert passed == {"subagent_type": "billing", "description": "A refund", "prompt": "Is it paid?\n\n<the mail>"}


@given(st.text(st.characters(codec=None, categories=None)))
def test_no_words_of_the_model_are_ever_such_that_they_cannot_be_written_down(words: str) -> None:
    """JSON can hold half of a character; a database cannot."""
    call = {"subagent_type": "billing", "description": words, "prompt": words}
    for each in (*handed_over(call, "-").values(), ended(Course("completed", None, words, finished=True), BILLING)[1]):
        str(each).encode()


def test_a_report_is_cut_where_it_is_too_long() -> None:
    """It stands in the knowledge database."""
    assert len(ended(Course("completed", None, "x" * 60_000, finished=True), BILLING)[1]) == LONGEST_REPORT


def test_what_was_said_until_then_is_kept() -> None:
    """The employee may have read it."""
    _state, report = ended(Course("completed", None, "Half of it."), BILLING)
    assert report.endswith("Decide without it, or escalate.\nUntil then it had said: Half of it.")


@pytest.mark.parametrize(
    ("state", "known", "dollars"),
    [
        (HandoffState.REPORTED, 0.05, 0.05),
        (HandoffState.FAILED, 0.0, 0.0),
        (HandoffState.OVER_LIMIT, 0.3, 0.3),
        (HandoffState.TIMED_OUT, 0.05, 0.2),
        (HandoffState.BROKEN_OFF, 0.05, 0.2),
        (HandoffState.BROKEN_OFF, 0.3, 0.3),
    ],
)
def test_an_answer_that_was_cut_off_costs_the_whole_limit(state: HandoffState, known: float, dollars: float) -> None:
    """It is paid for, and nobody tells how much it was."""
    assert charged(state, known, BILLING) == dollars


@pytest.mark.parametrize(("turn_left", "seconds"), [(1000, 120), (60, 50), (12, 2), (5, 1), (-3, 1)])
def test_a_handoff_leaves_the_employee_time_to_decide(turn_left: float, seconds: float) -> None:
    """A turn that runs out of time would count as an outage of the model, and pause all mails."""
    assert time_left(BILLING, turn_left) == seconds


def test_a_handoff_without_a_reason_has_none() -> None:
    """A missing description is no error."""
    assert handed_over({"subagent_type": "billing", "prompt": "Paid?"}, "-")["description"] == ""


@pytest.mark.parametrize(
    ("course", "state", "report"),
    [
        (Course("completed", None, "All is paid.", finished=True), HandoffState.REPORTED, "All is paid."),
        (Course("completed", None, "", finished=True), HandoffState.FAILED, "its model said nothing"),
        (Course("completed"), HandoffState.OVER_LIMIT, "it was not done within 8 steps"),
        (Course("failed"), HandoffState.FAILED, "its model's answer was an error"),
        (Course("killed", Halt.SECONDS), HandoffState.TIMED_OUT, "it was not done within 120 seconds"),
        (Course("stopped", Halt.DOLLARS), HandoffState.OVER_LIMIT, "it cost more than 0.2 dollars"),
        (Course(), HandoffState.BROKEN_OFF, "the turn ended before it did"),
    ],
)
def test_how_a_handoff_ended_is_told_in_state_and_report(course: Course, state: HandoffState, report: str) -> None:
    """Only one that came to its end has a report of its own."""
    instead = f"No report of billing: {report}. Decide without it, or escalate."
    assert ended(course, BILLING) == (state, report if state is HandoffState.REPORTED else instead)
