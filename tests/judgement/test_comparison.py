"""How a second decision is compared with the logged one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.comparison import Comparison, Verdict, action_name, compare, handing_name, names_of
from daemon.judgement.policy import Kind, Planned
from daemon.judgement.policy import Verdict as Ruling

LOGGED = Verdict("question", "normal", ("draft", "flag"), "We open at nine.")
WORDS = st.text(max_size=8)
VERDICTS = st.builds(Verdict, WORDS, WORDS, st.lists(WORDS, max_size=3).map(tuple), WORDS)


@given(VERDICTS)
def test_a_verdict_always_agrees_with_itself(verdict: Verdict) -> None:
    """Nothing differs."""
    assert compare(verdict, verdict) == Comparison(agrees=True)


@given(VERDICTS, VERDICTS)
def test_agreement_never_depends_on_which_came_first(one: Verdict, other: Verdict) -> None:
    """Whether two verdicts agree is the same both ways."""
    assert compare(one, other).agrees == compare(other, one).agrees


@pytest.mark.parametrize(
    ("found", "change"),
    [
        (replace(LOGGED, category="order"), "category: question -> order"),
        (replace(LOGGED, priority="high"), "priority: normal -> high"),
        (replace(LOGGED, actions=("escalate",)), "actions: draft, flag -> escalate"),
        (replace(LOGGED, actions=()), "actions: draft, flag -> none"),
    ],
)
def test_what_counts_for_the_agreement_is_told_when_it_differs(found: Verdict, change: str) -> None:
    """Category, priority and actions."""
    assert compare(LOGGED, found) == Comparison(agrees=False, changes=(change,))


def test_to_whom_a_case_is_handed_counts_among_the_actions() -> None:
    """Another specialist is another decision."""
    found = replace(LOGGED, actions=(*LOGGED.actions, handing_name("contracts")))
    assert compare(LOGGED, found).changes == ("actions: draft, flag -> draft, flag, hand over to contracts",)


def test_the_order_of_actions_does_not_count() -> None:
    """They are carried out in an order of ours."""
    assert compare(LOGGED, replace(LOGGED, actions=("flag", "draft"))).agrees


def test_the_wording_of_a_reply_is_told_and_does_not_count() -> None:
    """Two replies are never worded alike."""
    found = compare(LOGGED, replace(LOGGED, reply="We open at ten."))
    assert found == Comparison(agrees=True, changes=("reply: 75% the same words",))


def test_line_breaks_are_no_words() -> None:
    """A mail's text is wrapped on its way."""
    assert compare(LOGGED, replace(LOGGED, reply="We open\nat nine.")).changes == ()


@pytest.mark.parametrize(("before", "after"), [("", "Hello."), ("Hello.", "")])
def test_a_reply_that_is_there_on_one_side_only_is_not_compared(before: str, after: str) -> None:
    """That there is one, the actions tell."""
    assert compare(replace(LOGGED, reply=before), replace(LOGGED, reply=after)).changes == ()


def test_a_message_without_a_logged_decision_agrees_with_nothing() -> None:
    """It was held or failed."""
    assert compare(None, LOGGED) == Comparison(agrees=False, changes=("it was logged without a decision",))


@pytest.mark.parametrize(
    ("kind", "name"), [("move", "move to Spam"), ("draft", "draft"), ("escalate", "escalate"), ("flag", "flag")]
)
def test_an_action_is_named_by_its_kind_and_a_move_by_its_folder_too(kind: str, name: str) -> None:
    """Other targets are always the same."""
    assert action_name(kind, "Spam") == name
    assert names_of([Planned(Kind(kind), "rule", target="Spam")]) == (name,)


def test_what_the_config_refuses_is_told_apart() -> None:
    """It is decided, and not done."""
    refused = Planned(Kind.MOVE, "rule", target="Spam", verdict=Ruling.REFUSE)
    assert names_of([refused]) == (action_name(Kind.MOVE, "Spam", refused=True),) == ("move to Spam (refused)",)
