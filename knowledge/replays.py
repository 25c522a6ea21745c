"""Replays: logged messages put again to forks of the session, and what came of it. No other table is touched."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from knowledge import turns
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Message, Replay, ReplayTurn, Turn


@dataclass(frozen=True)
class Selection:
    """Which messages: put to the session since then, of one case, or by number; what is not given does not narrow."""

    since: datetime | None = None
    case: int | None = None
    ids: Sequence[int] = ()


def turns_of(db: Database, wanted: Selection) -> list[tuple[Message, Turn]]:
    """List the selected messages with all of their turns: by message, the oldest turn first."""
    chosen = select(Turn.message_id).join(Message, col(Message.id) == col(Turn.message_id))
    if wanted.since:
        chosen = chosen.where(col(Turn.started_at) >= wanted.since)
    if wanted.case is not None:
        chosen = chosen.where(col(Message.case_id) == wanted.case)
    if wanted.ids:
        chosen = chosen.where(col(Message.id).in_(wanted.ids))
    statement = select(Message, Turn).join(Turn, col(Turn.message_id) == col(Message.id))
    with db.read() as session:
        found = session.exec(statement.where(col(Message.id).in_(chosen)).order_by(col(Message.id), col(Turn.id)))
        return list(found)


def begin(db: Database, replay: Replay) -> Replay:
    """Commit that a replay has begun."""
    with db.write() as session:
        session.add(replay)
        session.flush()
        return replay


def open_turn(db: Database, since: Sequence[datetime], make: Callable[..., ReplayTurn]) -> ReplayTurn:
    """Commit a turn's row, with its greatest cost reserved, before the prompt is sent.

    ``make`` gets what was spent since each of these times, in the same transaction: no other can reserve in between.
    """
    with db.write() as session:
        row = make(*(turns.spent(session, each) for each in since))
        session.add(row)
        session.flush()
        return row


def close_turn(db: Database, row: ReplayTurn, open_state: str) -> None:
    """Write what came of the turn."""
    with db.write() as session:
        still_open = (col(ReplayTurn.id) == row.id, col(ReplayTurn.state) == open_state)
        closed = row.model_dump(exclude={"id", "replay_id", "message_id"})
        fence(session, update(ReplayTurn).where(*still_open).values(**closed), f"replay turn {row.id}")


def end(db: Database, number: int, now: datetime) -> None:
    """Write that the replay is over."""
    with db.write() as session:
        fence(session, update(Replay).where(col(Replay.id) == number).values(ended_at=now), f"replay {number}")


@dataclass(frozen=True)
class Words:
    """The states of a turn, as the daemon's judgement calls them, and why one was left open."""

    open: str
    dropped: str
    failure: str


def break_off(db: Database, held: Collection[str], words: Words, now: datetime) -> None:
    """Close the replays whose places nobody holds; what their open turns had reserved stays charged."""
    with db.write() as session:
        connection = session.connection()
        gone = select(Replay.id).where(col(Replay.ended_at).is_(None), col(Replay.place).not_in(held))
        left = (col(ReplayTurn.replay_id).in_(gone), col(ReplayTurn.state) == words.open)
        charged = {"state": words.dropped, "failure": words.failure, "ended_at": now}
        connection.execute(update(ReplayTurn).where(*left).values(**charged, cost_usd=ReplayTurn.reserved_usd))
        connection.execute(update(Replay).where(col(Replay.id).in_(gone)).values(ended_at=now))


def get(db: Database, number: int) -> Replay | None:
    """Give a replay."""
    with db.read() as session:
        return session.get(Replay, number)


def newest(db: Database) -> list[Replay]:
    """List all replays, the newest first."""
    with db.read() as session:
        return list(session.exec(select(Replay).order_by(col(Replay.id).desc())))


def results(db: Database, number: int) -> list[tuple[ReplayTurn, Message]]:
    """List what came of a replay, by message and variant."""
    with db.read() as session:
        statement = select(ReplayTurn, Message).join(Message, col(Message.id) == col(ReplayTurn.message_id))
        order = (col(ReplayTurn.message_id), col(ReplayTurn.id))
        return list(session.exec(statement.where(ReplayTurn.replay_id == number).order_by(*order)))
