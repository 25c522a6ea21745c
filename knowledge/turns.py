"""Turns: opened before the prompt is sent, closed in one transaction with everything that came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, func, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from knowledge import cases, chain, facts, folders, issues, ledger, logbook, promises, sessions
from knowledge import handoffs as handed
from knowledge.database import Database
from knowledge.facts import Memory
from knowledge.fence import fence
from knowledge.handoffs import Work
from knowledge.promises import Closing
from knowledge.tables import (
    Action,
    AgentSession,
    Decision,
    Handoff,
    Message,
    Promise,
    ReplayTurn,
    SharedIssue,
    Turn,
    Upkeep,
)


@dataclass(frozen=True)
class Step:
    """A message's move between two states, and where that takes its case from its state."""

    source: str
    target: str
    reason: str = ""
    due_at: datetime | None = None
    attempts: int | None = None
    outage_at: datetime | None = None
    case_moves: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conclusion:
    """All that a turn, or a rule, concluded of a message.

    ``settled`` gives the new state of promises by their numbers, from ``open_promise``; ``case_moves`` where the case
    goes from its state. ``issue`` is the shared one that its case has, ``proposal`` a new one;
    ``files`` are what was written into the case's folder, by name.
    """

    decision: Decision
    actions: Sequence[Action] = ()
    promises: Sequence[Promise] = ()
    settled: Mapping[int, str] = field(default_factory=dict)
    open_promise: str = ""
    case_moves: Mapping[str, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    handoffs: Sequence[Work] = ()
    issue: int | None = None
    proposal: SharedIssue | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def open_turn(db: Database, turn: Turn, step: Step, now: datetime) -> Turn:
    """Commit the turn's row and take the message on, before anything is sent."""
    with db.write() as session:
        move_on(session, turn.message_id, step, now)
        session.add(turn)
        session.flush()
        return turn


def settle(
    db: Database,
    turn: Turn,
    *,
    open_state: str,
    held_by: AgentSession,
    concluded: Conclusion,
    step: Step,
    now: datetime,
) -> None:
    """Write what was concluded, usage and the session's new head, and move the message on: all or nothing."""
    with db.write() as session:
        _close(session, turn, open_state)
        sessions.advance(session, held_by, turn.head_uuid or "", turn.head_offset or 0, turn.context_tokens)
        move_on(session, turn.message_id, step, now)
        record(session, concluded, now)


def record(session: Session, concluded: Conclusion, now: datetime) -> None:
    """Write a decision with all that came of it; part of a transaction."""
    decision = concluded.decision
    session.add(decision)
    session.flush()
    for row in (*concluded.actions, *concluded.promises):
        row.decision_id = decision.id
        session.add(row)
    handed.add(session, concluded.handoffs)
    issues.link(session, decision, concluded.issue, concluded.proposal)
    chain.decided(session, decision, now)
    logbook.enter(session, decision.message_id, now)
    # The case is read here: it may have been merged since the message was read.
    case_id = session.get_one(Message, decision.message_id).case_id
    if case_id is None:
        return
    for promise in concluded.promises:
        promise.case_id = case_id
    cases.move(session, case_id, concluded.case_moves)
    promises.settle(session, case_id, concluded.settled, Closing(concluded.open_promise, now, decision.turn_id))
    for passage in concluded.memory.passages:
        passage.case_id = case_id
    facts.remember(session, concluded.memory, decision.turn_id, now)
    if decision.turn_id:
        folders.write(session, case_id, decision.turn_id, concluded.files, now)


def drop(
    db: Database,
    turn: Turn,
    *,
    open_state: str,
    step: Step,
    actions: Sequence[Action],
    handoffs: Sequence[Work] = (),
    now: datetime,
) -> None:
    """Close a turn that did not settle and put its message where the remedy says; what it had handed over is kept."""
    with db.write() as session:
        _close(session, turn, open_state)
        handed.add(session, handoffs)
        _put(session, turn.message_id, step, actions, now)


def step(db: Database, message_id: int, move: Step, actions: Sequence[Action], now: datetime) -> None:
    """Move a message without a turn (a hold, a failure, a requeue), with the actions that make it visible."""
    with db.write() as session:
        _put(session, message_id, move, actions, now)


def _put(session: Session, message_id: int, move: Step, actions: Sequence[Action], now: datetime) -> None:
    move_on(session, message_id, move, now)
    session.add_all(actions)
    case_id = session.get_one(Message, message_id).case_id
    if case_id:
        cases.move(session, case_id, move.case_moves)


def conclude(db: Database, message_id: int, move: Step, concluded: Conclusion, now: datetime) -> None:
    """Move a message on without a turn, with what a rule concluded of it."""
    with db.write() as session:
        move_on(session, message_id, move, now)
        record(session, concluded, now)


def get(db: Database, turn_id: int) -> Turn | None:
    """Give a turn."""
    with db.read() as session:
        return session.get(Turn, turn_id)


def in_state(db: Database, state: str) -> list[Turn]:
    """List the turns in a state, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Turn).where(Turn.state == state).order_by(col(Turn.id))))


def _spent(what: type[Turn | Upkeep | ReplayTurn]) -> SelectOfScalar[float]:
    since: BindParameter[datetime] = bindparam("since")
    return select(func.sum(func.coalesce(what.cost_usd, what.reserved_usd))).where(col(what.started_at) >= since)


def _spent_beside() -> SelectOfScalar[float]:
    since: BindParameter[datetime] = bindparam("since")
    return select(func.sum(Handoff.cost_usd + Handoff.reserved_usd)).where(col(Handoff.started_at) >= since)


# Asked twice before every turn, and made once. A handoff that ended within its turn was never begun by itself.
SPENT = (_spent(Turn), _spent(Upkeep), _spent(ReplayTurn), _spent_beside())


def spent_since(db: Database, since: datetime) -> float:
    """Add up what turns, upkeeps, replays, and handoffs beside the turns cost since then, in US dollars.

    What is open counts as it was reserved. There is no upper end: a row stamped in the future counts inside every cap.
    """
    with db.read() as session:
        return spent(session, since)


def spent(session: Session, since: datetime) -> float:
    """Add up the same within a transaction."""
    return sum(float(session.exec(each, params={"since": since}).one() or 0.0) for each in SPENT)


def held_beside(db: Database) -> float:
    """Add up what replays and handoffs hold reserved that are under way: most of it comes back when they are through.

    A turn is not among them.
    """
    with db.read() as session:
        held = select(func.sum(ReplayTurn.reserved_usd)).where(col(ReplayTurn.cost_usd).is_(None))
        return sum(float(session.exec(each).one() or 0.0) for each in (held, select(func.sum(Handoff.reserved_usd))))


def spent_on_case(db: Database, case_id: int) -> float:
    """Add up what the turns and handoffs of a case's messages cost; an upkeep or a replay is no work on a case."""
    theirs = select(Message.id).where(Message.case_id == case_id)
    of_turns = select(func.sum(func.coalesce(Turn.cost_usd, Turn.reserved_usd))).where(col(Turn.message_id).in_(theirs))
    beside = select(func.sum(Handoff.cost_usd + Handoff.reserved_usd)).where(
        col(Handoff.message_id).in_(theirs), col(Handoff.started_at).is_not(None)
    )
    with db.read() as session:
        return sum(float(session.exec(each).one() or 0.0) for each in (of_turns, beside))


def last_settled_at(db: Database, settled: str) -> datetime | None:
    """Say when a turn settled last."""
    with db.read() as session:
        statement = select(Turn.ended_at).where(Turn.state == settled).order_by(col(Turn.ended_at).desc()).limit(1)
        return session.exec(statement).first()


def _close(session: Session, turn: Turn, open_state: str) -> None:
    closed = turn.model_dump(exclude={"id", "message_id", "session_id", "prompt_uuid", "prompt", "generation"})
    statement = (
        update(Turn)
        .where(col(Turn.id) == turn.id, col(Turn.state) == open_state, col(Turn.generation) == turn.generation)
        .values(**closed)
    )
    fence(session, statement, f"turn {turn.id}")


def move_on(session: Session, message_id: int, move: Step, now: datetime) -> None:
    """Move a message, with all that the step changes in its row; part of a transaction."""
    changes: dict[str, object] = {"reason": move.reason, "due_at": move.due_at}
    if move.attempts is not None:
        changes["attempts"] = move.attempts
    if move.outage_at is not None:
        changes["outage_at"] = move.outage_at
    ledger.move(session, message_id, source=move.source, target=move.target, now=now, **changes)
