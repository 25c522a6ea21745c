"""Rollbacks: the session is set back to before a decision, and all that came of the turns behind it is withdrawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from knowledge import cases, chain, facts, folders, handoffs, ledger, promises, service, sessions
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.service import Closing
from knowledge.tables import Action, AgentSession, CaseNote, Decision, Handoff, Message, ToolCall, Turn, Upkeep

T = TypeVar("T")
FEW = 500


@dataclass(frozen=True)
class Mark:
    """A place in a session's transcript; no uuid is its very beginning."""

    uuid: str | None = None
    offset: int = 0
    context_tokens: int = 0


@dataclass(frozen=True)
class Behind:
    """What stands behind a decision: the turns from it on, and all their actions, with their messages.

    ``calls`` are those that their handoffs made of servers outside, each with its message's number.
    """

    turns: Sequence[Turn]
    messages: Sequence[Message]
    actions: Sequence[tuple[Action, Message]]
    calls: Sequence[tuple[ToolCall, int]]


def turn_of(db: Database, message_id: int, states: Sequence[str]) -> Turn | None:
    """Give the turn that decided the message, where its decision stands."""
    with db.read() as session:
        statement = select(Turn).where(Turn.message_id == message_id, col(Turn.state).in_(states))
        return session.exec(statement.order_by(col(Turn.id).desc()).limit(1)).first()


def before(db: Database, turn: Turn, settled: str, done: str) -> Mark:
    """Say where its session stood before the turn: behind the turn before it, or behind a compaction since."""
    # Of a turn that was dropped nothing stands in the transcript, and where a lost one stood, others may stand now.
    earlier = col(Upkeep.ended_at) <= turn.started_at
    if turn.state == settled:
        earlier = col(Upkeep.head_offset) < turn.head_offset
    with db.read() as session:
        turns = select(Turn.head_uuid, Turn.head_offset, Turn.context_tokens).where(
            Turn.session_id == turn.session_id, Turn.state == settled, col(Turn.id) < turn.id
        )
        upkeeps = select(Upkeep.head_uuid, Upkeep.head_offset, Upkeep.tokens_after).where(
            Upkeep.session_id == turn.session_id,
            Upkeep.state == done,
            col(Upkeep.head_offset).is_not(None),
            earlier,
        )
        marks = [
            Mark(uuid, offset or 0, tokens or 0)
            for statement in (turns, upkeeps)
            for uuid, offset, tokens in session.exec(statement)
        ]
        return max(marks, key=lambda mark: mark.offset, default=Mark())


def is_gone_before(db: Database, turn: Turn, undone: Sequence[str], mark: Mark) -> bool:
    """Say whether turns that are undone now stood in the session between the mark and the turn, as far as is known."""
    theirs = (Turn.session_id == turn.session_id, col(Turn.id) < turn.id, col(Turn.state).in_(undone))
    with db.read() as session:
        found = select(Turn.id).where(*theirs, col(Turn.head_offset) > mark.offset)
        return session.exec(found.limit(1)).first() is not None


def behind(db: Database, turn: Turn, states: Sequence[str]) -> Behind:
    """List what came of the turn and of all later ones, in whichever session."""
    late = (col(Turn.id) >= turn.id, col(Turn.state).in_(states))
    with db.read() as session:
        turns = session.exec(select(Turn).where(*late).order_by(col(Turn.id)))
        theirs = select(Turn.message_id).where(*late)
        messages = session.exec(select(Message).where(col(Message.id).in_(theirs)).order_by(col(Message.id)))
        actions = session.exec(
            select(Action, Message)
            .join(Message, col(Message.id) == col(Action.message_id))
            .join(Decision, col(Decision.id) == col(Action.decision_id))
            .where(col(Decision.turn_id).in_(select(Turn.id).where(*late)))
            .order_by(col(Action.id))
        )
        calls = session.exec(
            select(ToolCall, Handoff.message_id)
            .join(Handoff, col(Handoff.id) == col(ToolCall.handoff_id))
            .where(col(Handoff.turn_id).in_(select(Turn.id).where(*late)), col(ToolCall.allowed))
            .order_by(col(ToolCall.id))
        )
        return Behind(list(turns), list(messages), list(actions), list(calls))


@dataclass(frozen=True)
class Words:
    """The states of the daemon's judgement that a rollback writes."""

    live: str
    ended: str
    rolled_back: str
    cancelled: str
    reason: str
    open_promise: str
    withdrawn_promise: str
    cancelled_handoff: str


def apply(  # noqa: PLR0913 - one transaction, with all that it writes
    db: Database,
    *,
    successor: AgentSession,
    undone: Behind,
    cancel: Sequence[str],
    targets: Mapping[int, str],
    case_moves: Mapping[str, str],
    flags: Sequence[Action],
    words: Words,
    closing: Closing,
    now: datetime,
) -> None:
    """Set the session back: ``successor`` is the row that is to be live, an earlier one or a new one.

    ``cancel`` names the states of actions that have not left, ``targets`` where each message goes. The order for it is
    closed, too: all or nothing.
    """
    with db.write() as session:
        _make_live(session, successor, words, now)
        _withdraw(session, undone, cancel, words, now)
        for row in undone.messages:
            target, number = targets[row.id or 0], row.id or 0
            changes = {"reason": words.reason, "due_at": None, "attempts": 0}
            ledger.move(session, number, source=row.state, target=target, now=now, **changes)
        for case_id in {row.case_id for row in undone.messages if row.case_id}:
            cases.move(session, case_id, case_moves)
        session.add_all(flags)
        service.close(session, closing, now)


def _make_live(session: Session, successor: AgentSession, words: Words, now: datetime) -> None:
    others = (
        update(AgentSession)
        .where(
            col(AgentSession.state) == words.live,
            col(AgentSession.id) != successor.id,
            col(AgentSession.generation) <= successor.generation,
        )
        .values(state=words.ended, ended_at=now, end_reason=words.reason)
    )
    session.connection().execute(others)
    if session.get(AgentSession, successor.id) is None:
        session.add(successor)
        return
    values = successor.model_dump(exclude={"id", "model", "orders_digest", "predecessor", "created_at"})
    known = (col(AgentSession.id) == successor.id, col(AgentSession.generation) <= successor.generation)
    fence(session, update(AgentSession).where(*known).values(**values), f"session {successor.id}")
    sessions.forget_compactions(session, successor.id, successor.head_offset)
    sessions.forget_mirror(session, successor.id)


def _withdraw(session: Session, undone: Behind, cancel: Sequence[str], words: Words, now: datetime) -> None:
    connection = session.connection()
    undone_turns = {row.id or 0 for row in undone.turns}
    for turns in _few([row.id or 0 for row in undone.turns]):
        connection.execute(update(Turn).where(col(Turn.id).in_(turns)).values(state=words.rolled_back))
        connection.execute(update(Decision).where(col(Decision.turn_id).in_(turns)).values(withdrawn_at=now))
        for decision in session.exec(
            select(Decision).where(col(Decision.turn_id).in_(turns)).order_by(col(Decision.id))
        ):
            chain.withdrawn(session, decision, now)
        promises.reopen(session, turns, words.open_promise)
        facts.reopen(session, turns, undone_turns)
    closing = promises.Closing(words.open_promise, now, words=words.reason)
    for turns in _few([row.id or 0 for row in undone.turns]):
        promises.withdraw(session, turns, words.withdrawn_promise, closing)
        facts.withdraw(session, turns, now)
        folders.withdraw(session, turns, now)
        handoffs.cancel(session, turns, words.cancelled_handoff, now)
    for names in _few(sorted({row.session_id for row in undone.turns})):
        connection.execute(delete(CaseNote).where(col(CaseNote.session_id).in_(names)))
    for unsent in _few([action.id for action, _message in undone.actions if action.state in cancel]):
        connection.execute(
            update(Action)
            .where(col(Action.id).in_(unsent), col(Action.state).in_(cancel))
            .values(state=words.cancelled, reason=words.reason, updated_at=now)
        )


def _few(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Share them out: SQLite takes a limited number of values in a statement."""
    for start in range(0, len(items), FEW):
        yield items[start : start + FEW]
