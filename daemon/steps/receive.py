"""Receive and screen: new mail becomes rows of the ledger, with its raw bytes, before anything else happens to it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from daemon.errors import PermanentError, TransientError
from daemon.house import House, Part
from daemon.judgement.message import Message
from daemon.judgement.screening import File, Hold, Work, screen
from daemon.judgement.states import Event, MessageState
from daemon.judgement.threads import bare_subject, related_ids
from daemon.mail.imap import Fetched
from daemon.mail.inbox import Batch, Position
from daemon.mail.parse import parse
from daemon.steps.moves import move
from daemon.steps.record import attention, filed
from knowledge import ledger, turns
from knowledge.ledger import Arrival
from knowledge.tables import Cursor
from knowledge.tables import Message as Row


async def receive(house: House) -> int:
    """Take in all new mail; say how many messages came. The mailbox being out of reach pauses this step alone."""
    if house.health.is_paused(Part.MAILBOX):
        return 0
    try:
        count = await _receive(house)
    except TransientError as error:
        house.health.pause(Part.MAILBOX, error.kind, str(error))
        return 0
    except PermanentError as error:
        house.health.pause(Part.MAILBOX, "folder", str(error))
        return 0
    house.health.well(Part.MAILBOX)
    return count


async def _receive(house: House) -> int:
    batches = house.inbox.new(await _position(house))
    count = 0
    while batch := await asyncio.to_thread(_next, batches):
        arrivals = await asyncio.to_thread(_arrivals, house, batch)  # reading a mail may take seconds
        count += len(_commit(house, batch, arrivals))
        house.pulse.beat("intake")
        if house.stop.requested:
            break
    return count


async def _position(house: House) -> Position:
    """Give the cursor; on the very first start it is put behind the mail that is there (``mailbox.start``)."""
    mailbox = house.settings.mailbox
    known = ledger.cursor(house.db, mailbox.name, mailbox.folder)
    if known:
        return Position(known.uidvalidity, known.last_uid)
    position = await asyncio.to_thread(house.inbox.start, everything=mailbox.start == "all")
    ledger.receive(house.db, [], _cursor(house, position, house.clock()), house.clock())
    house.log.info("first_start", folder=mailbox.folder, start=mailbox.start, behind_uid=position.last_uid)
    return position


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)


def _cursor(house: House, position: Position, since: datetime) -> Cursor:
    mailbox = house.settings.mailbox
    return Cursor(
        mailbox=mailbox.name,
        folder=mailbox.folder,
        uidvalidity=position.uidvalidity,
        last_uid=position.last_uid,
        since=since,
    )


def _arrivals(house: House, batch: Batch) -> list[Arrival]:
    return [_arrival(house, batch.uidvalidity, mail) for mail in batch.mails]


def _commit(house: House, batch: Batch, arrivals: list[Arrival]) -> list[Row]:
    mailbox, now = house.settings.mailbox, house.clock()
    known = ledger.cursor(house.db, mailbox.name, mailbox.folder)
    since = known.since if known else now
    rescan = ledger.Rescan(since if mailbox.start == "new" else None) if batch.rescan else None
    if rescan:
        house.log.warning("folder_numbered_anew", folder=mailbox.folder, uidvalidity=batch.uidvalidity)
    rows = ledger.receive(house.db, arrivals, _cursor(house, batch.position, since), now, rescan)
    for row in rows:
        house.log.info("message_received", message=row.id, case=row.case_id, uid=row.uid, bytes=row.size)
    return rows


def _arrival(house: House, uidvalidity: int, mail: Fetched) -> Arrival:
    mailbox = house.settings.mailbox
    place = Arrival(
        mailbox=mailbox.name,
        folder=mailbox.folder,
        uidvalidity=uidvalidity,
        uid=mail.uid,
        raw=mail.raw,
        size=mail.size,
        whole=mail.whole,
        received_at=mail.arrived_at,
        state=MessageState.RECEIVED,
    )
    try:
        message = parse(mail.raw, mailbox.longest_text)
    except PermanentError:
        return place  # it is kept all the same; screening holds it, with the reason
    return _described(place, message)


def _described(place: Arrival, message: Message) -> Arrival:
    sender = message.sender
    return replace(
        place,
        message_id=message.message_id,
        subject=message.subject,
        case_subject=bare_subject(message.subject),
        sender_address=sender.email if sender else "",
        sender_name=sender.name if sender else "",
        related_ids=related_ids(message),
    )


def screened(house: House, row: Row) -> Message | None:
    """Give the mail where it is to be put to the model; else hold it, or file it under the rule that says why."""
    try:
        message = parse(ledger.raw_mail(house.db, row), house.settings.mailbox.longest_text)
    except PermanentError as error:
        _hold(house, row, str(error))
        return None
    if not row.whole:
        _hold(house, row, f"it has {row.size} bytes, more than mailbox.largest_mail: only its header was fetched")
        return None
    match screen(message, house.settings.employee.own_addresses):
        case Work():
            return message
        case Hold(reason=reason):
            _hold(house, row, reason)
        case File() as filing:
            _file(house, row, filing)
    return None


def _hold(house: House, row: Row, reason: str) -> None:
    now = house.clock()
    step = move(MessageState.RECEIVED, Event.HOLD, reason)
    turns.step(house.db, row.id or 0, step, [attention(row, "held", now)], now)
    house.log.warning("message_held", message=row.id, case=row.case_id, reason=reason)


def _file(house: House, row: Row, filing: File) -> None:
    now = house.clock()
    decision, actions = filed(house.settings.mailbox.handled, row, filing, now)
    step = move(MessageState.RECEIVED, Event.FILE)
    turns.file(house.db, row.id or 0, step, decision, actions, now)
    house.log.info("message_filed", message=row.id, case=row.case_id, rule=filing.rule)
