"""The decision as the tool takes it: strict, bounded, and within the configuration."""

from typing import Any

import pytest
from pydantic import ValidationError

from daemon.judgement.decision import LONGEST_BODY, MOST_ACTIONS, Decision, Latitude, Priority, outside_bounds
from tests.judgement.samples import decision

DRAFT = {"kind": "draft", "body": "We close at six."}
MOVE = {"kind": "move", "folder": "Archive"}
FLAG = {"kind": "flag"}
ESCALATE = {"kind": "escalate", "question": "May we refund?"}
FORWARD = {"kind": "forward", "to": "books"}
NONE = {"kind": "none"}
CATEGORIES = ("question", "other")


@pytest.mark.parametrize("action", [DRAFT, MOVE, FLAG, ESCALATE, NONE], ids=lambda action: action["kind"])
def test_it_takes_each_kind_of_action(action: dict[str, str]) -> None:
    """Every kind of action can be decided."""
    assert [taken.model_dump() for taken in decision(action).actions] == [action]


def test_it_takes_all_kinds_but_none_together() -> None:
    """One action of each kind makes a valid decision."""
    assert [taken.kind for taken in decision(DRAFT, MOVE, FLAG, ESCALATE).actions] == [
        "draft",
        "move",
        "flag",
        "escalate",
    ]


def test_it_takes_a_nul_out() -> None:
    """Not every database can store one; the words around it count."""
    taken = decision({"kind": "escalate", "question": "May\0 we?"}, reason="Because\0.")
    assert (taken.reason, taken.actions[0].model_dump()["question"]) == ("Because.", "May we?")


def test_what_is_no_table_is_no_decision() -> None:
    """A list of words decides nothing."""
    with pytest.raises(ValidationError):
        Decision.model_validate(["question"])


@pytest.mark.parametrize("priority", list(Priority))
def test_it_takes_each_priority(priority: Priority) -> None:
    """A priority is given by its word."""
    assert decision(priority=priority.value).priority is priority


@pytest.mark.parametrize("confidence", [0, 0.5, 1])
def test_it_takes_a_confidence_from_nought_to_one(confidence: float) -> None:
    """The bounds themselves are allowed."""
    assert decision(confidence=confidence).confidence == confidence


def test_it_strips_blanks_around_words() -> None:
    """A category with blanks around it is the category."""
    assert decision(category="  question \n").category == "question"


@pytest.mark.parametrize("field", ["category", "priority", "summary", "reason", "confidence", "actions"])
def test_it_misses_each_field_that_is_left_out(field: str) -> None:
    """No field of a decision has a default."""
    given = decision().model_dump()
    del given[field]
    with pytest.raises(ValidationError, match=rf"{field}\n  Field required"):
        Decision.model_validate(given)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", " "),
        ("category", "x" * 61),
        ("priority", "soon"),
        ("summary", ""),
        ("summary", "x" * 501),
        ("reason", ""),
        ("reason", "x" * 2001),
        ("confidence", -0.01),
        ("confidence", 1.01),
        ("confidence", float("nan")),
        ("actions", []),
    ],
)
def test_it_refuses_a_value_out_of_bounds(field: str, value: Any) -> None:
    """Each field has its bounds, and the error names the field."""
    with pytest.raises(ValidationError, match=rf"^1 validation error for Decision\n{field}\n"):
        decision(**{field: value})


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "draft", "body": " \n "},
        {"kind": "draft", "body": "x" * (LONGEST_BODY + 1)},
        {"kind": "move", "folder": ""},
        {"kind": "move", "folder": "x" * 201},
        {"kind": "escalate", "question": ""},
        {"kind": "escalate", "question": "x" * 2001},
        {"kind": "send", "body": "Hello"},
        {"body": "Hello"},
    ],
)
def test_it_refuses_an_action_out_of_bounds(action: dict[str, str]) -> None:
    """An action that is empty, too long or unknown is refused."""
    with pytest.raises(ValidationError, match="actions"):
        decision(action)


@pytest.mark.parametrize("key", ["to", "recipients", "cc", "case", "person"])
def test_it_refuses_an_address_or_an_id_from_the_model(key: str) -> None:
    """The model never supplies an address, a case or a person: such a key is unknown."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        decision({**DRAFT, key: "eve@evil.example"})


def test_it_refuses_an_unknown_field() -> None:
    """A decision has no other fields."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        decision(autonomy="send")


def test_it_refuses_more_actions_than_the_most() -> None:
    """The number of actions is bounded."""
    with pytest.raises(ValidationError, match=f"at most {MOST_ACTIONS} items"):
        decision(*[FLAG] * (MOST_ACTIONS + 1))


def test_it_refuses_none_beside_another_action() -> None:
    """Nothing to do and something to do contradict each other."""
    with pytest.raises(ValidationError, match="the action 'none' stands alone"):
        decision(NONE, FLAG)


def test_it_refuses_a_kind_of_action_twice_and_names_it() -> None:
    """Two drafts and two flags are named in order; the single move is not."""
    with pytest.raises(ValidationError, match="given more than once: draft, flag "):
        decision(FLAG, DRAFT, MOVE, FLAG, DRAFT)


def test_it_cannot_be_changed() -> None:
    """A decision is frozen."""
    taken = decision()
    with pytest.raises(ValidationError, match="frozen"):
        taken.category = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("category", "action", "folders", "addressees", "problem"),
    [
        ("question", NONE, (), (), None),
        ("question", MOVE, ("Archive", "Later"), (), None),
        ("question", DRAFT, (), (), None),
        ("question", FORWARD, (), ("books",), None),
        ("question", FORWARD, (), (), "nobody called 'books' is known; known: nobody is configured, so do not forward"),
        ("question", FORWARD, (), ("a", "b"), "nobody called 'books' is known; known: a, b"),
        ("praise", NONE, (), (), "category 'praise' is not known; choose one of: question, other"),
        ("question", MOVE, ("Later",), (), "folder 'Archive' is not allowed; allowed: Later"),
        ("question", MOVE, (), (), "folder 'Archive' is not allowed; allowed: none is configured, so do not move"),
        ("question", MOVE, ("archive",), (), "folder 'Archive' is not allowed; allowed: archive"),
    ],
)
def test_it_says_what_the_configuration_does_not_know(
    category: str, action: dict[str, str], folders: tuple[str, ...], addressees: tuple[str, ...], problem: str | None
) -> None:
    """Categories and folders are those of the configuration, to the letter."""
    assert outside_bounds(decision(action, category=category), Latitude(CATEGORIES, folders, addressees)) == problem


def test_a_draft_and_a_reply_exclude_each_other() -> None:
    """There is one answer."""
    with pytest.raises(ValidationError, match="either draft or reply, not both"):
        decision(DRAFT, {"kind": "reply", "body": "We close at six."})


def test_its_answers_are_what_it_would_write_to_the_sender() -> None:
    """A draft's text or a reply's; a note to somebody in the house is none."""
    assert decision(DRAFT, FORWARD).answers == ["We close at six."]
    assert decision({"kind": "reply", "body": "At six."}).answers == ["At six."]
    assert decision(FORWARD).answers == []


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_an_amount_is_a_sum_of_money(amount: float) -> None:
    """What is no sum is refused in words."""
    with pytest.raises(ValidationError, match="amount"):
        decision(amount=amount)
