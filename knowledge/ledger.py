"""The ledger: what has been received, and how far each message is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, insert, literal_column, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from knowledge import logbook
from knowledge.database import Database
from knowledge.fence import fence
from knowledge.raw import Packed, body_of, unpack
from knowledge.tables import Cursor, Message, RawMail

# Bodies that are compared for one mail: who sends a thousand mails under one Message-ID shall not cost a million looks.
MOST_ALIKE = 20
NOWHERE = 0  # below it are the places of mails that have none: no server gives such UIDs (RFC 3501, 2.3.1.1)


@dataclass(frozen=True)
class Arrival:
    """One mail as it came in: its place and its bytes. What stands in it is read later."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    raw: Packed
    size: int
    received_at: datetime
    state: str
    whole: bool = True
    message_id: str = ""


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
) -> dict[int, int]:
    """Commit mails and the folder's new position in one transaction; a mail known by its place is left alone.

    Give the new messages' numbers by their UIDs.
    """
    with db.write() as session:
        session.merge(position)
        fresh = [arrival for arrival in arrivals if rescan is None or _is_new(session, arrival, rescan)]
        return _receive(session, fresh, now)


def _receive(session: Session, arrivals: Sequence[Arrival], now: datetime) -> dict[int, int]:
    """Write a batch in a few statements, however many mails it holds."""
    places = {arrival.uid: arrival for arrival in arrivals}
    known = _numbers(session, arrivals)
    fresh = [places[uid] for uid in sorted(places.keys() - known.keys())]
    if not fresh:
        return {}
    _keep(session, [arrival.raw for arrival in fresh])
    # Rows of a table, not objects: an old mailbox comes in in thousands, and this is a quarter of the time (measured).
    session.connection().execute(INSERT, [_row(arrival, now) for arrival in fresh])
    uids = {arrival.uid for arrival in fresh}
    return {uid: number for uid, number in _numbers(session, fresh).items() if uid in uids}


def _places() -> Select[int, int | None]:
    mailbox: BindParameter[str] = bindparam("mailbox")
    folder: BindParameter[str] = bindparam("folder")
    uidvalidity: BindParameter[int] = bindparam("uidvalidity")
    first: BindParameter[int] = bindparam("first")
    last: BindParameter[int] = bindparam("last")
    return (
        select(Message.uid, Message.id)
        .where(col(Message.mailbox) == mailbox, col(Message.folder) == folder, col(Message.uidvalidity) == uidvalidity)
        .where(col(Message.uid).between(first, last))
        .order_by(col(Message.uid))
    )


PLACES = _places()  # asked twice for every batch, and made once


def _numbers(session: Session, arrivals: Sequence[Arrival]) -> dict[int, int]:
    """Give the numbers of the messages that are known in these places, by their UIDs."""
    if not arrivals:
        return {}
    at, uids = arrivals[0], [arrival.uid for arrival in arrivals]
    values = {"mailbox": at.mailbox, "folder": at.folder, "uidvalidity": at.uidvalidity}
    known = session.exec(PLACES, params={**values, "first": min(uids), "last": max(uids)})
    return {uid: number for uid, number in known if number is not None}


EMPTY_TEXTS = ("subject", "sender_address", "sender_name", "conversation", "authenticity", "placement", "reason")
# What the screening fills in is the same for every new message: it stands in the statement, not beside each row.
INSERT = insert(Message).values(
    {name: literal_column("''") for name in EMPTY_TEXTS}
    | {name: literal_column("'[]'") for name in ("correspondents", "removed")}
    | {"attempts": literal_column("0")}
)


def _row(arrival: Arrival, now: datetime) -> dict[str, Any]:
    return {
        "mailbox": arrival.mailbox,
        "folder": arrival.folder,
        "uidvalidity": arrival.uidvalidity,
        "uid": arrival.uid,
        "sha256": arrival.raw.sha256,
        "size": arrival.size,
        "whole": arrival.whole,
        "message_id": arrival.message_id,
        "received_at": arrival.received_at,
        "state": arrival.state,
        "updated_at": now,
    }


def _is_new(session: Session, arrival: Arrival, rescan: Rescan) -> bool:
    """Recognise a mail in a folder numbered anew and note its new place; the same mail twice is two mails.

    A rescan that was cut off begins again: what it placed then stays there, and another copy is not put on top of it.
    """
    if _is_in_place(session, arrival):
        return False
    row = _moved(session, arrival)
    if row is None:
        return rescan.before is None or arrival.received_at >= rescan.before
    row.uidvalidity, row.uid = arrival.uidvalidity, arrival.uid
    session.add(row)
    session.flush()
    return False


def _is_in_place(session: Session, arrival: Arrival) -> bool:
    """Say whether the mail is known in this very place.

    Another mail in a known place means that the server lost its count without telling: the place is taken from the
    older one, whose mail is nowhere now.
    """
    here = select(Message).where(
        Message.mailbox == arrival.mailbox,
        Message.folder == arrival.folder,
        Message.uidvalidity == arrival.uidvalidity,
        Message.uid == arrival.uid,
    )
    row = session.exec(here).first()
    if row is None or row.sha256 == arrival.raw.sha256:
        return row is not None
    row.uid = NOWHERE - (row.id or 0)
    session.add(row)
    session.flush()
    return False


def _moved(session: Session, arrival: Arrival) -> Message | None:
    """Find a mail by its bytes, else by its Message-ID and body: a server that moved house may rewrite headers."""
    elsewhere = (
        select(Message)
        .where(
            Message.mailbox == arrival.mailbox,
            Message.folder == arrival.folder,
            or_(col(Message.uidvalidity) != arrival.uidvalidity, col(Message.uid) < NOWHERE),
        )
        .order_by(col(Message.id))
    )
    same = session.exec(elsewhere.where(Message.sha256 == arrival.raw.sha256)).first()
    if same or not arrival.message_id:
        return same
    body = body_of(unpack(arrival.raw.packed))
    alike = session.exec(elsewhere.where(Message.message_id == arrival.message_id).limit(MOST_ALIKE))
    return next((row for row in alike if body_of(_raw(session, row)) == body), None)


def _keep(session: Session, mails: Sequence[Packed]) -> None:
    wanted = {mail.sha256: mail for mail in mails}
    known = session.exec(select(RawMail.sha256).where(col(RawMail.sha256).in_(wanted)))
    for sha256 in known:
        del wanted[sha256]
    rows = [{"sha256": mail.sha256, "size": mail.size, "packed": mail.packed} for mail in wanted.values()]
    if rows:
        session.connection().execute(insert(RawMail), rows)


def _raw(session: Session, message: Message) -> bytes:
    return unpack(session.get_one(RawMail, message.sha256).packed)


def known_by(db: Database, sha256: str) -> Message | None:
    """Give the first message with these bytes."""
    with db.read() as session:
        return session.exec(select(Message).where(Message.sha256 == sha256).order_by(col(Message.id))).first()


def _copies() -> tuple[SelectOfScalar[Message], SelectOfScalar[Message]]:
    before: BindParameter[int] = bindparam("before")
    sha256: BindParameter[str] = bindparam("sha256")
    message_id: BindParameter[str] = bindparam("message_id")
    sender: BindParameter[str] = bindparam("sender")
    earlier = select(Message).where(col(Message.id) < before)
    same = earlier.where(col(Message.sha256) == sha256).order_by(col(Message.id)).limit(1)
    alike = earlier.where(col(Message.message_id) == message_id, col(Message.sender_address) == sender)
    return same, alike.order_by(col(Message.id).desc()).limit(MOST_ALIKE)


SAME_BYTES, ALIKE = _copies()  # asked for every mail, and made once


def copy_of(db: Database, row: Message, raw: bytes, message_id: str, sender: str) -> Message | None:
    """Give the earlier message that this one is a copy of.

    It has the same bytes, or the same Message-ID, sender and body. A Message-ID alone is no proof: a second mail under
    it may be forged, or come from a careless program.
    """
    with db.read() as session:
        same = session.exec(SAME_BYTES, params={"before": row.id, "sha256": row.sha256}).first()
        if same or not message_id:
            return same
        alike = session.exec(ALIKE, params={"before": row.id, "message_id": message_id, "sender": sender})
        return next((other for other in alike if body_of(_raw(session, other)) == body_of(raw)), None)


def raw_mail(db: Database, message: Message) -> bytes:
    """Give the bytes of a mail as they were received."""
    with db.read() as session:
        return _raw(session, message)


def get(db: Database, message_id: int) -> Message | None:
    """Give one row of the ledger."""
    with db.read() as session:
        return session.get(Message, message_id)


def _next_due() -> SelectOfScalar[Message]:
    earlier = aliased(Message)
    now: BindParameter[datetime] = bindparam("now")
    state: BindParameter[str] = bindparam("state")
    waits = (
        select(earlier.id)
        .where(col(earlier.case_id) == Message.case_id, col(earlier.id) < Message.id, col(earlier.state) == state)
        .exists()
    )
    # A row that was put off in the future was put off by a clock that has been set back since.
    due = or_(col(Message.due_at).is_(None), col(Message.due_at) <= now, col(Message.updated_at) > now)
    return select(Message).where(col(Message.state) == state, due, ~waits).order_by(col(Message.id)).limit(1)


# Asked at every stir, and made once: to build it costs eight times as much as to ask it (2.1 ms, measured).
NEXT_DUE = _next_due()


def next_due(db: Database, state: str, now: datetime) -> Message | None:
    """Give the oldest message in this state that is due, passing over those whose case waits for an earlier one."""
    with db.read() as session:
        return session.exec(NEXT_DUE, params={"state": state, "now": now}).first()


def of_case(db: Database, case_id: int) -> list[Message]:
    """List the messages of a case, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Message).where(Message.case_id == case_id).order_by(col(Message.id))))


def in_states(db: Database, states: Sequence[str]) -> list[Message]:
    """List the messages in any of these states, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(Message).where(col(Message.state).in_(states)).order_by(col(Message.id))))


COUNTS = select(Message.state, func.count()).group_by(Message.state)  # asked at every beat, and made once


def counts(db: Database) -> dict[str, int]:
    """Count the messages by state."""
    with db.read() as session:
        return {str(state): int(count) for state, count in session.exec(COUNTS)}


def move(
    session: Session,
    message_id: int,
    *,
    source: str,
    target: str,
    now: datetime,
    **changes: object,
) -> None:
    """Move a message from one state to another, in the log, too; FenceError where it is no longer in ``source``."""
    statement = (
        update(Message)
        .where(col(Message.id) == message_id, col(Message.state) == source)
        .values(state=target, updated_at=now, **changes)
    )
    fence(session, statement, f"message {message_id}")
    logbook.enter(session, message_id, now)
