"""Errand: a specialist that knows the session works on a fork of it, beside the next turns, until its report is in.

The fork is a copy of the transcript as far as the turn that handed over had settled; the session itself is only read.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from daemon.agent import errand, folder, forks, transcript
from daemon.agent.errand import Errand, Outcome
from daemon.agent.session import Engine, EngineError, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head, TranscriptError
from daemon.errors import FatalError, PermanentError, TransientError
from daemon.house import FORKS, House
from daemon.judgement.decision import Latitude
from daemon.judgement.handoffs import Awaited, Halt, HandoffState, Specialist, charged, ended
from daemon.judgement.money import cost, exhausted, windows
from daemon.judgement.outlasting import Next, after_failure
from daemon.judgement.reports import Assignment, assigning
from daemon.judgement.retry import Failure, FailureKind
from daemon.judgement.states import TurnState
from daemon.steps.ask import may_ask
from daemon.steps.brief import reads
from daemon.steps.report import STATES, Told, bring, give_up
from knowledge import errands, ledger, turns
from knowledge.errands import Begin, Spent, Waiting
from knowledge.tables import Handoff, Message, Turn

WORKER = "errand"
DISMISSED = "the config has no such specialist any more"
GONE = "the conversation as it was then is not there any more"
CRASHED = "the service ended during it"
STOPPED = Failure(FailureKind.STOPPING, "the service was stopped during it")
UNHEARD = (FailureKind.ENGINE, FailureKind.STOPPING)  # of a cut-off answer's cost nobody tells


async def attend(house: House) -> bool:
    """Take up the oldest handoff that waits for a fork, where one may begin; say whether there was one."""
    if house.health.is_paused(FORKS):
        return False
    row = errands.next_open(house.db, HandoffState.OPEN, Awaited.FORK)
    if row is None:
        house.health.well(FORKS)
        return False
    if not may_ask(house):
        return False
    specialist = next((each for each in house.session.engine.outlasting if each.name == row.specialist), None)
    begun = _begun(house, row, specialist)
    if begun is None:
        return False
    if specialist is None or specialist.awaited is not Awaited.FORK:
        give_up(house, begun, Spent(), DISMISSED)
    else:
        await _go(house, begun, specialist)
    house.stop.ring()
    return True


def take_back(house: House) -> None:
    """See to what a crash has left at work: its charge is kept, and it is tried again, or its report says so."""
    for row in errands.left_working(house.db, STATES):
        spent = Spent(row.reserved_usd)
        if row.state == HandoffState.CANCELLED:
            errands.pay(house.db, row, STATES, spent)
        else:
            _fail(house, row, spent, Failure(FailureKind.CRASH, CRASHED))


def _begun(house: House, row: Handoff, specialist: Specialist | None) -> Handoff | None:
    """Begin a try with its dollars reserved; not where it could break a cap, or keep the next turn from beginning."""
    now, budget = house.clock(), house.settings.limits.budget

    def fits(today: float, this_month: float) -> bool:
        return exhausted(budget, today, this_month, now) is None

    wanted = Begin(specialist.dollars if specialist else 0.0, now, windows(now), fits)
    begun = errands.begin(house.db, row, STATES, wanted)
    if begun is None:
        house.health.pause(FORKS, "cap", f"the handoff to {row.specialist} could break a cap of dollars")
        return None
    house.log.info("handoff_begun", handoff=row.id, specialist=row.specialist, attempt=begun.tries)
    return begun


async def _go(house: House, row: Handoff, specialist: Specialist) -> None:
    """Send the specialist off, and write down what came of it before the fork goes."""
    async with _place(house.session.engine.home) as place:
        try:
            outcome = await _outcome(house, row, specialist, place)
        except (SQLAlchemyError, OSError):
            raise
        except Exception as error:
            house.log.exception("stumbled", exc_info=error, handoff=row.id)
            reason = f"clerkd stumbled over it ({type(error).__name__}); please report this"
            give_up(house, row, Spent(row.reserved_usd), reason)
            return
        _write(house, row, specialist, outcome)


@asynccontextmanager
async def _place(home: Path) -> AsyncIterator[Path]:
    """Hold a place for the fork; whoever makes or clears another one at the time is waited for in a thread."""
    stack = ExitStack()
    place = await asyncio.to_thread(stack.enter_context, forks.holding(home, keep=False))
    try:
        yield place
    finally:
        await asyncio.to_thread(stack.close)


async def _outcome(house: House, row: Handoff, specialist: Specialist, place: Path) -> Outcome:
    """Fork the session where the turn that handed over had settled, and put the brief to the fork."""
    turn, handed = turns.get(house.db, row.turn_id), ledger.get(house.db, row.message_id)
    if turn is None or handed is None:
        error = "a handoff belongs to a turn and a message"
        raise LookupError(error)
    engine = _engine(house.session.engine, specialist, place)
    names = (*specialist.tools, *(folder.NAMES if specialist.workspace else ()))
    session = Session(engine, desk := Desk(Latitude(()), workspace=specialist.workspace, only=names))
    try:
        message = await asyncio.to_thread(house.reader.read, ledger.raw_mail(house.db, handed))
        head = await asyncio.to_thread(_fork, house.session.engine, engine, turn)
        await session.open(turn.session_id, head)
        wanted = Errand(specialist, assigning(_assignment(row, handed, turn)), reads(house, handed, message))
        outcome = await errand.run(session, desk, wanted, house.stop.patience, partial(_goes_on, house, row))
    except TranscriptError:
        return _unput(FailureKind.TRANSCRIPT, GONE)
    except PermanentError as error:
        return _unput(FailureKind.REFUSED, str(error))
    except (TransientError, FatalError, EngineError) as error:
        return _unput(FailureKind.ENGINE, str(error))
    finally:
        await _let_go(session)
    late = house.stop.requested and outcome.course.halt is Halt.SECONDS
    return replace(outcome, failure=STOPPED) if late else outcome


def _unput(kind: FailureKind, why: str) -> Outcome:
    return Outcome(failure=Failure(kind, why), put=False)


def _engine(own: Engine, specialist: Specialist, place: Path) -> Engine:
    """Say how the fork's engine is started: under the specialist's prompt and model, at a place of its own."""
    return replace(
        own,
        home=place / "fork",
        model=specialist.model,
        turn_seconds=specialist.seconds,
        most_steps=specialist.steps,
        orders=specialist.prompt,
        specialists=(),
        outlasting=(),
        servers=(),
    )


def _fork(own: Engine, copy: Engine, turn: Turn) -> Head:
    head = Head(turn.head_uuid or "", turn.head_offset or 0)
    return transcript.fork(own.transcript(turn.session_id), head, copy.transcript(turn.session_id))


def _assignment(row: Handoff, handed: Message, turn: Turn) -> Assignment:
    at = turn.ended_at or turn.started_at
    return Assignment(row.id or 0, handed.case_id or 0, handed.id or 0, row.specialist, row.brief, at)


def _goes_on(house: House, row: Handoff) -> bool:
    house.pulse.beat(WORKER)
    return errands.is_at_work(house.db, row)


async def _let_go(session: Session) -> None:
    """End the fork's engine; one that does not go writes into a copy only."""
    with suppress(EngineError):
        await session.abandon()


def _write(house: House, row: Handoff, specialist: Specialist, outcome: Outcome) -> None:
    spent = _spent(outcome, specialist)
    if outcome.failure:
        _fail(house, row, spent, outcome.failure)
        return
    house.health.well(FORKS)
    state, report = ended(outcome.course, specialist)
    bring(house, row, spent, Told(state, report, outcome.files))


def _spent(outcome: Outcome, specialist: Specialist) -> Spent:
    usage, known = outcome.usage, cost(outcome.usage, specialist.prices)
    if outcome.failure:
        unheard = outcome.put and outcome.failure.kind in UNHEARD
        dollars = max(known, specialist.dollars) if unheard else known
    else:
        dollars = charged(ended(outcome.course, specialist)[0], known, specialist)
    return Spent(
        dollars,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        outcome.seconds,
        outcome.tools,
    )


def _fail(house: House, row: Handoff, spent: Spent, failure: Failure) -> None:
    """Do what follows where it came to no end: let it wait, alone or with all others, or give it up."""
    last = turns.last_settled_at(house.db, TurnState.SETTLED)
    passed = bool(row.outage_at and last and last > row.outage_at)
    follows = after_failure(failure.kind, row.tries, others_passed=passed)
    if follows is Next.GIVE_UP:
        give_up(house, row, spent, failure.detail)
        return
    nobodys = failure.kind in (FailureKind.STOPPING, FailureKind.CRASH)
    tries = row.tries if follows is Next.AGAIN else row.tries - 1
    waiting = Waiting(tries, row.outage_at if nobodys else row.outage_at or house.clock())
    waits = errands.put_back(house.db, row, STATES, spent, waiting)
    house.log.warning("handoff_broken_off", handoff=row.id, waits=waits, failure=failure.kind, detail=failure.detail)
    if waits and not nobodys:
        house.health.pause(FORKS, failure.kind, failure.detail)
