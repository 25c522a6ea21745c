"""How much the employee may do alone: facts widen it, what the model says only narrows it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.autonomy import DEFAULTS, ORDER, Autonomy, Effect, Facts, Mode, Ruling, Wider, ruling
from tests.judgement.samples import decision

STRANGER, FRIEND = Facts(), Facts(known_days=90, authenticated=True)
TRUSTING = Wider(Effect.REPLY, Mode.DO, known_days=30)


@pytest.mark.parametrize(
    ("effect", "mode"),
    [
        (Effect.REPLY, Mode.DRAFT),
        (Effect.FORWARD, Mode.ASK),
        (Effect.MOVE, Mode.DO),
        (Effect.FLAG, Mode.DO),
        (Effect.CLOSE, Mode.DO),
    ],
)
def test_it_drafts_replies_and_asks_for_whatever_else_leaves(effect: Effect, mode: Mode) -> None:
    """Without a word in the config nothing leaves alone; what stays in the mailbox is done."""
    assert ruling(effect, decision(), None, FRIEND, Autonomy()) == Ruling(mode, f"autonomy.{effect}")


def test_it_goes_further_where_the_harness_knows_the_sender() -> None:
    """The rule that let it is named by its place in the config."""
    assert ruling(Effect.REPLY, decision(), None, FRIEND, Autonomy(wider=(TRUSTING,))) == Ruling(
        Mode.DO, "autonomy.wider[0]"
    )


@pytest.mark.parametrize(
    "facts",
    [STRANGER, Facts(known_days=90), Facts(known_days=29, authenticated=True), Facts(authenticated=True)],
    ids=["stranger", "not authenticated", "not known for long enough", "new"],
)
def test_it_goes_no_further_where_a_fact_is_missing(facts: Facts) -> None:
    """Every condition of a rule must hold."""
    assert ruling(Effect.REPLY, decision(), None, facts, Autonomy(wider=(TRUSTING,))).mode is Mode.DRAFT


def test_it_goes_further_within_hours_alone_where_a_rule_says_so() -> None:
    """A rule may hold within working hours only."""
    autonomy = Autonomy(wider=(dataclasses.replace(TRUSTING, within_hours=True),))
    by_night = dataclasses.replace(FRIEND, within_hours=False)
    modes = [ruling(Effect.REPLY, decision(), None, facts, autonomy).mode for facts in (FRIEND, by_night)]
    assert modes == [Mode.DO, Mode.DRAFT]


@pytest.mark.parametrize(
    ("said", "amount", "mode"),
    [
        ({}, None, Mode.DO),
        ({}, 100.0, Mode.DO),
        ({}, 100.01, Mode.DRAFT),
        ({"confidence": 0.79}, None, Mode.DRAFT),
        ({"category": "complaint"}, None, Mode.DRAFT),
    ],
    ids=["all hold", "at the bound", "too much at stake", "too unsure", "another category"],
)
def test_a_rule_that_widens_is_narrowed_by_what_was_decided(
    said: dict[str, object], amount: float | None, mode: Mode
) -> None:
    """Category, confidence and amount bound for whom a rule that rests on facts holds."""
    rule = dataclasses.replace(TRUSTING, categories=("question",), confidence=0.8, amount=100.0)
    assert ruling(Effect.REPLY, decision(**said), amount, FRIEND, Autonomy(wider=(rule,))).mode is mode


def test_a_category_narrows_whatever_widens() -> None:
    """What the config says of a category holds for friends, too."""
    autonomy = Autonomy(wider=(TRUSTING,), narrower={"complaint": {Effect.REPLY: Mode.ASK}})
    found = ruling(Effect.REPLY, decision(category="complaint"), None, FRIEND, autonomy)
    assert found == Ruling(Mode.ASK, "autonomy.categories.complaint")


@pytest.mark.parametrize(
    ("said", "amount", "found"),
    [
        ({}, 200.0, Ruling(Mode.DO, "autonomy.reply")),
        ({"confidence": 0.69}, None, Ruling(Mode.ASK, "autonomy.least_confidence")),
        ({}, 200.01, Ruling(Mode.ASK, "autonomy.most_amount")),
    ],
)
def test_it_asks_where_it_is_unsure_or_much_is_at_stake(
    said: dict[str, object], amount: float | None, found: Ruling
) -> None:
    """What would leave alone is asked about, by the bounds of the config."""
    modes = {**DEFAULTS, Effect.REPLY: Mode.DO}
    autonomy = Autonomy(modes, least_confidence=0.7, most_amount=200.0)
    assert ruling(Effect.REPLY, decision(**said), amount, STRANGER, autonomy) == found


def test_what_is_only_drafted_is_not_asked_about() -> None:
    """A person sends it: the bounds are for what would leave alone."""
    found = ruling(
        Effect.REPLY, decision(confidence=0.1), 500.0, STRANGER, Autonomy(least_confidence=0.9, most_amount=1.0)
    )
    assert found == Ruling(Mode.DRAFT, "autonomy.reply")


def test_what_stays_in_the_mailbox_is_not_asked_about_for_want_of_confidence() -> None:
    """The bounds are for what leaves."""
    autonomy = Autonomy(least_confidence=0.99, most_amount=1.0)
    assert ruling(Effect.MOVE, decision(confidence=0.1), 500.0, STRANGER, autonomy).mode is Mode.DO


def test_it_says_how_far_an_action_could_go_at_most() -> None:
    """The tools offer no more than the config could ever allow."""
    autonomy = Autonomy(wider=(TRUSTING,))
    assert [autonomy.highest(effect) for effect in (Effect.REPLY, Effect.FORWARD)] == [Mode.DO, Mode.ASK]


MODES = st.sampled_from(Mode)
RULES = st.lists(
    st.builds(
        Wider,
        effect=st.sampled_from(Effect),
        mode=MODES,
        known_days=st.none() | st.floats(0, 100),
        within_hours=st.booleans(),
        categories=st.sampled_from([(), ("question",), ("complaint", "order")]),
        confidence=st.floats(0, 1),
        amount=st.none() | st.floats(0, 1000),
    ),
    max_size=4,
)
AUTONOMIES = st.builds(
    Autonomy,
    modes=st.fixed_dictionaries(dict.fromkeys(Effect, MODES)),
    wider=RULES.map(tuple),
    narrower=st.dictionaries(
        st.sampled_from(["question", "complaint"]), st.dictionaries(st.sampled_from(Effect), MODES), max_size=2
    ),
    least_confidence=st.floats(0, 1),
    most_amount=st.none() | st.floats(0, 1000),
)
FACTS = st.builds(Facts, st.floats(0, 100), st.booleans(), st.booleans())
SAID = st.fixed_dictionaries(
    {"category": st.sampled_from(["question", "complaint", "order"]), "confidence": st.floats(0, 1)}
)


@given(AUTONOMIES, FACTS, SAID, st.none() | st.floats(0, 2000), st.sampled_from(Effect))
def test_no_word_of_the_model_ever_widens_what_the_facts_allow(
    autonomy: Autonomy, facts: Facts, said: dict[str, object], amount: float | None, effect: Effect
) -> None:
    """However it is put, an action goes no further than with the facts alone and nothing that narrows."""
    plain = tuple(dataclasses.replace(each, categories=(), confidence=0.0, amount=None) for each in autonomy.wider)
    widest = ruling(effect, decision(confidence=1.0), 0.0, facts, Autonomy(autonomy.modes, plain))
    found = ruling(effect, decision(**said), amount, facts, autonomy)
    assert ORDER.index(found.mode) <= ORDER.index(widest.mode)


@given(AUTONOMIES, FACTS, SAID, st.sampled_from(Effect))
def test_nothing_ever_goes_further_than_the_highest(
    autonomy: Autonomy, facts: Facts, said: dict[str, object], effect: Effect
) -> None:
    """What the tools are offered by is a bound."""
    found = ruling(effect, decision(**said), None, facts, autonomy)
    assert ORDER.index(found.mode) <= ORDER.index(autonomy.highest(effect))
