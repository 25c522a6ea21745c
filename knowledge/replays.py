"""Replays: logged messages put again to forks of the session, and what came of it. No other table is touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

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
    """List the selected messages with all of their turns, the oldest turn first."""
    statement = select(Message, Turn).join(Turn, col(Turn.message_id) == col(Message.id))
    if wanted.since:
        statement = statement.where(col(Turn.started_at) >= wanted.since)
    if wanted.case is not None:
        statement = statement.where(col(Message.case_id) == wanted.case)
    if wanted.ids:
        statement = statement.where(col(Message.id).in_(wanted.ids))
    with db.read() as session:
        return list(session.exec(statement.order_by(col(Turn.id))))


def begin(db: Database, replay: Replay) -> Replay:
    """Commit that a replay has begun."""
    with db.write() as session:
        session.add(replay)
        session.flush()
        return replay


def open_turn(db: Database, row: ReplayTurn) -> ReplayTurn:
    """Commit the turn's row, with its greatest cost reserved, before the prompt is sent."""
    with db.write() as session:
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


def unfinished(db: Database) -> list[Replay]:
    """List the replays that have no end."""
    with db.read() as session:
        return list(session.exec(select(Replay).where(col(Replay.ended_at).is_(None))))


def break_off(db: Database, number: int, *, open_state: str, state: str, failure: str, now: datetime) -> None:
    """Close what a replay left open whose process has ended; what was reserved stays charged."""
    with db.write() as session:
        connection = session.connection()
        left = (col(ReplayTurn.replay_id) == number, col(ReplayTurn.state) == open_state)
        charged = {"state": state, "failure": failure, "ended_at": now, "cost_usd": ReplayTurn.reserved_usd}
        connection.execute(update(ReplayTurn).where(*left).values(**charged))
        unfinished = (col(Replay.id) == number, col(Replay.ended_at).is_(None))
        connection.execute(update(Replay).where(*unfinished).values(ended_at=now))


def get(db: Database, number: int) -> Replay:
    """Give a replay."""
    with db.read() as session:
        return session.get_one(Replay, number)


def results(db: Database, number: int) -> list[tuple[ReplayTurn, Message]]:
    """List what came of a replay, by message and variant."""
    with db.read() as session:
        statement = select(ReplayTurn, Message).join(Message, col(Message.id) == col(ReplayTurn.message_id))
        order = (col(ReplayTurn.message_id), col(ReplayTurn.id))
        return list(session.exec(statement.where(ReplayTurn.replay_id == number).order_by(*order)))
