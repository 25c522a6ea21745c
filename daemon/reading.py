"""How clerkd reads mails that lie in files: the service's own reading and screening, without a model or a mailbox."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from daemon.app import reading_limits
from daemon.clock import utc_now
from daemon.judgement.states import MessageState
from daemon.mail.files import Filed, mails_in
from daemon.mail.reader import Reader, ReadingLimits
from daemon.premises import database_of, knowledge_of
from daemon.review.reading import Reading
from daemon.runs import bring_up_to_date
from daemon.settings import Reading as ReadingSettings
from daemon.settings import Settings, Watched, specialists_of
from daemon.steps.screen import Around, found, judge, read_mail, unfetched
from knowledge import ledger, schema, screenings
from knowledge.database import Database
from knowledge.ledger import Arrival
from knowledge.raw import header_of, pack
from knowledge.screenings import Screened
from knowledge.tables import Cursor
from knowledge.tables import Message as Row
from knowledge.turns import Step

NEWEST = 2**62  # every message of the ledger is earlier than a mail from a file


def readings(paths: Sequence[Path], settings: Settings | None) -> Iterator[Reading]:
    """Read the mails one after the other; raise FatalError where a path holds none.

    With settings, cases are looked for in the service's knowledge database, which stays as it is; without, among the
    mails read before, in a database that lasts as long as the reading.
    """
    with _around(settings) as (around, reader, keeps):
        for path in paths:
            for mail in mails_in(path):
                yield _reading(mail, around, reader, keeps=keeps)


@contextmanager
def _around(settings: Settings | None) -> Iterator[tuple[Around, Reader, bool]]:
    """Set up what the screening needs; the last value says whether what was read is kept for the mails that follow."""
    with ExitStack() as stack:
        limits = reading_limits(settings) if settings else ReadingLimits(ReadingSettings().longest_text)
        reader = Reader(limits)
        stack.callback(reader.close)
        known = settings is not None and schema.is_laid(database_of(settings))
        if settings and known:
            db = knowledge_of(settings)
        else:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clerkd-read-")))
            db = Database(place / "knowledge.db")
            bring_up_to_date(db)
        stack.callback(db.close)
        yield _surroundings(settings, db), reader, not known


def _surroundings(settings: Settings | None, db: Database) -> Around:
    mailbox = settings.mailboxes[0] if settings else None
    return Around(
        db=db,
        own_addresses=settings.employee.own_addresses if settings else frozenset(),
        authserv_id=mailbox.authserv_id if mailbox else "",
        largest=mailbox.largest_mail if mailbox else Watched.model_fields["largest_mail"].default,
        now=utc_now(),
        persons={each.name: each.to for each in specialists_of(settings) if each.to} if settings else {},
    )


def _reading(mail: Filed, around: Around, reader: Reader, *, keeps: bool) -> Reading:
    row = _received(around.db, mail, around.now) if keeps else _known(around.db, mail, around.now)
    missing = unfetched(len(mail.raw), around.largest, whole=len(mail.raw) <= around.largest)
    read = read_mail(reader, header_of(mail.raw) if missing else mail.raw, missing)
    screening, placing, _feedback = judge(around, row, read)
    what = found(around, read.message)
    if keeps:
        step = Step(MessageState.RECEIVED, MessageState.DONE)
        screenings.write(around.db, row, Screened(what, placing, step), around.now)
    return Reading(mail.name, len(mail.raw), read.message, screening, placing, what)


def _received(db: Database, mail: Filed, now: datetime) -> Row:
    """Put the mail into the reading's own ledger."""
    known = ledger.cursor(db, "files", "")
    uid = known.last_uid + 1 if known else 1
    arrival = Arrival("files", "", 1, uid, pack(mail.raw), len(mail.raw), now, MessageState.RECEIVED)
    cursor = Cursor(mailbox="files", folder="", uidvalidity=1, last_uid=uid, since=now)
    number = ledger.receive(db, [arrival], cursor, now)[uid]
    return ledger.get(db, number) or _stray(mail, now)


def _known(db: Database, mail: Filed, now: datetime) -> Row:
    """Give the mail's row in the service's ledger, so that it is not taken for a copy of itself."""
    return ledger.known_by(db, pack(mail.raw).sha256) or _stray(mail, now)


def _stray(mail: Filed, now: datetime) -> Row:
    """Make a row for a mail that no ledger holds."""
    return Row(
        id=NEWEST, mailbox="files", folder="", uidvalidity=1, uid=1, sha256=pack(mail.raw).sha256, size=len(mail.raw),
        received_at=now, state=MessageState.RECEIVED, updated_at=now,
    )  # fmt: skip
