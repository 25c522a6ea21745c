"""What waits for a person's word, with all that the person must see; read beside the service."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daemon.app import reading_limits
from daemon.errors import FatalError, PermanentError, TransientError
from daemon.judgement.message import Message
from daemon.judgement.states import ActionState
from daemon.mail.reader import Reader
from daemon.review.waiting import Proposal
from daemon.settings import Settings
from knowledge import approvals, ledger
from knowledge.approvals import Item
from knowledge.database import Database

Show = Callable[[Item], Proposal]


def waiting(db: Database) -> list[Item]:
    """List what waits, the oldest first."""
    return approvals.waiting(db, ActionState.WAITING)


def one(db: Database, number: int) -> Item:
    """Give what waits under this number; raise FatalError where nothing does."""
    found = approvals.one(db, number, ActionState.WAITING)
    if found is None:
        message = f"no action {number} waits for anybody; `clerkd review list` shows those that do"
        raise FatalError(message)
    return found


@contextmanager
def shown(settings: Settings, db: Database) -> Iterator[Show]:
    """Give what shows an item; the mail is read in a worker, as the service reads it."""
    reader = Reader(reading_limits(settings))

    def show(item: Item) -> Proposal:
        return Proposal(item, _read(reader, db, item), settings.employee.signature)

    try:
        yield show
    finally:
        reader.close()


def _read(reader: Reader, db: Database, item: Item) -> Message | None:
    try:
        return reader.read(ledger.raw_mail(db, item.message))
    except (PermanentError, TransientError):
        return None
