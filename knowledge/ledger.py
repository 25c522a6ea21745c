"""The ledger: what has been received, and how far each message is."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from knowledge import cases, people
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.tables import Cursor, Message, RawMail


@dataclass(frozen=True)
class Arrival:
    """One mail as it came in; ``related_ids`` are the Message-IDs that it answers, the nearest first."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    raw: bytes
    size: int
    received_at: datetime
    state: str
    whole: bool = True
    message_id: str = ""
    subject: str = ""
    case_subject: str = ""
    sender_address: str = ""
    sender_name: str = ""
    related_ids: tuple[str, ...] = ()


def cursor(db: Database, mailbox: str, folder: str) -> Cursor | None:
    """Give how far the folder was read, None before the first start."""
    with db.read() as session:
        return session.get(Cursor, (mailbox, folder))


@dataclass(frozen=True)
class Rescan:
    """A folder numbered anew: known mails get their new place, mails from ``before`` the first start are left out."""

    before: datetime | None


def receive(
    db: Database, arrivals: Iterable[Arrival], position: Cursor, now: datetime, rescan: Rescan | None = None
) -> list[Message]:
    """Commit mails and the folder's new position in one transaction; a mail known by its place is left alone."""
    with db.write() as session:
        session.merge(position)
        fresh = [arrival for arrival in arrivals if rescan is None or _is_new(session, arrival, rescan)]
        rows = [row for arrival in fresh if (row := _receive(session, arrival, now))]
        session.flush()
        return rows


def _is_new(session: Session, arrival: Arrival, rescan: Rescan) -> bool:
    """Recognise a mail by its bytes and note its new place; the same bytes twice are two mails."""
    digest = hashlib.sha256(arrival.raw).hexdigest()
    known = select(Message).where(
        Message.mailbox == arrival.mailbox,
        Message.folder == arrival.folder,
        Message.sha256 == digest,
        Message.uidvalidity != arrival.uidvalidity,
    )
    row = session.exec(known.order_by(col(Message.id))).first()
    if row is None:
        return rescan.before is None or arrival.received_at > rescan.before
    row.uidvalidity, row.uid = arrival.uidvalidity, arrival.uid
    session.add(row)
    session.flush()
    return False


def _receive(session: Session, arrival: Arrival, now: datetime) -> Message | None:
    place = (arrival.mailbox, arrival.folder, arrival.uidvalidity, arrival.uid)
    known = select(Message.id).where(
        Message.mailbox == place[0],
        Message.folder == place[1],
        Message.uidvalidity == place[2],
        Message.uid == place[3],
    )
    if session.exec(known).first() is not None:
        return None
    row = Message(
        mailbox=arrival.mailbox,
        folder=arrival.folder,
        uidvalidity=arrival.uidvalidity,
        uid=arrival.uid,
        sha256=_keep(session, arrival.raw),
        size=arrival.size,
        whole=arrival.whole,
        message_id=arrival.message_id,
        subject=arrival.subject,
        sender_address=arrival.sender_address,
        sender_name=arrival.sender_name,
        person_id=people.meet(session, arrival.sender_address, arrival.sender_name, now),
        case_id=cases.assign(session, arrival.related_ids, arrival.case_subject, now),
        received_at=arrival.received_at,
        state=arrival.state,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _keep(session: Session, raw: bytes) -> str:
    digest = hashlib.sha256(raw).hexdigest()
    if session.get(RawMail, digest) is None:
        session.add(RawMail(sha256=digest, size=len(raw), packed=zlib.compress(raw)))
        session.flush()
    return digest


def raw_mail(db: Database, message: Message) -> bytes:
    """Give the bytes of a mail as they were received."""
    with db.read() as session:
        kept = session.get_one(RawMail, message.sha256)
        return zlib.decompress(kept.packed)


def get(db: Database, message_id: int) -> Message | None:
    """Give one row of the ledger."""
    with db.read() as session:
        return session.get(Message, message_id)


def next_due(db: Database, state: str, now: datetime) -> Message | None:
    """Give the oldest message in this state that is due, passing over those whose case waits for an earlier one."""
    earlier = aliased(Message)
    waits = (
        select(earlier.id)
        .where(col(earlier.case_id) == Message.case_id, col(earlier.id) < Message.id, col(earlier.state) == state)
        .exists()
    )
    due = or_(col(Message.due_at).is_(None), col(Message.due_at) <= now)
    with db.read() as session:
        statement = select(Message).where(Message.state == state, due, ~waits).order_by(col(Message.id)).limit(1)
        return session.exec(statement).first()


def in_states(db: Database, states: Sequence[str]) -> list[Message]:
    """List the messages in any of these states, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Message).where(col(Message.state).in_(states)).order_by(col(Message.id))))


def counts(db: Database) -> dict[str, int]:
    """Count the messages by state."""
    with db.read() as session:
        rows = session.exec(select(Message.state, func.count()).group_by(Message.state))
        return {str(state): int(count) for state, count in rows}


def move(
    session: Session,
    message_id: int,
    *,
    source: str,
    target: str,
    now: datetime,
    **changes: object,
) -> None:
    """Move a message from one state to another; FenceError where it is no longer in ``source``."""
    statement = (
        update(Message)
        .where(col(Message.id) == message_id, col(Message.state) == source)
        .values(state=target, updated_at=now, **changes)
    )
    fence(session, statement, f"message {message_id}")
