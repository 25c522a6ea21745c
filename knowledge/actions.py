"""Actions on their way out, each change of state fenced by the state that it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge import cases, chain, ledger
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Action, Decision, Message
from knowledge.turns import Step


@dataclass(frozen=True)
class Change:
    """An action's new standing; what is done for good is written into the chain, and may move its case."""

    state: str
    reason: str = ""
    tries: int | None = None
    due_at: datetime | None = None
    is_done: bool = False
    may_have_left: bool = False
    case_moves: Mapping[str, str] = field(default_factory=dict)


def _waiting() -> Select[int | None, int, bool]:
    """Select the unfinished actions, each with whether it is due."""
    now: BindParameter[datetime] = bindparam("now")
    # As for messages: what was put off in the future, was put off by a clock that has been set back since.
    due = or_(col(Action.due_at).is_(None), col(Action.due_at) <= now, col(Action.updated_at) > now)
    held_back: BindParameter[list[str]] = bindparam("held_back", expanding=True)
    may_be_done = or_(col(Action.kind).not_in(held_back), col(Action.state).in_(bindparam("left", expanding=True)))
    unreachable = select(Message.id).where(col(Message.mailbox).in_(bindparam("without", expanding=True)))
    return (
        select(Action.id, Action.message_id, due)
        .where(col(Action.state).in_(bindparam("states", expanding=True)))
        .where(col(Action.message_id).not_in(unreachable), may_be_done)
        .order_by(col(Action.id))
    )


WAITING = _waiting()  # asked at every stir, and made once, as ``ledger.NEXT_DUE``


def next_due(
    db: Database,
    states: Sequence[str],
    now: datetime,
    without: Sequence[str] = (),
    held_back: Sequence[str] = (),
    left: Sequence[str] = (),
) -> Action | None:
    """Give the oldest action that is due and has no unfinished one before it in its message.

    ``without`` names mailboxes that are out of reach, ``held_back`` kinds of action that may not be done now: these
    wait, and the others do not. What is in a state of ``left`` has been done but for its copy, and is not held back.
    """
    with db.read() as session:
        firsts: dict[int, int | None] = {}
        values = {
            "states": list(states),
            "now": now,
            "without": list(without),
            "held_back": list(held_back),
            "left": list(left),
        }
        for action_id, message_id, due in session.exec(WAITING, params=values):
            if firsts.setdefault(message_id, action_id) == action_id and due:
                return session.get(Action, action_id)
        return None


def change(db: Database, action: Action, to: Change, now: datetime) -> Action:
    """Move an action on; FenceError where it is not in the state, with the digest, that the caller saw."""
    values: dict[str, str | int | datetime | None] = {
        "state": to.state,
        "reason": to.reason,
        "due_at": to.due_at,
        "updated_at": now,
    }
    if to.tries is not None:
        values["tries"] = to.tries
    if to.may_have_left:  # and it stays so, whatever becomes of it later
        values["may_have_left"] = True
    with db.write() as session:
        statement = (
            update(Action)
            .where(
                col(Action.id) == action.id,
                col(Action.state) == action.state,
                col(Action.digest) == action.digest,
            )
            .values(**values)
        )
        fence(session, statement, f"action {action.id}")
        if to.is_done:
            chain.done(session, action, now)
        case_id = session.get_one(Message, action.message_id).case_id if to.case_moves else None
        if case_id:
            cases.move(session, case_id, to.case_moves)
    return action.model_copy(update=values)


def _stands() -> ColumnElement[bool]:
    """Say of an action that no decision was withdrawn that it came of."""
    # Of this one decision: to list all that were withdrawn took a look at the whole log.
    theirs = select(Decision.id).where(col(Decision.id) == col(Action.decision_id))
    return ~theirs.where(col(Decision.withdrawn_at).is_not(None)).exists()


def get(db: Database, action_id: int) -> Action | None:
    """Give an action; None where the number leads nowhere."""
    with db.read() as session:
        return session.get(Action, action_id)


def of_message(db: Database, message_id: int) -> list[Action]:
    """List a message's actions in their order; those of a withdrawn decision are none."""
    with db.read() as session:
        statement = select(Action).where(Action.message_id == message_id, _stands()).order_by(col(Action.id))
        return list(session.exec(statement))


def is_withdrawn(db: Database, action: Action) -> bool:
    """Say whether the decision that the action came of was withdrawn."""
    with db.read() as session:
        decision = session.get(Decision, action.decision_id) if action.decision_id else None
        return decision is not None and decision.withdrawn_at is not None


@dataclass(frozen=True)
class Departure:
    """A mail that left, or may have: when, of which case, and to whom."""

    left_at: datetime
    case_id: int | None
    recipients: Sequence[str]


def departures(db: Database, kinds: Sequence[str], states: Sequence[str], since: datetime) -> list[Departure]:
    """List what left since then; a time that lies in the future is among it."""
    left = or_(col(Action.state).in_(states), col(Action.may_have_left))
    statement = (
        select(Action.updated_at, Message.case_id, Action.recipients)
        .join(Message, col(Message.id) == col(Action.message_id))
        .where(col(Action.kind).in_(kinds), col(Action.updated_at) >= since, left)
    )
    with db.read() as session:
        return [Departure(*row) for row in session.exec(statement)]


def of_own_ids(db: Database, ids: Iterable[str]) -> Action | None:
    """Give the action whose mail carries one of these Message-IDs, which nobody but us makes."""
    with db.read() as session:
        statement = select(Action).where(col(Action.own_message_id).in_([name for name in ids if name]))
        return session.exec(statement.order_by(col(Action.id))).first()


@dataclass(frozen=True)
class Again:
    """Which of a message's actions go from where to where: those of these kinds, or all others.

    ``keeps_reason``: whoever looks at it next must know why it stood there.
    """

    source: str
    target: str
    kinds: Sequence[str]
    others: bool = False
    keeps_reason: bool = False


def plan_again(session: Session, message_id: int, step: Step, changes: Sequence[Again], now: datetime) -> None:
    """Move a message, and with it its actions that stand, as the changes say; part of a transaction."""
    ledger.move(session, message_id, source=step.source, target=step.target, now=now, reason=step.reason)
    for change in changes:
        of_kind = col(Action.kind).in_(change.kinds)
        statement = (
            update(Action)
            .where(col(Action.message_id) == message_id, col(Action.state) == change.source, _stands())
            .where(~of_kind if change.others else of_kind)
            .values(state=change.target, due_at=None, updated_at=now, **({} if change.keeps_reason else {"reason": ""}))
        )
        session.connection().execute(statement)


def call_off(
    session: Session, message_id: int, kinds: Sequence[str], source: str, target: str, reason: str, now: datetime
) -> None:
    """End a message's actions of these kinds that are in a state; part of a transaction."""
    theirs = (col(Action.message_id) == message_id, col(Action.kind).in_(kinds), col(Action.state) == source)
    session.connection().execute(update(Action).where(*theirs).values(state=target, reason=reason, updated_at=now))


COUNTS = select(Action.state, func.count()).group_by(Action.state)  # asked at every beat, and made once


def counts(db: Database) -> dict[str, int]:
    """Count the actions by state."""
    with db.read() as session:
        return {str(state): int(count) for state, count in session.exec(COUNTS)}
