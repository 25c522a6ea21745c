"""Handoffs: those that ended within their turn are written with it, whatever became of it; the others as it settles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Action, Handoff, Message, ToolCall


@dataclass(frozen=True)
class Work:
    """A handoff with the calls to servers outside that were made in it, or with the letter that asks a person."""

    handoff: Handoff
    calls: Sequence[ToolCall] = ()
    letter: Action | None = None


@dataclass(frozen=True)
class Balance:
    """What was handed to a specialist so far: how often, for how many US dollars, and in how many seconds.

    ``reported`` and ``outstanding`` count those that brought a report, and those whose report is still to come.
    """

    specialist: str
    count: int
    reported: int
    outstanding: int
    dollars: float
    seconds: float


@dataclass(frozen=True)
class Ending:
    """How an outstanding handoff ends: from one of these states, and with a report that ``message`` brings."""

    handoff: int
    states: Sequence[str]
    state: str
    report: str
    message: Message


def add(session: Session, works: Iterable[Work]) -> None:
    """Write handoffs with their calls; part of a transaction, behind the actions that are their letters."""
    session.flush()
    for work in works:
        work.handoff.letter_id = work.letter.id if work.letter else None
        session.add(work.handoff)
        session.flush()
        for call in work.calls:
            call.handoff_id = work.handoff.id or 0
        session.add_all(work.calls)


def of_message(db: Database, message_id: int) -> list[Handoff]:
    """List the handoffs of a message, those of dropped turns too."""
    with db.read() as session:
        statement = select(Handoff).where(Handoff.message_id == message_id)
        return list(session.exec(statement.order_by(col(Handoff.id))))


def calls_of_message(db: Database, message_id: int) -> dict[int, list[ToolCall]]:
    """List the calls to servers outside of a message's handoffs, by the handoff's number."""
    with db.read() as session:
        statement = select(ToolCall).join(Handoff, col(Handoff.id) == col(ToolCall.handoff_id))
        found: dict[int, list[ToolCall]] = {}
        for row in session.exec(statement.where(Handoff.message_id == message_id).order_by(col(ToolCall.id))):
            found.setdefault(row.handoff_id, []).append(row)
        return found


def of_case(db: Database, case_id: int) -> list[Handoff]:
    """List the handoffs of a case's messages."""
    with db.read() as session:
        statement = select(Handoff).join(Message, col(Message.id) == col(Handoff.message_id))
        return list(session.exec(statement.where(Message.case_id == case_id).order_by(col(Handoff.id))))


def balances(db: Database, reported: str, outstanding: Sequence[str]) -> list[Balance]:
    """Add up what each specialist did; ``reported`` and ``outstanding`` are the states that are counted."""
    with db.read() as session:
        counts = (
            func.count(),
            func.count().filter(col(Handoff.state) == reported),
            func.count().filter(col(Handoff.state).in_(outstanding)),
        )
        sums = (func.sum(col(Handoff.cost_usd)), func.sum(col(Handoff.seconds)))
        statement = columns(col(Handoff.specialist), *counts, *sums).group_by(col(Handoff.specialist))
        return [Balance(*row) for row in session.connection().execute(statement.order_by(col(Handoff.specialist)))]


def outstanding(db: Database, states: Sequence[str]) -> list[tuple[Handoff, Message]]:
    """List the handoffs in these states with the messages that were handed over, the oldest first."""
    with db.read() as session:
        statement = select(Handoff, Message).join(Message, col(Message.id) == col(Handoff.message_id))
        return list(session.exec(statement.where(col(Handoff.state).in_(states)).order_by(col(Handoff.id))))


def numbers(db: Database, states: Sequence[str]) -> list[int]:
    """Give the bare numbers of the handoffs in these states: what a handover is checked against."""
    with db.read() as session:
        return [number or 0 for number in session.exec(select(Handoff.id).where(col(Handoff.state).in_(states)))]


def of_report(db: Database, message_id: int) -> Handoff | None:
    """Give the handoff whose report a message of clerkd's own brings."""
    with db.read() as session:
        return session.exec(select(Handoff).where(Handoff.report_id == message_id)).first()


def of_reminder(db: Database, message_id: int) -> Handoff | None:
    """Give the handoff that a message of clerkd's own has brought up, because it was not answered."""
    with db.read() as session:
        return session.exec(select(Handoff).where(Handoff.reminder_id == message_id)).first()


def of_letter(db: Database, own_id: str) -> tuple[Handoff, Action, Message] | None:
    """Give the handoff on which the letter with this Message-ID asks, with the letter and the message handed over."""
    with db.read() as session:
        statement = (
            select(Handoff, Action, Message)
            .join(Action, col(Action.id) == col(Handoff.letter_id))
            .join(Message, col(Message.id) == col(Handoff.message_id))
        )
        return session.exec(statement.where(Action.own_message_id == own_id)).first()


def get(db: Database, number: int) -> tuple[Handoff, Message]:
    """Give a handoff with the message that was handed over."""
    with db.read() as session:
        statement = select(Handoff, Message).join(Message, col(Message.id) == col(Handoff.message_id))
        return session.exec(statement.where(Handoff.id == number)).one()


def of_action(db: Database, action_id: int) -> tuple[Handoff, Message] | None:
    """Give the handoff whose letter this action is, with the message that was handed over."""
    with db.read() as session:
        statement = select(Handoff, Message).join(Message, col(Message.id) == col(Handoff.message_id))
        return session.exec(statement.where(Handoff.letter_id == action_id)).first()


def end(session: Session, ending: Ending, now: datetime) -> int:
    """End a handoff and put the message that brings its report on the ledger, once; give its number.

    Part of a transaction, which it begins. Case and person are read here: they may have been merged since.
    """
    number = col(Handoff.id) == ending.handoff
    ended = {"state": ending.state, "report": ending.report, "ended_at": now}
    statement = update(Handoff).where(number, col(Handoff.state).in_(ending.states)).values(**ended)
    fence(session, statement, f"handoff {ending.handoff}")
    return _told(session, ending.handoff, ending.message, "report_id")


def _told(session: Session, handoff: int, message: Message, tie: str) -> int:
    """Put a message of clerkd's own on the ledger, in the case of what was handed over, and tie it to the handoff."""
    handed = session.get_one(Message, session.get_one(Handoff, handoff).message_id)
    message.case_id, message.person_id = handed.case_id, handed.person_id
    session.add(message)
    session.flush()
    session.connection().execute(update(Handoff).where(col(Handoff.id) == handoff).values({tie: message.id}))
    return message.id or 0


def overdue(db: Database, open_state: str, waiting: str, now: datetime) -> tuple[Handoff, Message] | None:
    """Give the handoff that has waited longest beyond its time and has not come up, with the message handed over.

    One whose letter is ``waiting`` for a person's word is none: nobody was asked yet.
    """
    with db.read() as session:
        unasked = select(Action.id).where(Action.id == Handoff.letter_id, Action.state == waiting).exists()
        late = (
            Handoff.state == open_state,
            col(Handoff.reminder_id).is_(None),
            col(Handoff.comes_up_at) <= now,
            ~unasked,
        )
        statement = select(Handoff, Message).join(Message, col(Message.id) == col(Handoff.message_id)).where(*late)
        return session.exec(statement.order_by(col(Handoff.comes_up_at), col(Handoff.id)).limit(1)).first()


def remind(db: Database, handoff: Handoff, reminder: Message, open_state: str) -> int:
    """Put a reminder on the ledger and tie it to its handoff, once; give its number."""
    number, open_still = col(Handoff.id) == handoff.id, col(Handoff.state) == open_state
    with db.write() as session:
        untold = update(Handoff).where(number, open_still, col(Handoff.reminder_id).is_(None))
        fence(session, untold.values(state=open_state), f"handoff {handoff.id}")
        return _told(session, handoff.id or 0, reminder, "reminder_id")


def cancel(session: Session, turns: Sequence[int], cancelled: str, now: datetime) -> None:
    """Cancel all that these turns have left open, also where the report is in; part of a transaction.

    What is reserved for one that is at work stays so: whoever works on it writes down what it cost.
    """
    theirs = (col(Handoff.turn_id).in_(turns), col(Handoff.awaits) != "")
    ended = func.coalesce(Handoff.ended_at, now)
    session.connection().execute(update(Handoff).where(*theirs).values(state=cancelled, ended_at=ended))


def put_off(session: Session, letter_id: int, by: timedelta) -> None:
    """Have the handoff of a letter come up so much later; part of a transaction."""
    found = session.exec(select(Handoff).where(Handoff.letter_id == letter_id)).first()
    if found and found.comes_up_at:
        found.comes_up_at += by
        session.add(found)


def cancel_of_letters(
    session: Session, letters: Sequence[int], states: Sequence[str], cancelled: str, now: datetime
) -> None:
    """Cancel the handoffs of these letters that are in these states; part of a transaction."""
    theirs = (col(Handoff.letter_id).in_(letters), col(Handoff.state).in_(states))
    session.connection().execute(update(Handoff).where(*theirs).values(state=cancelled, ended_at=now))


def cancel_of_case(session: Session, case_id: int, states: Sequence[str], cancelled: str, now: datetime) -> int:
    """Cancel those of a case's handoffs that are in these states, and count them; part of a transaction."""
    theirs = select(Message.id).where(Message.case_id == case_id)
    outstanding = (col(Handoff.message_id).in_(theirs), col(Handoff.state).in_(states))
    result: CursorResult[Any] = session.connection().execute(
        update(Handoff).where(*outstanding).values(state=cancelled, ended_at=now)
    )
    return result.rowcount
