"""Follow: see what a person made of the drafts, in their own mail program, and tie it to the action."""

import asyncio
from datetime import timedelta

from daemon.errors import PermanentError, TransientError
from daemon.house import READER, House, Outgoing
from daemon.judgement.drafts import FINAL, Fate, Outcome, Seen, outcome
from daemon.judgement.policy import Kind
from daemon.judgement.states import ActionState
from daemon.mail.outbox import Sighting, Trail
from knowledge import feedback
from knowledge.tables import Action, Feedback
from knowledge.tables import Message as Row

FOLLOWED_FOR = timedelta(days=30)
EVENTS = {Fate.SENT: "draft_sent", Fate.EDITED: "draft_edited", Fate.DELETED: "draft_deleted"}


async def follow(house: House) -> bool:
    """Look after the drafts of one mailbox whose time it is; say whether there was one."""
    due = next(
        (out for out in house.outgoing.values() if not out.ticks.empty() and out.part not in _paused(house)), None
    )
    if due is None:
        return False
    due.ticks.get_nowait()
    since = house.clock() - FOLLOWED_FOR
    drafts = feedback.open_drafts(
        house.db, due.mailbox.name, draft=Kind.DRAFT, stored=ActionState.SENT, final=FINAL, since=since
    )
    for action, row in drafts:
        if house.stop.requested or not await _look(house, due, action, row):
            break
        house.pulse.beat("outbox")
    return True


def _paused(house: House) -> list[str]:
    return [out.part for out in house.outgoing.values() if house.health.is_paused(out.part)]


async def _look(house: House, outgoing: Outgoing, action: Action, row: Row) -> bool:
    """Look after one draft; False where the mailbox cannot be asked now."""
    trail = Trail(action.own_message_id, row.message_id)
    try:
        sightings = await asyncio.to_thread(outgoing.effects.look_for, trail)
        found = await asyncio.to_thread(_outcome, house, action, sightings)
    except TransientError as error:
        house.health.pause(READER if error.part == READER else outgoing.part, error.kind, str(error))
        return False
    except PermanentError:
        return True  # a copy that cannot be read tells nothing; it is looked at again
    if found:
        _note(house, action, row, found)
    return True


def _outcome(house: House, action: Action, sightings: list[Sighting]) -> Outcome | None:
    seen = [Seen(_text(house, sighting.raw), sighting.sent, sighting.seen_at) for sighting in sightings]
    return outcome(_text(house, action.content), action.created_at, seen)


def _text(house: House, raw: bytes) -> str:
    return house.reader.read(raw).text


def _note(house: House, action: Action, row: Row, found: Outcome) -> None:
    note = Feedback(action_id=action.id or 0, kind=found.fate, detail=found.difference, noted_at=house.clock())
    if feedback.note(house.db, note):
        event = EVENTS[found.fate]
        house.log.info(event, action=action.id, message=row.id, changed=bool(found.difference))
