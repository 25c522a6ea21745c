"""How it stands, for the head of every page: what waits, and whether the employee is at work."""

from dataclasses import dataclass

from daemon.judgement.states import NEEDS_A_PERSON, ActionState, MessageState
from daemon.premises import is_at_work
from daemon.steps.rest import rests
from daemon.web.site import Asked
from knowledge import actions, ledger, service


@dataclass(frozen=True)
class Standing:
    """How many proposals wait, how many other mails need a person by their state, and what the employee does."""

    waiting: int
    attention: dict[str, int]
    at_work: bool
    rests: bool
    paused: tuple[str, ...]


def standing(asked: Asked) -> Standing:
    """Gather it."""
    counts, db = ledger.counts(asked.db), asked.db
    return Standing(
        waiting=actions.counts(db).get(ActionState.WAITING, 0),
        attention={
            state: counts[state] for state in NEEDS_A_PERSON if state != MessageState.WAITING and counts.get(state)
        },
        at_work=is_at_work(asked.settings, db),
        rests=rests(db, asked.site.clock),
        paused=tuple(f"{row.part}: {row.reason}" for row in service.conditions(db) if row.paused),
    )
