"""Send: a mail leaves through the submission server, at most once unattended, with a copy where sent mail lies."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from daemon.errors import PermanentError, TransientError, UncertainError
from daemon.house import POST, House, Outgoing
from daemon.judgement.autonomy import Effect, Mode
from daemon.judgement.caps import reached
from daemon.judgement.policy import LEAVING, Kind
from daemon.judgement.states import ActionState
from daemon.steps.approval_orders import Verdict
from daemon.steps.situation import sent
from knowledge import approvals, decisions
from knowledge.actions import Change
from knowledge.tables import Action
from knowledge.tables import Message as Row

NOBODY_KNOWS = (
    "it was cut off while it was handed over, and no copy lies where sent mail lies: nobody knows whether it left. Ask "
    "your mail server's log; `clerkd requeue` has it wait for an approval again"
)
DEFERRED_SECONDS = 60.0  # doubled with each try
MOST_TRIES = 9  # in some 17 hours


def held_back(house: House) -> Sequence[str]:
    """Name the kinds of action that must wait now: nothing leaves outside of working hours, or without a way out."""
    may_leave = house.settings.hours.hours.are_on(house.clock()) and not house.health.is_paused(POST)
    return () if may_leave else LEAVING


def objection_to_leaving(house: House, row: Row, action: Action) -> str:
    """Check once more, just before: to whom it goes, and how much has left lately."""
    if action.kind == Kind.FORWARD and action.recipients != [house.settings.addressees.get(action.target)]:
        return f"the config no longer has mail forwarded to {action.target!r} at this address"
    if not approvals.is_approved(house.db, action.id, Verdict.APPROVED) and not _may_leave_alone(house, action):
        return "the config no longer lets it leave alone"
    return reached(sent(house, row.case_id, tuple(action.recipients)), house.clock())


def _may_leave_alone(house: House, action: Action) -> bool:
    """Say whether the config could still let it leave without a person's word."""
    autonomy, effect = house.settings.autonomy.autonomy, Effect(action.kind)
    entry = decisions.of_message(house.db, action.message_id)
    category = entry.decision.category if entry and entry.decision else ""
    return autonomy.highest(effect) is Mode.DO and autonomy.narrower.get(category, {}).get(effect, Mode.DO) is Mode.DO


def submit(house: House, action: Action) -> None:
    """Hand it over; see ``Submission.submit`` for what is raised."""
    if house.post is None:
        message = "the config has no [smtp] any more"
        raise PermanentError(message)
    house.post.submit(action.recipients, action.content)


def copies(house: House) -> bool:
    """Say whether a copy is to be put where sent mail lies."""
    return bool(house.settings.smtp and house.settings.smtp.copy_to_sent)


async def store_copy(house: House, outgoing: Outgoing, action: Action) -> str:
    """Put a copy of what has left where sent mail lies, once; say why it cannot be, where it cannot.

    Raises TransientError where the mailbox is out of reach: it is looked for again then.
    """
    effects = outgoing.effects
    try:
        if not await asyncio.to_thread(effects.has_sent, action.own_message_id):
            await asyncio.to_thread(effects.store_sent, action.content)
    except UncertainError as error:
        raise TransientError(outgoing.part, str(error), "uncertain") from error
    except PermanentError as error:
        return f"no copy could be put where sent mail lies: {error}"
    house.health.well(outgoing.part)
    return ""


def next_turn(house: House, action: Action) -> datetime | None:
    """Say when a mail at which the server broke off is tried again: after a second time, others go first."""
    later = action.kind in LEAVING and action.tries > 1
    return house.clock() + timedelta(seconds=DEFERRED_SECONDS) if later else None


def deferral(house: House, action: Action, why: str) -> Change:
    """Try a mail later that the server does not take now; after some tries a person is to see why."""
    if action.tries > MOST_TRIES:
        return Change(ActionState.HELD, why)
    later = house.clock() + timedelta(seconds=DEFERRED_SECONDS * 2**action.tries)
    return Change(ActionState.PLANNED, why, due_at=later)
