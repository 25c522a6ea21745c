"""Replay: logged messages are put again to forks of the session, under variants of the config, and compared.

Nothing here can reach a mailbox, for no part of a laboratory knows one. What the employee reads is the knowledge
database as it was before the message, and nothing is written but what came of the replay.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from daemon.agent import forks, transcript
from daemon.agent.session import Engine, EngineError, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head, TranscriptError
from daemon.agent.turn import Question, Reply, ask
from daemon.clock import Clock
from daemon.errors import FatalError, PermanentError, TransientError
from daemon.judgement.comparison import Verdict, action_name, compare, names_of
from daemon.judgement.decision import Decision, DraftReply
from daemon.judgement.message import Message
from daemon.judgement.money import Budget, Usage, exhausted, windows
from daemon.judgement.policy import Kind, plan
from daemon.judgement.retry import Failure, FailureKind
from daemon.judgement.states import ActionState, MessageState, SessionState, TurnState, UpkeepState
from daemon.mail.compose import body_of
from daemon.mail.reader import Reader
from daemon.service.stop import Stop
from daemon.service.telemetry import Log
from daemon.settings import Settings
from daemon.steps.ask import charge
from daemon.steps.brief import brief, reads
from knowledge import decisions, ledger, replays, rollbacks, sessions, turns
from knowledge.database import Database
from knowledge.past import Moment, Past, Unknown
from knowledge.replays import Selection
from knowledge.tables import AgentSession, Replay, ReplayTurn, Turn
from knowledge.tables import Message as Row

UNKNOWN = Unknown(MessageState.SCREENED, ActionState.PLANNED)
ROLLED_BACK = "was rolled back: its place in the conversation is gone"
NEVER_PUT = "was never put to the model"
NO_SESSION = "no session is live, so there is none to fork"
NOTHING = "no message that was put to the model fits; `clerkd log` shows what there is"
BROKEN_OFF = "the replay ended during it"


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
    budget: Budget
    signature: str
    stop: Stop
    clock: Clock
    log: Log
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """Which messages, how many forks at a time, and whether the forks are to be kept."""

    selection: Selection
    parallel: int
    of_live_session: bool = False
    keep: bool = False


@dataclass(frozen=True)
class Trial:
    """A logged message with the turn in which it was put to the session, and the session as it is to be forked."""

    row: Row
    turn: Turn
    session: AgentSession
    logged: Verdict | None

    @property
    def moment(self) -> Moment:
        """Say when that was."""
        return Moment(self.turn.id or 0, self.row.id or 0, self.turn.started_at)


@dataclass(frozen=True)
class Hindsight:
    """The records as they were."""

    db: Database
    settings: Settings
    clock: Clock


@dataclass(frozen=True)
class Choice:
    """What can be replayed, and what cannot, with the reason."""

    trials: Sequence[Trial]
    left_out: Sequence[str]


def choose(lab: Laboratory, wanted: Wanted) -> Choice:
    """Find the messages and the sessions to fork; raise FatalError where the live one is wanted and there is none."""
    live = sessions.live(lab.db, SessionState.LIVE)
    if wanted.of_live_session and live is None:
        raise FatalError(NO_SESSION)
    found = sorted(replays.turns_of(lab.db, wanted.selection), key=lambda pair: pair[0].id or 0)
    trials, left_out = [], []
    for _number, pairs in groupby(found, key=lambda pair: pair[0].id):
        row, theirs = _split(pairs)
        turn = _logged_turn(theirs, of_live_session=wanted.of_live_session)
        if turn is None:
            left_out.append(f"message {row.id} {ROLLED_BACK}")
            continue
        session = live if wanted.of_live_session and live else _as_it_stood(lab.db, turn)
        trials.append(Trial(row, turn, session, _verdict_of(lab, row)))
    known = {row.id for row, _turn in found}
    left_out += [f"message {number} {NEVER_PUT}" for number in wanted.selection.ids if number not in known]
    return Choice(trials, left_out)


def _split(pairs: Iterator[tuple[Row, Turn]]) -> tuple[Row, list[Turn]]:
    rows, theirs = zip(*pairs, strict=True)
    return rows[0], list(theirs)


def _logged_turn(theirs: Sequence[Turn], *, of_live_session: bool) -> Turn | None:
    """Give the turn whose decision stands, else the newest that came to none; the place of others is gone."""
    preferred = [[TurnState.SETTLED, TurnState.LOST], [TurnState.DROPPED]]
    if of_live_session:
        preferred.append([TurnState.ROLLED_BACK])
    return next((turn for states in preferred for turn in reversed(theirs) if turn.state in states), None)


def _as_it_stood(db: Database, turn: Turn) -> AgentSession:
    session = sessions.get(db, turn.session_id)
    if session is None:
        error = "a turn belongs to a session"
        raise LookupError(error)
    mark = rollbacks.before(db, turn, TurnState.SETTLED, UpkeepState.DONE)
    return session.model_copy(update={"head_uuid": mark.uuid, "head_offset": mark.offset})


def _verdict_of(lab: Laboratory, row: Row) -> Verdict | None:
    entry = decisions.of_message(lab.db, row.id or 0)
    if entry is None or entry.decision is None:
        return None
    theirs = [action for action in entry.actions if action.decision_id == entry.decision.id]
    drafts = [body_of(action.content, lab.signature) for action in theirs if action.kind == Kind.DRAFT]
    names = tuple(action_name(action.kind, action.target) for action in theirs)
    return Verdict(entry.decision.category, entry.decision.priority, names, "".join(drafts))


async def replay(lab: Laboratory, choice: Choice, wanted: Wanted) -> Replay:
    """Put each message to a fork for each variant; give the replay's row. A wish to stop begins no further fork.

    Raises FatalError where nothing was chosen.
    """
    for line in choice.left_out:
        lab.tell(f"left out: {line}")
    if not choice.trials:
        raise FatalError(NOTHING)
    names = [variant.name for variant in lab.variants]
    row = Replay(of_live_session=wanted.of_live_session, variants=names, started_at=lab.clock())
    row = replays.begin(lab.db, row)
    number = row.id or 0
    jobs = deque((trial, variant) for trial in choice.trials for variant in lab.variants)
    with forks.holding(forks.place_of(lab.engine.home, number)) as place:
        if wanted.keep:
            forks.keep(place)

        async def work_off() -> None:
            while jobs and not lab.stop.requested:
                await _try(lab, place, number, *jobs.popleft())

        async with asyncio.TaskGroup() as workers:
            for _ in range(wanted.parallel):
                workers.create_task(work_off())
    replays.end(lab.db, number, lab.clock())
    lab.log.info("replayed", replay=number, messages=len(choice.trials), variants=names)
    return row


def clear(db: Database, home: Path, now: datetime) -> None:
    """Close the replays whose process has ended, and remove their forks."""
    for row in replays.unfinished(db):
        if not forks.is_held(forks.place_of(home, row.id or 0)):
            replays.break_off(
                db, row.id or 0, open_state=TurnState.OPEN, state=TurnState.DROPPED, failure=BROKEN_OFF, now=now
            )
    forks.clear(home)


async def _try(lab: Laboratory, place: Path, number: int, trial: Trial, variant: Variant) -> None:
    """Open a fork's row, put the message to the fork, and close the row with what came of it."""
    row = _opened(lab, number, trial, variant)
    if not row.failure:
        engine = replace(variant.engine, home=place / f"{trial.row.id}-{variant.name}")
        message, reply = await _ask(lab, trial, variant, engine)
        _fill_in(row, trial, variant, message, reply)
        row.ended_at = lab.clock()
        replays.close_turn(lab.db, row, TurnState.OPEN)
    verdict = {True: "agrees", False: "differs", None: row.failure}[row.agrees]
    lab.tell(f"message {trial.row.id}, {variant.name}: {verdict}")


def _opened(lab: Laboratory, number: int, trial: Trial, variant: Variant) -> ReplayTurn:
    """Commit the row with its greatest cost reserved; where that could break a cap, it is closed at once."""
    now = lab.clock()
    per_turn = variant.settings.limits.dollars_per_turn
    day, month = windows(now)
    budget = replace(lab.budget, per_turn=per_turn)
    cap = exhausted(budget, turns.spent_since(lab.db, day), turns.spent_since(lab.db, month), now)
    row = ReplayTurn(
        replay_id=number,
        message_id=trial.row.id or 0,
        session_id=trial.session.id,
        variant=variant.name,
        model=variant.settings.model.name,
        state=TurnState.DROPPED if cap else TurnState.OPEN,
        reserved_usd=0.0 if cap else per_turn,
        cost_usd=0.0 if cap else None,
        failure=f"not put: it could break {cap.cap}" if cap else "",
        started_at=now,
        ended_at=now if cap else None,
    )
    return replays.open_turn(lab.db, row)


async def _ask(lab: Laboratory, trial: Trial, variant: Variant, engine: Engine) -> tuple[Message | None, Reply]:
    """Fork the session, and put the message to the fork."""
    desk = variant.desk()
    session = Session(engine, desk)
    past = Past(lab.db, trial.moment, UNKNOWN)
    records = Hindsight(past, variant.settings, lambda: trial.turn.started_at)
    try:
        message = await asyncio.to_thread(variant.reader.read, ledger.raw_mail(lab.db, trial.row))
        head = await asyncio.to_thread(_fork, lab.engine, engine, trial.session)
        await session.open(trial.session.id, head)
        question = _question(trial, variant, head, message, records)
        prices = variant.settings.model.price_list
        reply = await ask(session, desk, question, prices, lab.stop.patience, lambda: None)
        await session.close()
    except (TransientError, PermanentError, TranscriptError, EngineError) as error:
        failure = Failure(FailureKind.ENGINE, str(error))
        return None, Reply(Usage(), 0.0, (), (), failure=failure)
    finally:
        await session.abandon()
        past.close()
    return message, reply


def _fork(original: Engine, copy: Engine, session: AgentSession) -> Head | None:
    """Copy the transcript up to where the session stood; None where that is its very beginning."""
    if session.head_uuid is None:
        return None
    head = Head(session.head_uuid, session.head_offset)
    try:
        return transcript.fork(original.transcript(session.id), head, copy.transcript(session.id))
    except TranscriptError:
        message = f"the transcript of session {session.id} does not hold any more what was before the message"
        raise TranscriptError(message) from None


def _question(trial: Trial, variant: Variant, head: Head | None, message: Message, records: Hindsight) -> Question:
    return Question(
        session_id=trial.session.id,
        start=head.offset if head else 0,
        prompt_uuid=str(uuid.uuid4()),
        prompt=brief(records, trial.row, message, trial.session),
        reads=reads(records, trial.row),
        seconds=variant.settings.model.turn_seconds,
        dollars=variant.settings.limits.dollars_per_turn,
    )


def _fill_in(row: ReplayTurn, trial: Trial, variant: Variant, message: Message | None, reply: Reply) -> None:
    """Write into the row what came of the turn, and how that compares."""
    usage = reply.usage
    row.state = TurnState.DROPPED if reply.failure else TurnState.SETTLED
    row.failure = reply.failure.detail if reply.failure else ""
    row.input_tokens, row.output_tokens = usage.input_tokens, usage.output_tokens
    row.cache_read_tokens, row.cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
    row.seconds = round(reply.seconds, 3)
    row.cost_usd = charge(usage, variant.settings.model.price_list, reply.failure, row.reserved_usd)
    if message is None:
        row.cost_usd = 0.0  # nothing was put
    elif reply.decision:
        _compare(row, trial, variant, message, reply.decision)


def _compare(row: ReplayTurn, trial: Trial, variant: Variant, message: Message, decision: Decision) -> None:
    planned = plan(decision, message, variant.settings.handled(trial.row.mailbox))
    replies = [action.body for action in decision.actions if isinstance(action, DraftReply)]
    found = Verdict(decision.category, decision.priority, names_of(planned), "".join(replies))
    comparison = compare(trial.logged, found)
    row.agrees, row.changes = comparison.agrees, list(comparison.changes)
    row.category, row.priority = decision.category, decision.priority
    row.summary, row.reason, row.confidence = decision.summary, decision.reason, decision.confidence
    row.actions, row.reply = list(found.actions), found.reply
