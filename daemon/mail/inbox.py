"""New mail of one folder: what is above the cursor, in order, in batches of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from daemon.errors import PermanentError
from daemon.mail.imap import Fetched, Imap

BATCH = 50


@dataclass(frozen=True)
class Position:
    """How far the folder was read. A new ``uidvalidity`` voids ``last_uid``."""

    uidvalidity: int
    last_uid: int


@dataclass(frozen=True)
class Batch:
    """Some new mails and the position behind them; they are committed together.

    ``uidvalidity`` belongs to the mails' UIDs. ``rescan`` says that the folder was numbered anew, so that known mails
    are among them; the position stays the old one until the last batch, so that a rescan cut off begins again.
    """

    mails: tuple[Fetched, ...]
    position: Position
    uidvalidity: int
    rescan: bool = False


class Inbox:
    """Reads one folder of one mailbox, without changing anything in it."""

    def __init__(self, imap: Imap, folder: str, largest: int) -> None:
        """``largest`` is the size in bytes above which only a mail's header is fetched."""
        self._imap = imap
        self._folder = folder
        self._largest = largest

    def start(self, *, everything: bool) -> Position:
        """Give the position of a first start: before all mail, or behind what is there already."""
        folder = self._imap.select(self._folder, readonly=True)
        if everything:
            return Position(folder.uidvalidity, 0)
        return Position(folder.uidvalidity, max(folder.uidnext - 1, *self._imap.new_uids(0)[-1:], 0))

    def new(self, position: Position) -> Iterator[Batch]:
        """Yield what came behind ``position``; on a new UIDVALIDITY the folder is read from its beginning."""
        folder = self._imap.select(self._folder, readonly=True)
        before, rescan = position, folder.uidvalidity != position.uidvalidity
        if rescan:
            position = Position(folder.uidvalidity, 0)
        uids = self._imap.new_uids(position.last_uid)
        for first in range(0, len(uids), BATCH):
            chunk = uids[first : first + BATCH]
            mails = self._fetch(chunk)
            unfinished = rescan and chunk[-1] != uids[-1]
            behind = before if unfinished else Position(folder.uidvalidity, chunk[-1])
            yield Batch(tuple(mails), behind, folder.uidvalidity, rescan=rescan)

    def _fetch(self, chunk: list[int]) -> list[Fetched]:
        """Fetch a batch; where the server refuses it, one by one, and a refused mail counts as one without a body."""
        try:
            return self._imap.fetch(chunk, self._largest)
        except PermanentError:
            if len(chunk) == 1:
                return [Fetched(chunk[0], 0, b"", datetime.now(UTC), whole=False)]
        self._imap.select(self._folder, readonly=True)
        return [mail for uid in chunk for mail in self._fetch([uid])]

    def abort(self) -> None:
        """Break off a call that another thread is waiting in."""
        self._imap.abort()

    def close(self) -> None:
        """End the connection."""
        self._imap.close()
