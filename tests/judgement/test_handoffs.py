"""To whom a case may be handed, what goes with it, and how a handoff ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.handoffs import (
    LONGEST_BRIEF,
    MOST_HANDOFFS,
    Course,
    Halt,
    HandoffState,
    Specialist,
    ended,
    handed_over,
    objection,
)
from daemon.judgement.money import Prices

BILLING = Specialist("billing", "Invoices.", "You bill.", "m", Prices(1, 5, 0.1, 1.25), ("recall",), 8, 120, 0.2)
ALL = {"billing": BILLING, "technical": BILLING}
CALL = {"subagent_type": "billing", "description": "A refund", "prompt": "Is it paid?"}


def test_a_case_may_be_handed_to_a_configured_specialist() -> None:
    """With a brief, and while there is room for another handoff."""
    assert objection(CALL, ALL, MOST_HANDOFFS - 1) is None


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
    ],
)
def test_what_cannot_be_handed_over_is_refused_in_words(call: dict[str, object], made: int, said: str) -> None:
    """The model reads why."""
    problem = objection(call, ALL, made)
    assert problem
    assert problem.startswith(said)


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.text(), st.integers(), st.booleans()), max_size=8))
def test_no_option_of_the_engines_own_ever_passes(options: dict[str, object]) -> None:
    """Whatever the model puts beside the brief: three arguments are carried out, with the mail behind the brief."""
    passed = handed_over({**options, **CALL}, "<the mail>")
    assert passed == {"subagent_type": "billing", "description": "A refund", "prompt": "Is it paid?\n\n<the mail>"}


def test_a_handoff_without_a_reason_has_none() -> None:
    """A missing description is no error."""
    assert handed_over({"subagent_type": "billing", "prompt": "Paid?"}, "-")["description"] == ""


@pytest.mark.parametrize(
    ("course", "state", "report"),
    [
        (Course("completed", None, "All is paid."), HandoffState.REPORTED, "All is paid."),
        (Course("completed"), HandoffState.OVER_LIMIT, "it was not done within 8 steps"),
        (Course("failed", None, "half"), HandoffState.FAILED, "its model's answer was an error"),
        (Course("killed", Halt.SECONDS, "half"), HandoffState.TIMED_OUT, "it was not done within 120 seconds"),
        (Course("stopped", Halt.DOLLARS), HandoffState.OVER_LIMIT, "it cost more than 0.2 dollars"),
        (Course("", None, "half"), HandoffState.BROKEN_OFF, "the turn ended before it did"),
    ],
)
def test_how_a_handoff_ended_is_told_in_state_and_report(course: Course, state: HandoffState, report: str) -> None:
    """Only one that came to its end has a report of its own."""
    instead = f"No report of billing: {report}. Decide without it, or escalate."
    assert ended(course, BILLING) == (state, report if state is HandoffState.REPORTED else instead)
