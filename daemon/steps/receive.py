"""Receive: new mail becomes rows of the ledger, with its raw bytes, before anything else happens to it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.exc import SQLAlchemyError

from daemon.errors import ClerkdError, PermanentError, TransientError
from daemon.house import House, Watch
from daemon.judgement.states import MessageState
from daemon.mail.imap import Fetched
from daemon.mail.inbox import Batch, Position
from knowledge import connections, ledger
from knowledge.ledger import Arrival
from knowledge.raw import Packed, pack_all
from knowledge.tables import Connection, Cursor

FEW, FEW_BYTES = 20, 1_000_000  # somebody waits for these: written at once, before more is looked for
LISTEN_SECONDS = 10.0  # then the worker shows that it is alive, and listens on
HEARD_SECONDS = timedelta(seconds=15)  # how exact "last seen" is: each note of it is a commit
HEADER_END = re.compile(rb"\r?\n\r?\n")
MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[!-;=?-~]{1,250}>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """A batch as it is written: see ``Batch``."""

    arrivals: list[Arrival]
    position: Position
    uidvalidity: int
    rescan: bool

    @property
    def is_small(self) -> bool:
        """Say whether it holds so little that somebody may wait for it."""
        return len(self.arrivals) <= FEW and sum(arrival.size for arrival in self.arrivals) <= FEW_BYTES


async def receive(house: House, watch: Watch) -> bool:
    """Take in all new mail of a folder; False where it is out of reach, which pauses this folder alone."""
    try:
        await _receive(house, watch)
    except (TransientError, PermanentError) as error:
        _lost(house, watch, error)
        return False
    except (SQLAlchemyError, OSError):
        raise  # the database or the disk is in trouble: that ends the service, and systemd starts it again
    except Exception as error:  # what our own code stumbles over in one folder must not stop the others
        house.log.exception("stumbled", exc_info=error, folder=watch.folder)
        _lost(house, watch, PermanentError(f"clerkd stumbled over it ({type(error).__name__}); please report this"))
        return False
    house.health.well(watch.part)
    _heard(house, watch)
    return True


async def listen(house: House, watch: Watch) -> None:
    """Wait for the server's word that there is mail; it counts as a tick."""
    try:
        heard = await asyncio.to_thread(watch.source.listen, LISTEN_SECONDS)
    except (TransientError, PermanentError) as error:
        _lost(house, watch, error)
        watch.tick()
        return
    if heard:
        watch.tick()  # the look that follows is the word noted
    else:
        _heard(house, watch)


def _lost(house: House, watch: Watch, error: ClerkdError) -> None:
    kind = error.kind if isinstance(error, TransientError) else "folder"
    house.health.pause(watch.part, kind, str(error))
    row = _connection(house, watch)
    row.connected_at, row.pushes = None, False
    row.last_error, row.error_at = str(error), house.clock()
    connections.write(house.db, row)


def _heard(house: House, watch: Watch) -> None:
    """Note that the folder can be read; not at every word, since each note is a commit."""
    row, now = _connection(house, watch), house.clock()
    fresh = row.heard_at is not None and abs(now - row.heard_at) < HEARD_SECONDS
    if fresh and row.connected_at == watch.source.connected_at and row.pushes == watch.source.pushes:
        return
    row.connected_at, row.pushes, row.heard_at = watch.source.connected_at, watch.source.pushes, now
    connections.write(house.db, row)


def _connection(house: House, watch: Watch) -> Connection:
    name = watch.mailbox.name
    return connections.get(house.db, name, watch.folder) or Connection(mailbox=name, folder=watch.folder)


async def _receive(house: House, watch: Watch) -> None:
    """Write one batch while the next is being fetched and packed; but a few mails are written at once."""
    batches = _packed(watch, watch.source.new(await _position(house, watch)))
    coming = _fetching(batches)
    try:
        while load := await coming:
            if not load.is_small:
                coming = _fetching(batches)
            if await asyncio.to_thread(_commit, house, watch, load):
                house.stop.ring()
            house.pulse.beat(watch.part)
            if house.stop.requested:
                break
            if load.is_small:
                coming = _fetching(batches)
    finally:
        with suppress(ClerkdError):
            await coming


def _packed(watch: Watch, batches: Iterator[Batch]) -> Iterator[Load]:
    for batch in batches:
        packed = pack_all(mail.raw for mail in batch.mails)
        arrivals = [
            _arrival(watch, batch.uidvalidity, mail, raw) for mail, raw in zip(batch.mails, packed, strict=True)
        ]
        yield Load(arrivals, batch.position, batch.uidvalidity, batch.rescan)


def _fetching(batches: Iterator[Load]) -> asyncio.Future[Load | None]:
    return asyncio.ensure_future(asyncio.to_thread(next, batches, None))


async def _position(house: House, watch: Watch) -> Position:
    """Give the cursor; on the very first start it is put behind the mail that is there (``mailbox.since``)."""
    mailbox = watch.mailbox
    known = ledger.cursor(house.db, mailbox.name, watch.folder)
    if known:
        return Position(known.uidvalidity, known.last_uid, known.first_uid)
    position = await asyncio.to_thread(watch.source.start, everything=mailbox.since == "all")
    ledger.receive(house.db, [], _cursor(watch, position, house.clock()), house.clock())
    house.log.info("first_start", folder=watch.folder, since=str(mailbox.since), behind_uid=position.last_uid)
    return position


def _cursor(watch: Watch, position: Position, since: datetime) -> Cursor:
    return Cursor(
        mailbox=watch.mailbox.name,
        folder=watch.folder,
        uidvalidity=position.uidvalidity,
        last_uid=position.last_uid,
        first_uid=position.first_uid,
        since=since,
    )


def _commit(house: House, watch: Watch, load: Load) -> int:
    now = house.clock()
    known = ledger.cursor(house.db, watch.mailbox.name, watch.folder)
    since = known.since if known else now
    rescan = ledger.Rescan(_left_out(watch.mailbox.since, since)) if load.rescan else None
    if rescan:
        house.log.warning("folder_numbered_anew", folder=watch.folder, uidvalidity=load.uidvalidity)
    numbers = ledger.receive(house.db, load.arrivals, _cursor(watch, load.position, since), now, rescan)
    for mail in load.arrivals:
        if mail.uid in numbers:
            number = numbers[mail.uid]
            house.log.info("message_received", message=number, folder=watch.folder, uid=mail.uid, bytes=mail.size)
    return len(numbers)


def _left_out(wanted: str | date, first_start: datetime) -> datetime | None:
    """Say before which arrival a mail stays unworked when its folder is numbered anew."""
    match wanted:
        case "all":
            return None
        case date() as day:
            return datetime.combine(day, time(), UTC)
        case _:
            return first_start


def _arrival(watch: Watch, uidvalidity: int, mail: Fetched, raw: Packed) -> Arrival:
    return Arrival(
        mailbox=watch.mailbox.name,
        folder=watch.folder,
        uidvalidity=uidvalidity,
        uid=mail.uid,
        raw=raw,
        size=mail.size,
        whole=mail.whole,
        received_at=mail.arrived_at,
        state=MessageState.RECEIVED,
        message_id=_message_id(mail.raw),
    )


def _message_id(raw: bytes) -> str:
    """Glance at the Message-ID, for recognising a mail; everything else is read later, where it can do no harm."""
    end = HEADER_END.search(raw)
    found = MESSAGE_ID.search(raw, 0, end.start() if end else len(raw))
    return found[1].decode("ascii") if found else ""
