"""Handoffs to those who work beside the turns: begun with their dollars reserved, put back, or closed with a report.

One that was cancelled while somebody worked on it stays so: then only what that has cost is written down.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BindParameter, Update, bindparam, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from knowledge import folders, turns
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Handoff, Message


@dataclass(frozen=True)
class States:
    """The states of the daemon's judgement that these rows go through."""

    open: str
    working: str
    cancelled: str


@dataclass(frozen=True)
class Spent:
    """What one try used: dollars, tokens, seconds, and the names of the tools."""

    dollars: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    seconds: float = 0.0
    tools: Sequence[str] = ()


@dataclass(frozen=True)
class Closing:
    """How a handoff ends: its state and report, the message that brings it, and what was written into the folder."""

    state: str
    report: str
    message: Message
    files: Mapping[str, str] = field(default_factory=dict)


def _next() -> SelectOfScalar[Handoff]:
    state: BindParameter[str] = bindparam("state")
    awaits: BindParameter[str] = bindparam("awaits")
    waiting = select(Handoff).where(col(Handoff.state) == state, col(Handoff.awaits) == awaits)
    return waiting.order_by(col(Handoff.id)).limit(1)


NEXT = _next()  # asked at every stir, and made once


def next_open(db: Database, state: str, awaits: str) -> Handoff | None:
    """Give the oldest handoff in this state that awaits this."""
    with db.read() as session:
        return session.exec(NEXT, params={"state": state, "awaits": awaits}).first()


def left_working(db: Database, states: States) -> list[Handoff]:
    """List those that are at work, and those cancelled whose cost was not written down."""
    with db.read() as session:
        held = (col(Handoff.state) == states.cancelled) & (col(Handoff.reserved_usd) > 0)
        statement = select(Handoff).where((col(Handoff.state) == states.working) | held)
        return list(session.exec(statement.order_by(col(Handoff.id))))


def is_at_work(db: Database, row: Handoff) -> bool:
    """Say whether nobody has cancelled it."""
    with db.read() as session:
        return session.get_one(Handoff, row.id).state == row.state


@dataclass(frozen=True)
class Begin:
    """What a try reserves, from when on it counts, and whether the caps bear it, given what each window has then."""

    dollars: float
    at: datetime
    windows: Sequence[datetime]
    fits: Callable[..., bool]


def begin(db: Database, row: Handoff, states: States, wanted: Begin) -> Handoff | None:
    """Begin a try with its dollars reserved, in one transaction with what they are checked against; None: too dear."""
    with db.write() as session:
        still = (col(Handoff.id) == row.id, col(Handoff.state) == states.open)
        begun = (
            update(Handoff)
            .where(*still)
            .values(state=states.working, tries=Handoff.tries + 1, reserved_usd=wanted.dollars, started_at=wanted.at)
        )
        fence(session, begun, f"handoff {row.id}")
        if wanted.fits(*(turns.spent(session, since) for since in wanted.windows)):
            return session.get_one(Handoff, row.id)
        session.rollback()
        return None


@dataclass(frozen=True)
class Waiting:
    """How a handoff waits again: after how many tries, and since when there is an outage."""

    tries: int
    outage_at: datetime | None


def put_back(db: Database, row: Handoff, states: States, spent: Spent, waiting: Waiting) -> bool:
    """Let it wait again; False where it was cancelled meanwhile."""
    values = {"state": states.open, "tries": waiting.tries, "outage_at": waiting.outage_at}
    with db.write() as session:
        if _is_done(session, row, states, _used(row, spent) | values):
            return True
        _pay(session, row, states, spent)
        return False


def close(db: Database, row: Handoff, states: States, spent: Spent, closing: Closing, now: datetime) -> int | None:
    """Close it and put its report on the ledger, in its case as that is now; give the message's number.

    None where it was cancelled meanwhile: the report is discarded.
    """
    values = {"state": closing.state, "report": closing.report, "ended_at": now}
    with db.write() as session:
        if not _is_done(session, row, states, _used(row, spent) | values):
            _pay(session, row, states, spent)
            return None
        handed = session.get_one(Message, row.message_id)
        closing.message.case_id, closing.message.person_id = handed.case_id, handed.person_id
        session.add(closing.message)
        session.flush()
        session.connection().execute(_where(row).values(report_id=closing.message.id))
        if handed.case_id:
            folders.write(session, handed.case_id, row.turn_id, closing.files, now)
        return closing.message.id


def pay(db: Database, row: Handoff, states: States, spent: Spent) -> None:
    """Write down what was spent on one that was cancelled."""
    with db.write() as session:
        _pay(session, row, states, spent)


def _pay(session: Session, row: Handoff, states: States, spent: Spent) -> None:
    cancelled = _where(row).where(col(Handoff.state) == states.cancelled)
    fence(session, cancelled.values(**_used(row, spent)), f"handoff {row.id}")


def _is_done(session: Session, row: Handoff, states: States, values: Mapping[str, object]) -> bool:
    """Change the row as long as this try is the one that is at work: the fence, which says so instead of raising."""
    at_work = _where(row).where(col(Handoff.state) == states.working, col(Handoff.tries) == row.tries)
    return session.connection().execute(at_work.values(**values)).rowcount == 1


def _where(row: Handoff) -> Update:
    return update(Handoff).where(col(Handoff.id) == row.id)


def _used(row: Handoff, spent: Spent) -> dict[str, object]:
    """Add what a try used to what the row has of earlier ones; nothing is reserved any more."""
    return {
        "reserved_usd": 0.0,
        "cost_usd": row.cost_usd + spent.dollars,
        "input_tokens": row.input_tokens + spent.input_tokens,
        "output_tokens": row.output_tokens + spent.output_tokens,
        "cache_read_tokens": row.cache_read_tokens + spent.cache_read_tokens,
        "cache_write_tokens": row.cache_write_tokens + spent.cache_write_tokens,
        "seconds": round(row.seconds + spent.seconds, 3),
        "tools": [*row.tools, *spent.tools],
    }
