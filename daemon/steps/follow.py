"""Follow: see what a person made of the drafts, in their own mail program, and tie it to the action."""

import asyncio
from datetime import timedelta

from daemon.errors import PermanentError, TransientError
from daemon.house import READER, House, Outgoing
from daemon.judgement.answers import thread_id
from daemon.judgement.casework import CaseEvent, Promiser, PromiseState, left_open, moves
from daemon.judgement.drafts import FINAL, Fate, Outcome, Seen, outcome
from daemon.judgement.handoffs import INSTEAD, HandoffState
from daemon.judgement.policy import DRAFTS, Kind
from daemon.judgement.states import NEEDS_A_PERSON, ActionState
from daemon.mail.outbox import LARGEST_SIGHTING, Sighting, Trail
from daemon.steps.report import ending
from daemon.steps.unsay import void_of
from knowledge import cases, feedback, handoffs, promises
from knowledge.errors import FenceError
from knowledge.feedback import Sequel
from knowledge.handoffs import Ending
from knowledge.tables import Action, Feedback
from knowledge.tables import Message as Row

FOLLOWED_FOR = timedelta(days=30)
UNSENT = "the draft with it was deleted"
NOT_ASKED = "our letter is gone from the drafts, and not among what was sent"


async def follow(house: House) -> bool:
    """Look after one draft whose time it is, so that no action waits for a round of them; say whether there was one."""
    due = next((outgoing for outgoing in house.outgoing.values() if _is_due(house, outgoing)), None)
    if due is None:
        return False
    if not due.drafts:
        due.ticks.get_nowait()
        due.drafts.extend(_open_drafts(house, due))
    if due.drafts:
        await _look(house, due, *feedback.draft_of(house.db, due.drafts.popleft()))
    return True


def _is_due(house: House, outgoing: Outgoing) -> bool:
    waits = bool(outgoing.drafts) or not outgoing.ticks.empty()
    return waits and not house.health.is_paused(outgoing.part) and not house.health.is_paused(READER)


def _open_drafts(house: House, outgoing: Outgoing) -> list[int]:
    since = house.clock() - FOLLOWED_FOR
    return feedback.open_drafts(
        house.db, outgoing.mailbox.name, drafts=DRAFTS, stored=ActionState.SENT, final=FINAL, since=since
    )


async def _look(house: House, outgoing: Outgoing, action: Action, row: Row) -> None:
    """Look after one draft; where the mailbox cannot be asked now, the round is over."""
    answers = thread_id(action.own_message_id) if action.kind == Kind.LETTER else row.message_id
    trail = Trail(action.own_message_id, answers)
    try:
        sightings = await asyncio.to_thread(outgoing.effects.look_for, trail)
        found = await asyncio.to_thread(_outcome, house, action, sightings)
    except TransientError as error:
        outgoing.drafts.clear()
        house.health.pause(READER if error.part == READER else outgoing.part, error.kind, str(error))
        return
    except PermanentError:
        return  # a copy that cannot be read tells nothing; it is looked at again
    house.health.well(outgoing.part)
    if found:
        _note(house, action, row, found)


def _outcome(house: House, action: Action, sightings: list[Sighting]) -> Outcome | None:
    drafted = house.reader.read(action.content).text
    seen = [Seen(_text(house, action, drafted, sighting), sighting.sent, sighting.seen_at) for sighting in sightings]
    missed = Fate.MISSING in feedback.kinds_of(house.db, action.id or 0)
    return outcome(drafted, action.created_at, seen, missed=missed)


def _text(house: House, action: Action, drafted: str, sighting: Sighting) -> str | None:
    """Give the text of a copy. Of a letter that is as large with the mail in it, nobody knows: it passes for ours."""
    if sighting.whole:
        return house.reader.read(sighting.raw).text
    return drafted if len(action.content) > LARGEST_SIGHTING else None


def _note(house: House, action: Action, row: Row, found: Outcome) -> None:
    note = Feedback(action_id=action.id or 0, kind=found.fate, detail=found.difference, noted_at=house.clock())
    try:
        noted = feedback.note(house.db, note, _sequel(house, action, row, found.fate))
    except FenceError:
        return  # the handoff of a letter has just ended: the next look finds it so
    if noted:
        event = f"{action.kind}_{found.fate}"
        house.log.info(event, action=action.id, message=row.id, changed=bool(found.difference))


def _sequel(house: House, action: Action, row: Row, fate: Fate) -> Sequel | None:
    """Say what a draft's end does to its case: once answered it is the sender's turn, if nothing else is left to do.

    What we promised in a draft that a person deleted, nobody was promised.
    """
    if fate not in FINAL or row.case_id is None:
        return None
    if fate is Fate.DELETED and action.kind == Kind.LETTER:
        return Sequel(row.case_id, moves(CaseEvent.OURS), ending=_unsent(house, action))
    left = promises.of_case(house.db, row.case_id, [PromiseState.OPEN])
    void = void_of(action, UNSENT, house.clock()) if fate is Fate.DELETED else None
    if void:
        left = [each for each in left if (each.decision_id, each.by) != (action.decision_id, Promiser.US)]
    event = left_open(promise.by for promise in left)
    if fate is Fate.SENT and event is CaseEvent.REST:
        event = CaseEvent.THEIRS
    if cases.needs_a_person(house.db, row.case_id, NEEDS_A_PERSON):
        event = CaseEvent.OURS
    return Sequel(row.case_id, moves(event), void)


def _unsent(house: House, letter: Action) -> Ending | None:
    """End the handoff of a letter that a person deleted, where it is open; the employee is told so."""
    found = handoffs.of_action(house.db, letter.id or 0)
    if found is None or found[0].state != HandoffState.OPEN:
        return None
    handoff, handed = found
    report = INSTEAD.format(handoff.specialist, NOT_ASKED)
    return ending(handoff, handed, HandoffState.UNSENT, report, house.clock())
