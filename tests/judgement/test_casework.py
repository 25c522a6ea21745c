"""How a case stands."""

import pytest

from daemon.judgement.casework import CaseEvent, CaseState, left_by, left_open, moves


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("open", "open"),
        ("waiting for us", "waiting for us"),
        ("waiting for them", "waiting for us"),
        ("closed", "reopened"),
        ("reopened", "reopened"),
    ],
)
def test_a_mail_makes_it_our_turn_and_reopens_what_was_closed(before: str, after: str) -> None:
    """What has not been worked at all stays as it is."""
    assert moves(CaseEvent.MAIL)[before] == after


@pytest.mark.parametrize(
    ("event", "after"), [("ours", "waiting for us"), ("theirs", "waiting for them"), ("rest", "closed")]
)
@pytest.mark.parametrize("before", CaseState)
def test_what_is_left_to_do_says_whose_turn_it_is(event: str, after: str, before: str) -> None:
    """However it stood before."""
    assert moves(CaseEvent(event))[before] == after


@pytest.mark.parametrize(
    ("kinds", "promisers", "left"),
    [
        (["none"], [], "rest"),
        (["move"], [], "rest"),
        (["draft"], [], "ours"),
        (["flag"], [], "ours"),
        (["move", "escalate"], ["them"], "ours"),
        (["none"], ["them"], "theirs"),
        (["none"], ["us", "them"], "ours"),
    ],
)
def test_a_decision_leaves_something_to_us_to_them_or_to_nobody(
    kinds: list[str], promisers: list[str], left: str
) -> None:
    """What a person must look at weighs most, then our promises, then theirs."""
    assert left_by(kinds, promisers) == left


def test_a_case_that_is_handed_to_somebody_is_ours_to_go_on_with() -> None:
    """A report is to come, so it is neither closed nor theirs, whatever was decided on the mail."""
    assert [left_by(["none"], by, handed=True) for by in ([], ["them"])] == ["ours", "ours"]


def test_promises_alone_say_whose_turn_it_is() -> None:
    """Where nothing else is to be done."""
    assert [left_open(by) for by in ([], ["them"], ["us", "them"])] == ["rest", "theirs", "ours"]
