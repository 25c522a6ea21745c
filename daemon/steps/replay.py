"""Replay: logged messages are put again to forks of the session, under variants of the config, and compared.

Nothing here can reach a mailbox, for no part of a laboratory knows one. What the employee reads is the knowledge
database as it was before the message, and nothing is written but what came of the replay.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from daemon.agent import forks, transcript
from daemon.agent.session import Engine, EngineError, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head, TranscriptError
from daemon.agent.turn import Question, Reply, ask
from daemon.clock import Clock
from daemon.embedding.base import Embedder
from daemon.errors import FatalError, PermanentError, TransientError
from daemon.judgement.casework import CaseState, PromiseState
from daemon.judgement.comparison import Verdict, compare, handing_name, names_of
from daemon.judgement.decision import Decision
from daemon.judgement.handoffs import HandoffState
from daemon.judgement.message import Message
from daemon.judgement.money import Usage, exhausted, windows
from daemon.judgement.policy import Situation, plan
from daemon.judgement.retry import Failure, FailureKind
from daemon.judgement.states import ActionState, MessageState, TurnState
from daemon.mail.reader import Reader
from daemon.service.stop import Stop
from daemon.settings import Limits, Settings
from daemon.steps.ask import charge
from daemon.steps.brief import brief, reads
from daemon.steps.situation import in_hindsight
from daemon.steps.trials import Trial, Wanted, choose
from knowledge import ledger, replays
from knowledge.database import Database
from knowledge.past import Past, Unknown
from knowledge.replays import Words
from knowledge.tables import AgentSession, Replay, ReplayTurn

UNKNOWN = Unknown(MessageState.SCREENED, ActionState.PLANNED, CaseState.OPEN, PromiseState.OPEN, HandoffState.OPEN)
NOTHING = "no message that was put to the model fits; `clerkd log` shows what there is"
GONE = "the transcript of session {} does not hold any more what was before the message"
STOPPED = "the replay was stopped during the turn"
BROKEN_OFF = "the replay ended during it"
CLEARING = Words(TurnState.OPEN, TurnState.DROPPED, BROKEN_OFF)


@dataclass(frozen=True)
class Variant:
    """One way to try: a config under a name, with the engine and the reader that it wants."""

    name: str
    settings: Settings
    engine: Engine
    desk: Callable[[], Desk]
    reader: Reader


@dataclass(frozen=True)
class Laboratory:
    """What a replay may use; the transcripts of ``engine``, the service's own, are only read."""

    db: Database
    engine: Engine
    variants: Sequence[Variant]
    limits: Limits
    signature: str
    embedder: Embedder | None
    stop: Stop
    clock: Clock
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Hindsight:
    """The records as they were."""

    db: Database
    settings: Settings
    clock: Clock
    embedder: Embedder | None


@dataclass(frozen=True)
class Put:
    """A message that was put to a fork, and what a decision on it is judged by."""

    message: Message
    around: Situation


async def replay(lab: Laboratory, wanted: Wanted) -> Replay:
    """Put each message to a fork for each variant; give the replay's row. A wish to stop begins no further fork.

    Raises FatalError where there is nothing to put.
    """
    choice = choose(lab.db, lab.signature, wanted)
    for line in choice.left_out:
        lab.tell(f"left out: {line}")
    if not choice.trials:
        raise FatalError(NOTHING)
    jobs = deque((trial, variant) for trial in choice.trials for variant in lab.variants)
    with forks.holding(lab.engine.home, keep=wanted.keep) as place:
        row = replays.begin(lab.db, _replay_row(lab, wanted, place, len(jobs)))

        async def work_off() -> None:
            while jobs and not lab.stop.requested:
                await _try(lab, place, row.id or 0, *jobs.popleft())

        async with asyncio.TaskGroup() as workers:
            for _ in range(wanted.parallel):
                workers.create_task(work_off())
    replays.end(lab.db, row.id or 0, lab.clock())
    return row


def _replay_row(lab: Laboratory, wanted: Wanted, place: Path, count: int) -> Replay:
    return Replay(
        of_live_session=wanted.of_live_session,
        place=place.name,
        wanted=count,
        variants=[variant.name for variant in lab.variants],
        started_at=lab.clock(),
    )


def clear(db: Database, home: Path, now: datetime) -> None:
    """Close the replays whose process has ended, and remove their forks."""
    replays.break_off(db, forks.clear(home), CLEARING, now)


async def _try(lab: Laboratory, place: Path, number: int, trial: Trial, variant: Variant) -> None:
    """Open a fork's row, put the message to the fork, and close the row with what came of it."""
    since = windows(lab.clock())
    row = replays.open_turn(lab.db, since, partial(_row, lab, number, trial, variant))
    if not row.failure:
        # No server outside is asked: what a replay puts to a copy must not leave the house.
        engine = replace(variant.engine, home=place / f"{trial.row.id}-{variant.name}", servers=())
        try:
            _fill_in(row, trial, variant, *await _ask(lab, trial, variant, engine))
        except (SQLAlchemyError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - one fork must not end the others
            row.state, row.cost_usd = TurnState.DROPPED, row.reserved_usd  # whether it was put, nobody knows
            row.failure = f"clerkd stumbled over it ({type(error).__name__}); please report this"
        row.ended_at = lab.clock()
        replays.close_turn(lab.db, row, TurnState.OPEN)
    verdict = {True: "agrees", False: "differs", None: row.failure}[row.agrees]
    lab.tell(f"message {trial.row.id}, {variant.name}: {verdict}")


def _row(lab: Laboratory, number: int, trial: Trial, variant: Variant, today: float, this_month: float) -> ReplayTurn:
    """Make a fork's row with its greatest cost reserved, or closed at once where that could break a cap.

    The service's next turn has its place in the caps, too: a replay never takes that away.
    """
    now, most = lab.clock(), variant.settings.limits.dollars_per_turn
    budget = replace(lab.limits.budget, per_turn=most + lab.limits.dollars_per_turn)
    cap = exhausted(budget, today, this_month, now)
    return ReplayTurn(
        replay_id=number,
        message_id=trial.row.id or 0,
        session_id=trial.session.id,
        variant=variant.name,
        model=variant.settings.model.name,
        state=TurnState.DROPPED if cap else TurnState.OPEN,
        reserved_usd=0.0 if cap else most,
        cost_usd=0.0 if cap else None,
        failure=f"not put: it could break {cap.cap}" if cap else "",
        started_at=now,
        ended_at=now if cap else None,
    )


async def _ask(lab: Laboratory, trial: Trial, variant: Variant, engine: Engine) -> tuple[Put | None, Reply]:
    """Fork the session, and put the message to the fork."""
    session = Session(engine, desk := variant.desk())
    past = Past(lab.db, trial.moment, UNKNOWN)
    records = Hindsight(past, variant.settings, lambda: trial.turn.started_at, lab.embedder)
    try:
        message = await asyncio.to_thread(variant.reader.read, ledger.raw_mail(lab.db, trial.row))
        head = await asyncio.to_thread(_fork, lab.engine, engine, trial.session)
        await session.open(trial.session.id, head)
        question = _question(trial, variant, head, message, records)
        put = Put(message, in_hindsight(records, trial.row, message))
    except (TransientError, PermanentError, FatalError, TranscriptError, EngineError) as error:
        await _let_go(session)
        past.close()
        return None, _unput(str(error))
    try:
        reply = await ask(session, desk, question, variant.settings.model.price_list, lab.stop.patience, lambda: None)
    finally:
        await _let_go(session)
        past.close()
    return put, _as_stopped(lab, reply)


async def _let_go(session: Session) -> None:
    """End the fork's engine; one that does not go writes into a copy only, and what the model said counts."""
    with suppress(EngineError):
        await session.abandon()


def _unput(failure: str) -> Reply:
    return Reply(Usage(), 0.0, (), (), failure=Failure(FailureKind.ENGINE, failure))


def _as_stopped(lab: Laboratory, reply: Reply) -> Reply:
    if reply.failure and reply.failure.kind is FailureKind.SILENCE and lab.stop.requested:
        return replace(reply, failure=Failure(FailureKind.STOPPING, STOPPED))
    return reply


def _fork(original: Engine, copy: Engine, session: AgentSession) -> Head | None:
    """Copy the transcript up to where the session stood; None where that is its very beginning."""
    if session.head_uuid is None:
        return None
    head = Head(session.head_uuid, session.head_offset)
    try:
        return transcript.fork(original.transcript(session.id), head, copy.transcript(session.id))
    except TranscriptError:
        raise TranscriptError(GONE.format(session.id)) from None


def _question(trial: Trial, variant: Variant, head: Head | None, message: Message, records: Hindsight) -> Question:
    return Question(
        session_id=trial.session.id,
        start=head.offset if head else 0,
        prompt_uuid=str(uuid.uuid4()),
        prompt=brief(records, trial.row, message, trial.session),
        reads=reads(records, trial.row, message),
        seconds=variant.settings.model.turn_seconds,
        dollars=variant.settings.limits.dollars_per_turn,
    )


def _fill_in(row: ReplayTurn, trial: Trial, variant: Variant, put: Put | None, reply: Reply) -> None:
    """Write into the row what came of the turn, and how that compares."""
    usage = reply.usage
    row.state = TurnState.DROPPED if reply.failure else TurnState.SETTLED
    row.failure = reply.failure.detail if reply.failure else ""
    row.input_tokens, row.output_tokens = usage.input_tokens, usage.output_tokens
    row.cache_read_tokens, row.cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
    row.seconds = round(reply.seconds, 3)
    own = charge(reply, reply.failure, variant.settings.model.price_list, row.reserved_usd)
    row.cost_usd = own + sum(each.dollars for each in reply.handoffs)
    if put is None:
        row.cost_usd = 0.0
    elif reply.decision:
        _compare(row, trial, put, reply.decision, [each.specialist.name for each in reply.outlasting])


def _compare(row: ReplayTurn, trial: Trial, put: Put, decision: Decision, handed: Sequence[str]) -> None:
    """Compare the decision; whom it was handed to is told, and nobody of them is asked."""
    # What is done with every mail, whatever is decided, is no part of it; and nothing leaves, so no wall is looked for.
    planned = plan(decision, put.message, put.around)
    names = (*names_of(planned), *map(handing_name, handed))
    found = Verdict(decision.category, decision.priority, names, "".join(decision.answers))
    comparison = compare(trial.logged, found)
    row.agrees, row.changes = comparison.agrees, list(comparison.changes)
    row.category, row.priority = decision.category, decision.priority
    row.summary, row.reason, row.confidence = decision.summary, decision.reason, decision.confidence
    row.actions, row.reply = list(found.actions), found.reply
