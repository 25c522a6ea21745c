"""How a second decision on a message differs from the one that was logged."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.judgement.policy import Kind, Planned
from daemon.judgement.policy import Verdict as Ruled

NO_DECISION = "it was logged without a decision"


@dataclass(frozen=True)
class Verdict:
    """What came of a message: the decision, and what would be done about it."""

    category: str
    priority: str
    actions: tuple[str, ...]
    reply: str = ""


@dataclass(frozen=True)
class Comparison:
    """Whether two verdicts come to the same, and what differs. How a reply is worded is told, and does not count."""

    agrees: bool
    changes: tuple[str, ...] = ()


def action_name(kind: str, target: str, *, refused: bool = False) -> str:
    """Name an action as it is compared: where a mail is moved counts, and that the config does not have it done."""
    name = f"{kind} to {target}" if kind == Kind.MOVE else kind
    return f"{name} (refused)" if refused else name


def names_of(planned: Sequence[Planned]) -> tuple[str, ...]:
    """Name all planned actions."""
    return tuple(action_name(item.kind, item.target, refused=item.verdict is Ruled.REFUSE) for item in planned)


def handing_name(specialist: str) -> str:
    """Name a handoff that outlasts its turn, among the actions."""
    return f"hand over to {specialist}"


def compare(logged: Verdict | None, found: Verdict) -> Comparison:
    """Compare a verdict with the logged one; None where the message was held or failed without a decision."""
    if logged is None:
        return Comparison(agrees=False, changes=(NO_DECISION,))
    differing = [
        f"{name}: {before} -> {after}"
        for name, before, after in (
            ("category", logged.category, found.category),
            ("priority", logged.priority, found.priority),
            ("actions", _listed(logged.actions), _listed(found.actions)),
        )
        if before != after
    ]
    worded = _wording(logged.reply, found.reply) if logged.reply and found.reply else ""
    return Comparison(not differing, (*differing, *([worded] if worded else [])))


def _listed(actions: tuple[str, ...]) -> str:
    return ", ".join(sorted(actions)) or "none"


def _wording(before: str, after: str) -> str:
    """Say how much of a reply's words is the same, in their order; nothing where all are."""
    first, second = before.split(), after.split()
    if first == second:
        return ""
    same = difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
    return f"reply: {same:.0%} the same words"
