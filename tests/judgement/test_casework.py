"""How a case stands."""

import pytest

from daemon.judgement.casework import CaseEvent, CaseState, left_by, left_open, moves
from daemon.judgement.policy import HANDLED, Kind, Planned, Verdict


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
        ([], [], "rest"),
        ([Kind.MOVE], [], "rest"),
        ([Kind.DRAFT], [], "ours"),
        ([Kind.FLAG], [], "ours"),
        ([Kind.MOVE, Kind.ESCALATE], ["them"], "ours"),
        ([], ["them"], "theirs"),
        ([], ["us", "them"], "ours"),
        ([Kind.REPLY], [], "theirs"),
        ([Kind.REPLY], ["us"], "ours"),
        ([Kind.FORWARD], [], "rest"),
    ],
)
def test_a_decision_leaves_something_to_us_to_them_or_to_nobody(
    kinds: list[Kind], promisers: list[str], left: str
) -> None:
    """What a person must look at weighs most, then our promises, then theirs; who is answered may answer."""
    assert left_by([Planned(kind, "rule") for kind in kinds], promisers) == left


@pytest.mark.parametrize("verdict", [Verdict.ASK, Verdict.REFUSE])
@pytest.mark.parametrize("kind", [Kind.REPLY, Kind.FORWARD, Kind.MOVE, Kind.CLOSE])
def test_what_is_not_simply_done_leaves_the_case_to_us(kind: Kind, verdict: Verdict) -> None:
    """An action that waits for a person, or that nobody may do, is ours to look at."""
    assert left_by([Planned(kind, "rule", verdict=verdict)], []) == "ours"


@pytest.mark.parametrize("rule", HANDLED)
def test_what_is_done_with_every_mail_leaves_nothing(rule: str) -> None:
    """The configured flag is no sign that a person must look."""
    assert left_by([Planned(Kind.FLAG, rule)], []) == "rest"


def test_a_case_that_is_handed_to_somebody_is_ours_to_go_on_with() -> None:
    """A report is to come, so it is neither closed nor theirs, whatever was decided on the mail."""
    assert [left_by([], by, handed=True) for by in ([], ["them"])] == ["ours", "ours"]


def test_promises_alone_say_whose_turn_it_is() -> None:
    """Where nothing else is to be done."""
    assert [left_open(by) for by in ([], ["them"], ["us", "them"])] == ["rest", "theirs", "ours"]
