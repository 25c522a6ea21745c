"""Ask and decide: put a mail to the session in one turn, and write down what came of it in one transaction."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from daemon.agent.session import EngineError
from daemon.agent.store.base import StoreError
from daemon.agent.turn import Question, Reply, ask
from daemon.errors import FatalError, PermanentError, TransientError
from daemon.house import BUDGET, MODEL, READER, STORE, House
from daemon.judgement.casework import PromiseState
from daemon.judgement.message import Message
from daemon.judgement.money import Exhausted, Prices, cost, exhausted, windows
from daemon.judgement.policy import Situation
from daemon.judgement.retry import Again, Circumstances, Failure, FailureKind, GiveUp, Pause, Reject, Remedy, remedy
from daemon.judgement.states import Event, MessageState, TurnState
from daemon.steps.aside import put_by
from daemon.steps.brief import brief, reads
from daemon.steps.hand import handoffs_of, outstanding_of_case
from daemon.steps.letters import letters_of, said_to_persons, with_letters
from daemon.steps.mirror import is_mirrored
from daemon.steps.moves import move
from daemon.steps.record import Surroundings, attention, decided, is_answered
from daemon.steps.remember import memory_of, scene
from daemon.steps.rest import rests
from daemon.steps.resume import end_session, open_session
from daemon.steps.situation import situation
from knowledge import ledger, promises, turns
from knowledge.handoffs import Work
from knowledge.tables import Action, AgentSession, Turn
from knowledge.tables import Message as Row


def may_ask(house: House) -> bool:
    """Say whether a turn may begin: the model is within reach, no cap would break, nobody has the employee pause."""
    if house.health.is_paused(MODEL) or house.health.is_paused(BUDGET) or rests(house.db, house.clock):
        return False
    if house.mirror and (house.mirror.is_taken or (house.mirror.required and house.health.is_paused(STORE))):
        return False
    held = turns.held_beside(house.db)
    cap = breaks_a_cap(house, house.settings.limits.dollars_per_turn)
    if cap and breaks_a_cap(house, house.settings.limits.dollars_per_turn - held) is None:
        house.health.pause(BUDGET, "cap", f"a replay or a specialist holds what the next turn needs of {cap.cap}")
        return False
    if cap:
        house.health.pause(BUDGET, "cap", f"the next turn could break {cap.cap}", cap.ends_at)
        return False
    house.health.well(BUDGET)
    return True


def breaks_a_cap(house: House, dollars: float) -> Exhausted | None:
    """Say which cap so many dollars more could break, beside what was spent and is reserved."""
    now = house.clock()
    day, month = windows(now)
    budget = replace(house.settings.limits.budget, per_turn=dollars)
    return exhausted(budget, turns.spent_since(house.db, day), turns.spent_since(house.db, month), now)


async def consult(house: House, row: Row) -> None:
    """Open a turn, put the mail to the session, and settle or drop the turn."""
    if row.about_id and put_by(house, row):
        return
    message = await _reread(house, row)
    if message is None:
        return
    try:
        live = await open_session(house)
    except (EngineError, FatalError, StoreError) as error:
        house.health.pause(MODEL, FailureKind.ENGINE, str(error))
        await house.session.abandon()
        return
    if not await is_mirrored(house, live, live.head_offset):
        return
    turn = _opened(house, row, brief(house, row, message, live), live)
    reply = await ask(
        house.session,
        house.desk,
        _question(house, row, message, turn, live),
        house.settings.model.price_list,
        house.stop.patience,
        lambda: house.pulse.beat("desk"),
    )
    if reply.head and not await is_mirrored(house, live, reply.head.offset):
        reply = replace(reply, failure=Failure(FailureKind.STORE, "the turn did not reach the session store"))
    if reply.failure is None and reply.decision:
        # In a thread: to look for what is another's, much may have to be read.
        around = await asyncio.to_thread(situation, house, row, message, reply.decision, said_to_persons(reply))
        settle(house, row, message, turn, live, reply, around)
    elif reply.failure:
        await _drop(house, row, turn, live, reply, reply.failure)


async def _reread(house: House, row: Row) -> Message | None:
    """Read the mail as the screening did; one that cannot be read any more is held."""
    try:
        return await asyncio.to_thread(house.reader.read, ledger.raw_mail(house.db, row))
    except TransientError as error:
        house.health.pause(READER, error.kind, str(error))
        return None
    except PermanentError as error:
        now = house.clock()
        step = move(MessageState.SCREENED, Event.HOLD, str(error))
        turns.step(house.db, row.id or 0, step, [attention(row, "held", now)], now)
        house.log.warning(EVENTS[MessageState.HELD], message=row.id, case=row.case_id, reason=step.reason)
        return None


def _opened(house: House, row: Row, prompt: str, live: AgentSession) -> Turn:
    """Commit the turn's row, with its greatest cost reserved, before the prompt is sent."""
    now = house.clock()
    turn = Turn(
        message_id=row.id or 0,
        session_id=live.id,
        generation=house.generation,
        attempt=row.attempts + 1,
        prompt_uuid=str(uuid.uuid4()),
        prompt=prompt,
        state=TurnState.OPEN,
        model=house.settings.model.name,
        reserved_usd=house.settings.limits.dollars_per_turn,
        started_at=now,
    )
    step = move(MessageState.SCREENED, Event.ASK, attempts=row.attempts + 1, outage_at=row.outage_at)
    turn = turns.open_turn(house.db, turn, step, now)
    house.log.info("turn_opened", turn=turn.id, attempt=turn.attempt, session=live.id)
    return turn


def _question(house: House, row: Row, message: Message, turn: Turn, live: AgentSession) -> Question:
    return Question(
        session_id=live.id,
        start=live.head_offset,
        prompt_uuid=turn.prompt_uuid,
        prompt=turn.prompt,
        reads=reads(house, row, message),
        seconds=house.settings.model.turn_seconds,
        dollars=house.settings.limits.dollars_per_turn,
    )


def settle(
    house: House, row: Row, message: Message, turn: Turn, live: AgentSession, reply: Reply, around: Situation
) -> None:
    """Write decision, actions, usage and the session's new head in one transaction."""
    if reply.decision is None or reply.head is None:
        error = "a turn settles only with a decision that stands in the transcript"
        raise ValueError(error)
    now = house.clock()
    _close(turn, TurnState.SETTLED, reply, house, now)
    turn.head_uuid, turn.head_offset = reply.head.uuid, reply.head.offset
    known = _surroundings(house, row, reply, around)
    concluded = decided(reply.decision, message, row, house.author, known, now)
    concluded.decision.turn_id = turn.id
    at = scene(house, row, message)
    works = handoffs_of(house.session.engine, turn, reply, now)
    handoffs = with_letters(house, at, reply.decision.summary, works, around.ground)
    concluded = replace(
        concluded,
        actions=[*concluded.actions, *letters_of(handoffs, len(concluded.actions))],
        memory=memory_of(at, reply, answered=is_answered(concluded.actions)),
        handoffs=handoffs,
        files=reply.files,
    )
    turns.settle(
        house.db,
        turn,
        open_state=TurnState.OPEN,
        held_by=live,
        concluded=concluded,
        step=move(MessageState.ASKING, Event.DECIDE),
        now=now,
    )
    house.health.well(MODEL)
    kinds = [action.kind for action in concluded.actions]
    house.log.info("turn_settled", turn=turn.id, session=live.id, category=reply.decision.category, actions=kinds,
                   promises=len(concluded.promises), facts=len(concluded.memory.facts), handoffs=len(handoffs),
                   cost_usd=turn.cost_usd, seconds=turn.seconds)  # fmt: skip


def _surroundings(house: House, row: Row, reply: Reply, around: Situation) -> Surroundings:
    """Give what the decision meets."""
    case_id = row.case_id or 0
    handed = bool(reply.outlasting) or bool(outstanding_of_case(house, case_id))
    open_ones = promises.of_case(house.db, case_id, [PromiseState.OPEN])
    return Surroundings(around, open_ones, ledger.raw_mail(house.db, row), handed)


async def _drop(house: House, row: Row, turn: Turn, live: AgentSession, reply: Reply, failure: Failure) -> None:
    """End the engine first, so that nothing more is written; then close the turn and do as the remedy says."""
    await house.session.abandon()
    if house.stop.requested and failure.kind is FailureKind.SILENCE:
        failure = Failure(FailureKind.STOPPING, "the service was stopped during the turn")
    now = house.clock()
    chosen = remedy(failure, _around(house, row, turn, live, now), house.settings.retry.pauses)
    _close(turn, TurnState.DROPPED, reply, house, now, failure)
    write_down(house, row, turn, chosen, failure, now, handoffs_of(house.session.engine, turn, reply, now))
    if isinstance(chosen, Again) and chosen.fresh_session:
        await end_session(house, live, failure.detail)


def write_down(
    house: House,
    row: Row,
    turn: Turn,
    chosen: Remedy,
    failure: Failure,
    now: datetime,
    handoffs: Sequence[Work] = (),
) -> None:
    """Close a dropped turn and put its message where the remedy says; one event tells it."""
    step, actions = _consequence(house, row, turn, chosen, failure, now)
    turns.drop(house.db, turn, open_state=TurnState.OPEN, step=step, actions=actions, handoffs=handoffs, now=now)
    if isinstance(chosen, Pause):
        house.health.pause(MODEL, failure.kind, failure.detail, chosen.until)
    house.log.warning(
        "turn_dropped", turn=turn.id, failure=failure.kind, detail=failure.detail, remedy=type(chosen).__name__
    )
    if step.target in (MessageState.HELD, MessageState.FAILED):
        house.log.warning(EVENTS[MessageState(step.target)], message=row.id, case=row.case_id, reason=step.reason)


def _consequence(
    house: House, row: Row, turn: Turn, chosen: Remedy, failure: Failure, now: datetime
) -> tuple[turns.Step, list[Action]]:
    """Translate the remedy into the message's move."""
    asking = MessageState.ASKING
    match chosen:
        case Pause(until=until):
            # Met again by an outage, this message lets another one try first.
            due = until + timedelta(seconds=house.settings.retry.first_pause_seconds) if row.outage_at else None
            at = now if failure.kind in (FailureKind.UNAVAILABLE, FailureKind.SILENCE, FailureKind.ENGINE) else None
            return move(asking, Event.DROP, failure.detail, due, row.attempts, at), []
        case Again(at=at, counts=counts):
            attempts = turn.attempt if counts else row.attempts
            return move(asking, Event.DROP, failure.detail, at, attempts), []
        case GiveUp(reason=reason):
            return move(asking, Event.HOLD, reason), [attention(row, "held", now)]
        case Reject(reason=reason):
            return move(asking, Event.FAIL, reason), [attention(row, "failed", now)]


def _around(house: House, row: Row, turn: Turn, live: AgentSession, now: datetime) -> Circumstances:
    last = turns.last_settled_at(house.db, TurnState.SETTLED)
    return Circumstances(
        attempt=turn.attempt,
        outages=house.health.tries(MODEL),
        others_passed=bool(row.outage_at and last and last > row.outage_at),
        session_is_fresh=live.head_uuid is None,
        now=now,
    )


def _close(
    turn: Turn, state: TurnState, reply: Reply, house: House, now: datetime, failure: Failure | None = None
) -> None:
    """Fill in the turn's balance. Where not all was heard of the cost, the charge stays what was reserved at least."""
    usage = reply.usage
    turn.state = state
    turn.input_tokens, turn.output_tokens = usage.input_tokens, usage.output_tokens
    turn.cache_read_tokens, turn.cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
    own = charge(reply, failure, house.settings.model.price_list, turn.reserved_usd)
    turn.cost_usd = own + sum(each.dollars for each in reply.handoffs)
    turn.context_tokens = reply.context_tokens
    turn.tools, turn.notes = list(reply.tools), list(reply.notes)
    turn.ended_at, turn.seconds = now, round(reply.seconds, 3)
    turn.failure = failure.detail if failure else ""


EVENTS = {MessageState.HELD: "message_held", MessageState.FAILED: "message_failed"}
NOT_CHARGED = frozenset(
    {FailureKind.AUTHENTICATION, FailureKind.CREDIT, FailureKind.RATE_LIMIT, FailureKind.REFUSED, FailureKind.TOO_LONG}
)


def charge(reply: Reply, failure: Failure | None, prices: Prices, reserved: float) -> float:
    """Give what a turn cost beside its handoffs, in US dollars.

    All that was reserved at least where it failed before everything was heard, or nothing was: a call that is on its
    way is paid.
    """
    known = cost(reply.usage, prices)
    if failure is None or failure.kind in NOT_CHARGED or (reply.whole and known):
        return known
    return max(known, reserved)
