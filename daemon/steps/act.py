"""Act and settle: carry actions out, each one committed as SENDING before and as SENT after.

An action found in SENDING was cut off by a crash or a broken connection. It is looked for on a new connection,
and once more after a while; what is found is SENT, what is not found is done again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from daemon.errors import DeferredError, GoneError, PermanentError, TransientError, UncertainError
from daemon.house import POST, Effects, House, Outgoing
from daemon.judgement.casework import CaseEvent, PromiseState, left_open, moves
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.policy import LEAVING, Kind
from daemon.judgement.states import ACTION_DUE, NEEDS_A_PERSON, WENT_OUT, ActionState, Event, MessageState
from daemon.mail.outbox import Place
from daemon.steps.moves import move
from daemon.steps.record import attention
from daemon.steps.rest import rests
from daemon.steps.send import (
    NOBODY_KNOWS,
    copies,
    deferral,
    held_back,
    next_turn,
    objection_to_leaving,
    store_copy,
    submit,
)
from knowledge import actions, cases, handoffs, ledger, promises, turns
from knowledge.actions import Change
from knowledge.seal import digest
from knowledge.tables import Action
from knowledge.tables import Message as Row

WITHDRAWN, NOT_ASKED = "its decision was rolled back", "its handoff has ended"


async def act(house: House) -> bool:
    """Carry out the next action that is due, in a mailbox that is within reach; say whether there was one."""
    now, left = house.clock(), (ActionState.SUBMITTED,)
    action = actions.next_due(house.db, ACTION_DUE, now, house.unreachable, held_back(house), left)
    if action is None or rests(house.db, house.clock):
        return False
    row = ledger.get(house.db, action.message_id)
    if row is None:
        error = "an action belongs to a message"
        raise LookupError(error)
    outgoing = house.outgoing.get(row.mailbox)
    if outgoing is None:
        _end(house, row, action, _without(f"the mailbox {row.mailbox} has left the config", action))
    else:
        await _carry_on(house, outgoing, row, action)
    return True


async def _carry_on(house: House, outgoing: Outgoing, row: Row, action: Action) -> None:
    """See whether a cut-off action still has to be done, and do it."""
    try:
        if action.state == ActionState.SUBMITTED:
            _end(house, row, action, Change(ActionState.SENT, await store_copy(house, outgoing, action)))
            return
        if action.state != ActionState.PLANNED and not await _is_to_be_done(house, outgoing, row, action):
            return
    except TransientError as error:
        house.health.pause(outgoing.part, error.kind, str(error))
        return
    except PermanentError as error:
        _end(house, row, action, _without(str(error), action))
        return
    if withdrawal := _withdrawal(house, action):
        _end(house, row, action, Change(ActionState.CANCELLED, withdrawal))
        return
    objection = _objection(house, outgoing, row, action)
    if objection:
        _end(house, row, action, Change(ActionState.HELD, objection))
        return
    sending = Change(ActionState.SENDING, tries=action.tries + 1)
    action = actions.change(house.db, action, sending, house.clock())
    house.log.info("action_sending", action=action.id, kind=action.kind, message=row.id, case=row.case_id)
    await _do(house, outgoing, row, action)


def _without(why: str, action: Action) -> Change:
    """Say how an action ends whose mailbox cannot be asked; a mail that has left, or may have, never looks unsent."""
    if action.kind not in LEAVING or action.state == ActionState.PLANNED:
        return Change(ActionState.HELD, why)
    if action.state == ActionState.SUBMITTED:
        return Change(ActionState.SENT, f"no copy could be put where sent mail lies: {why}")
    return Change(ActionState.HELD, f"{NOBODY_KNOWS} ({why})", may_have_left=True)


def _withdrawal(house: House, action: Action) -> str:
    """Say what has come between: one that was tried before may be planned again, or looked for."""
    if (action.tries > 0 or action.state != ActionState.PLANNED) and actions.is_withdrawn(house.db, action):
        return WITHDRAWN
    handed = handoffs.of_action(house.db, action.id or 0) if action.kind == Kind.LETTER else None
    return NOT_ASKED if handed and handed[0].state != HandoffState.OPEN else ""


def _objection(house: House, outgoing: Outgoing, row: Row, action: Action) -> str:
    """Check once more, just before: the frozen bytes are those that were decided, and the config still allows it."""
    mailbox = outgoing.mailbox
    if digest(action.content, tuple(action.recipients), action.kind, action.target) != action.digest:
        return "its content is not what was decided"
    if action.kind == Kind.MOVE and action.target not in (*mailbox.folders, mailbox.handled_folder):
        return f"the config no longer allows the folder {action.target!r}"
    if action.kind == Kind.LETTER and action.recipients not in [[each.to] for each in house.persons.values()]:
        return f"{', '.join(action.recipients)} is no specialist any more"
    return objection_to_leaving(house, row, action) if action.kind in LEAVING else ""


async def _do(house: House, outgoing: Outgoing, row: Row, action: Action) -> None:
    """Carry the action out, and commit what became of it."""
    part = POST if action.kind in LEAVING else outgoing.part
    try:
        await asyncio.to_thread(_perform, house, outgoing.effects, _place(house, row), action)
    except UncertainError as error:
        house.health.pause(part, "uncertain", str(error))
    except DeferredError as error:
        change = deferral(house, action, str(error))
        if change.state == ActionState.HELD:
            _end(house, row, action, change)
        else:
            actions.change(house.db, action, change, house.clock())
            house.log.warning("action_deferred", action=action.id, kind=action.kind, message=row.id, reason=str(error))
    except TransientError as error:
        house.health.pause(part, error.kind, str(error))
        if action.kind != Kind.MOVE:  # of a move nobody knows whether it took place: it is looked for
            again = Change(ActionState.PLANNED, due_at=next_turn(house, action))
            actions.change(house.db, action, again, house.clock())
    except GoneError as error:
        _end(house, row, action, Change(ActionState.CANCELLED, str(error)))
    except PermanentError as error:
        _end(house, row, action, Change(ActionState.HELD, str(error)))
    except Exception as error:
        house.log.exception("stumbled", exc_info=error, action=action.id, message=row.id)
        reason = f"clerkd stumbled over it ({type(error).__name__}); please report this"
        _end(house, row, action, Change(ActionState.HELD, reason))
    else:
        house.health.well(part)
        copied = action.kind in LEAVING and copies(house)
        _end(house, row, action, Change(ActionState.SUBMITTED if copied else ActionState.SENT))


def _perform(house: House, effects: Effects, place: Place, action: Action) -> None:
    match Kind(action.kind):
        case Kind.REPLY | Kind.FORWARD:
            submit(house, action)
        case Kind.CLOSE:
            pass  # its end moves the case
        case Kind.DRAFT | Kind.LETTER:
            effects.store_draft(action.content)
        case Kind.FLAG | Kind.ESCALATE:
            effects.flag(place, action.target)
        case Kind.MOVE:
            effects.move(place, action.target, again=action.tries > 1)


async def _is_to_be_done(house: House, outgoing: Outgoing, row: Row, action: Action) -> bool:
    """Look for the effect of a cut-off action. Not found the first time, it is looked for again after a while."""
    await asyncio.to_thread(outgoing.effects.reconnect)
    if await asyncio.to_thread(_is_done, outgoing.effects, _place(house, row), action):
        house.log.info("action_found", action=action.id, kind=action.kind, message=row.id)
        _end(house, row, action, Change(ActionState.SENT, "found after it was cut off"))
        return False
    if action.state == ActionState.UNCERTAIN:
        if action.kind in LEAVING:
            _end(house, row, action, Change(ActionState.HELD, NOBODY_KNOWS, may_have_left=True))
        return action.kind not in LEAVING
    later = house.clock() + timedelta(seconds=house.settings.retry.reconcile_seconds)
    change = Change(ActionState.UNCERTAIN, "cut off; it is looked for again", due_at=later)
    actions.change(house.db, action, change, house.clock())
    return False


def _is_done(effects: Effects, place: Place, action: Action) -> bool:
    match Kind(action.kind):
        case Kind.REPLY | Kind.FORWARD:
            return effects.has_sent(action.own_message_id)
        case Kind.CLOSE:
            return False
        case Kind.DRAFT | Kind.LETTER:
            return effects.has_draft(action.own_message_id)
        case Kind.FLAG | Kind.ESCALATE:
            return False  # setting a flag twice is harmless
        case Kind.MOVE:
            return not effects.is_there(place)


def _place(house: House, row: Row) -> Place:
    """Say where the mail is; of clerkd's own message that of the one that it is about."""
    mail = ledger.get(house.db, row.about_id) if row.about_id else None
    at = mail or row
    return Place(at.folder, at.uidvalidity, at.uid)


def _end(house: House, row: Row, action: Action, to: Change) -> None:
    if to.state == ActionState.HELD and actions.is_withdrawn(house.db, action):
        to = replace(to, state=ActionState.CANCELLED)  # nobody is to do it again
    left = action.state == ActionState.SUBMITTED  # it was done when it left
    done = to.state in WENT_OUT and not left
    case = _sequel(house, row, action) if done else {}
    actions.change(house.db, action, replace(to, is_done=done, case_moves=case), house.clock())
    if to.state == ActionState.HELD:
        _keep_in_place(house, action)
    level = house.log.warning if to.state == ActionState.HELD else house.log.info
    level(f"action_{to.state}", action=action.id, kind=action.kind, message=row.id, case=row.case_id, reason=to.reason)
    settle_message(house, row.id or 0)


def _sequel(house: House, row: Row, action: Action) -> Mapping[str, str]:
    """Say where an action that was done takes its case: who was answered may answer, and one that is closed is so."""
    if action.kind == Kind.CLOSE:
        return moves(CaseEvent.REST)
    if action.kind != Kind.REPLY or row.case_id is None:
        return {}
    if cases.needs_a_person(house.db, row.case_id, NEEDS_A_PERSON):
        return {}
    open_ones = promises.of_case(house.db, row.case_id, [PromiseState.OPEN])
    return moves(left_open((promise.by for promise in open_ones), answered=True))


def _keep_in_place(house: House, held: Action) -> None:
    """Hold the moves behind a held action too: a person shall find the mail where it was."""
    for action in actions.of_message(house.db, held.message_id):
        if action.kind == Kind.MOVE and action.state == ActionState.PLANNED:
            waits = Change(ActionState.HELD, f"waits for the {held.kind} that is held")
            actions.change(house.db, action, waits, house.clock())


def settle_message(house: House, message_id: int) -> None:
    """Move a decided message on once none of its actions is unfinished."""
    row = ledger.get(house.db, message_id)
    if row is None or row.state != MessageState.DECIDED:
        return
    done = actions.of_message(house.db, message_id)
    if any(action.state in ACTION_DUE for action in done):
        return
    held = next((action for action in done if action.state == ActionState.HELD), None)
    waits = next((action for action in done if action.state == ActionState.WAITING), None)
    asked = any(action.kind == Kind.ESCALATE for action in done)
    event = Event.HOLD if held else Event.WAIT if waits else Event.ESCALATE if asked else Event.SETTLE
    reason = f"{held.kind}: {held.reason}" if held else f"{waits.kind}: {waits.rule}" if waits else ""
    now = house.clock()
    flag = [attention(row, "held", now)] if held else []
    step = move(MessageState.DECIDED, event, reason)
    turns.step(house.db, message_id, step, flag, now)
    level = house.log.info if step.target == MessageState.DONE else house.log.warning
    level(f"message_{step.target}", message=message_id, case=row.case_id, reason=reason)
