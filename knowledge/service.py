"""The daemon's own rows: its generation, the health of its parts, and the orders that commands leave for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, delete, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Condition, Order, Service


def start(db: Database, pid: int, version: str, now: datetime) -> int:
    """Take the next generation and give its number; from now on this handle writes for it alone."""
    with db.write() as session:
        row = session.get(Service, 1)
        generation = (row.generation if row else 0) + 1
        session.merge(Service(generation=generation, pid=pid, version=version, started_at=now, beat_at=now))
    db.generation = generation
    return generation


def beat(db: Database, generation: int, now: datetime) -> None:
    """Say that the loop goes round."""
    _update(db, generation, beat_at=now)


def stop(db: Database, generation: int, now: datetime) -> None:
    """Say that the daemon ended in good order."""
    _update(db, generation, beat_at=now, stopped_at=now)


def _update(db: Database, generation: int, **values: datetime) -> None:
    with db.write() as session:
        statement = update(Service).where(col(Service.id) == 1, col(Service.generation) == generation).values(**values)
        fence(session, statement, f"generation {generation}")


def current(db: Database) -> Service | None:
    """Give the daemon's row, None before the first start."""
    with db.read() as session:
        return session.get(Service, 1)


def forget_conditions(db: Database, parts: Collection[str]) -> None:
    """Delete the health of parts that are no longer there: a mailbox that left the config."""
    with db.write() as session:
        session.connection().execute(delete(Condition).where(col(Condition.part).not_in(parts)))


def set_condition(db: Database, condition: Condition) -> None:
    """Write down the health of a part."""
    with db.write() as session:
        session.merge(condition)


def condition(db: Database, part: str) -> Condition | None:
    """Give the health of one part; None where nothing is known of it."""
    with db.read() as session:
        return session.get(Condition, part)


def conditions(db: Database) -> list[Condition]:
    """List the health of all parts."""
    with db.read() as session:
        return list(session.exec(select(Condition).order_by(Condition.part)))


def leave_order(
    db: Database, kind: str, argument: str, state: str, now: datetime, by: str = "", place: str = ""
) -> int:
    """Leave an order for the daemon and give its number; ``by`` and ``place`` say who gives it, and from where."""
    with db.write() as session:
        order = Order(kind=kind, argument=argument, asked_at=now, state=state, by=by, place=place)
        session.add(order)
        session.flush()
        return order.id or 0


def _orders() -> SelectOfScalar[Order]:
    state: BindParameter[str] = bindparam("state")
    return select(Order).where(col(Order.state) == state).order_by(col(Order.id))


ORDERS = _orders()  # asked at every stir, and made once


def orders(db: Database, state: str) -> list[Order]:
    """List the orders in a state, the oldest first."""
    with db.read() as session:
        return list(session.exec(ORDERS, params={"state": state}))


def order(db: Database, number: int) -> Order | None:
    """Give one order."""
    with db.read() as session:
        return session.get(Order, number)


@dataclass(frozen=True)
class Closing:
    """An order with what became of it."""

    order: Order
    state: str
    outcome: str


def close_order(db: Database, closing: Closing, now: datetime) -> None:
    """Write what became of an order."""
    with db.write() as session:
        close(session, closing, now)


def close(session: Session, closing: Closing | None, now: datetime) -> None:
    """Write what became of an order, where there is one; part of the transaction that carries it out."""
    if closing is None:
        return
    row = closing.order
    statement = (
        update(Order)
        .where(col(Order.id) == row.id, col(Order.state) == row.state)
        .values(state=closing.state, outcome=closing.outcome, done_at=now)
    )
    fence(session, statement, f"order {row.id}")
