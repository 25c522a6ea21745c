"""How much the employee may do alone: per action, wider where clerkd itself knows who writes, narrower by what it says.

What the model says (category, confidence, amount) only ever narrows: a mail that has taken it over can say anything.
What widens rests on facts that the harness has found, and that no mail can bring about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from daemon.judgement.decision import Decision


class Mode(StrEnum):
    """How far an action may go, the narrowest first. ASK: it waits for a person. DRAFT: a person sends it."""

    NEVER = "never"
    ASK = "ask"
    DRAFT = "draft"
    DO = "do"


class Effect(StrEnum):
    """What the config says how much of may be done alone. An escalation asks a person: nothing could be narrower."""

    REPLY = "reply"
    FORWARD = "forward"
    MOVE = "move"
    FLAG = "flag"
    CLOSE = "close"


ORDER = tuple(Mode)
LEAVING = (Effect.REPLY, Effect.FORWARD)
DEFAULTS: Mapping[Effect, Mode] = {
    Effect.REPLY: Mode.DRAFT,
    Effect.FORWARD: Mode.ASK,
    Effect.MOVE: Mode.DO,
    Effect.FLAG: Mode.DO,
    Effect.CLOSE: Mode.DO,
}


@dataclass(frozen=True)
class Facts:
    """What the harness knows of who wrote and of now, whatever the mail or the model says.

    ``known_days`` is how long ago the sender's first mail came; ``authenticated`` that their domain vouches for this
    one; ``within_hours`` that it is a working hour.
    """

    known_days: float = 0.0
    authenticated: bool = False
    within_hours: bool = True


@dataclass(frozen=True)
class Wider:
    """Lets an action go further where the sender is authenticated and all of this holds, too.

    The first two are facts, the last three what was decided. Without the domain's word anybody may write in the name
    of a sender who has been known for years.
    """

    effect: Effect
    mode: Mode
    known_days: float | None = None
    within_hours: bool = False
    categories: tuple[str, ...] = ()
    confidence: float = 0.0
    amount: float | None = None

    def holds(self, decision: Decision, sum_at_stake: float | None, facts: Facts) -> bool:
        """Say whether all conditions hold; where an amount is bounded, one that nobody named is none."""
        return (
            facts.authenticated
            and (self.known_days is None or facts.known_days >= self.known_days)
            and (facts.within_hours or not self.within_hours)
            and (not self.categories or decision.category in self.categories)
            and decision.confidence >= self.confidence
            and (self.amount is None or (sum_at_stake or 0.0) <= self.amount)
        )


@dataclass(frozen=True)
class Autonomy:
    """What the config allows.

    ``narrower`` gives modes by category and action. What would be done alone is asked about where the employee is less
    sure than ``least_confidence``, or more than ``most_amount`` is at stake.
    """

    modes: Mapping[Effect, Mode] = field(default_factory=lambda: DEFAULTS)
    wider: tuple[Wider, ...] = ()
    narrower: Mapping[str, Mapping[Effect, Mode]] = field(default_factory=dict)
    least_confidence: float = 0.0
    most_amount: float | None = None

    def highest(self, effect: Effect) -> Mode:
        """Say how far an action could go at the most."""
        return max([self.modes[effect], *(each.mode for each in self.wider if each.effect is effect)], key=ORDER.index)


@dataclass(frozen=True)
class Ruling:
    """How far an action may go, and the rule that says so, by its name in the config."""

    mode: Mode
    rule: str


def ruling(effect: Effect, decision: Decision, sum_at_stake: float | None, facts: Facts, autonomy: Autonomy) -> Ruling:
    """Say how far an action of a decision may go: as the widest rule says that holds, then as the narrowest does."""
    found = [Ruling(autonomy.modes[effect], f"autonomy.{effect}")]
    found += [
        Ruling(each.mode, f"autonomy.wider[{place}]")
        for place, each in enumerate(autonomy.wider)
        if each.effect is effect and each.holds(decision, sum_at_stake, facts)
    ]
    modes = autonomy.narrower.get(decision.category, {})
    of_category = [Ruling(modes[effect], f"autonomy.categories.{decision.category}")] if effect in modes else []
    chosen = min([max(found, key=_reach), *of_category], key=_reach)
    doubt = _doubt(decision, sum_at_stake, autonomy) if effect in LEAVING and chosen.mode is Mode.DO else ""
    return Ruling(Mode.ASK, doubt) if doubt else chosen


def _doubt(decision: Decision, sum_at_stake: float | None, autonomy: Autonomy) -> str:
    """Name the bound by which a person is asked about what would leave alone; empty where none does."""
    if decision.confidence < autonomy.least_confidence:
        return "autonomy.least_confidence"
    if autonomy.most_amount is not None and (sum_at_stake or 0.0) > autonomy.most_amount:
        return "autonomy.most_amount"
    return ""


def _reach(ruling: Ruling) -> int:
    return ORDER.index(ruling.mode)
