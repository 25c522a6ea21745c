"""New mail of one folder: what is above the cursor, in order, in batches of bounded size, and the wait for more."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from daemon.errors import PermanentError, TransientError
from daemon.mail.bell import Bell
from daemon.mail.imap import Fetched, Imap, Listed

# Larger batches are a little faster, but what a crash repeats, and what the memory holds, grows with them.
BATCH = 200
BATCH_BYTES = 16_000_000
# So often in a row a single mail may break the connection before it is taken in without a body, for a person to see.
MOST_BREAKS = 3
UNKNOWN = -1  # the size of a mail that the server refuses to list


@dataclass(frozen=True)
class Position:
    """How far the folder was read. A new ``uidvalidity`` voids it.

    ``first_uid`` is the folder's UIDNEXT at the first start: what was there before is worked only as far as
    ``mailbox.since`` says. What came in later is always worked, however old the date it was moved in with.
    """

    uidvalidity: int
    last_uid: int
    first_uid: int = 0


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
    """Reads one folder of one IMAP mailbox, without changing anything in it."""

    def __init__(self, imap: Imap, folder: str, largest: int, since: date | None = None) -> None:
        """``largest`` is the size in bytes above which only a mail's header is fetched.

        ``since`` is the day from which on mail is worked that was there at the first start; None means any.
        """
        self._imap = imap
        self._folder = folder
        self._largest = largest
        self._since = since
        self._bell = Bell()
        self._breaks = 0
        self._broken: Counter[int] = Counter()

    @property
    def pushes(self) -> bool:
        """Say whether the server tells of new mail by itself."""
        return self._imap.pushes

    @property
    def connected_at(self) -> datetime | None:
        """Say since when the connection stands."""
        return self._imap.connected_at

    def start(self, *, everything: bool) -> Position:
        """Give the position of a first start: before all mail, or behind what is there already."""
        folder = self._imap.select(self._folder, readonly=True)
        next_uid = max(folder.uidnext, *(uid + 1 for uid in self._imap.new_uids(0)[-1:]), 1)
        if everything:
            return Position(folder.uidvalidity, 0, next_uid)
        recent = self._imap.uids_since(self._since) if self._since else ()
        return Position(folder.uidvalidity, min(recent, default=next_uid) - 1, next_uid)

    def new(self, position: Position) -> Iterator[Batch]:
        """Yield what came behind ``position``, until there is no more; one numbered anew is read from its beginning.

        What comes while a batch is handled is looked for at once: not every server tells of it later (measured).
        A UIDNEXT that has gone back means the same as a new UIDVALIDITY: the server has lost its count.
        """
        self._bell.quieten()  # whoever rang has what it wanted: a look
        folder = self._imap.select(self._folder, readonly=True)
        rescan = folder.uidvalidity != position.uidvalidity or 0 < folder.uidnext <= position.last_uid
        if rescan:
            yield from self._rescan(position, folder.uidvalidity)
            return
        while uids := self._wanted(position):
            for mails, last in self._taken(uids):
                position = replace(position, last_uid=last)
                yield Batch(mails, position, folder.uidvalidity)
        self._breaks, self._broken = 0, Counter()

    def _taken(self, uids: list[int]) -> Iterator[tuple[tuple[Fetched, ...], int]]:
        """Fetch mails in batches, each with the last UID that it covers.

        A mail at which the connection breaks whenever it is asked for must not keep the others out: after a break the
        batches are small, then single mails, and one that has broken it by itself a few times is not asked for again.
        """
        size = max(1, BATCH >> 4 * self._breaks)
        for first in range(0, len(uids), size):
            chunk = uids[first : first + size]
            if len(chunk) == 1 and self._broken[chunk[0]] >= MOST_BREAKS:
                yield (Fetched(chunk[0], 0, b"", datetime.now(UTC), whole=False),), chunk[0]
                continue
            try:
                for mails, last in self._groups(chunk):
                    yield tuple(self._fetch(mails)), last
            except TransientError:
                self._breaks += 1
                self._broken.update(chunk if len(chunk) == 1 else ())
                raise

    def _groups(self, chunk: list[int]) -> Iterator[tuple[list[Listed], int]]:
        """Cut a chunk of UIDs where its mails grow too large together; give each group with the last UID it covers."""
        group: list[Listed] = []
        room = BATCH_BYTES
        for mail in self._listing(chunk):
            cost = min(mail.size, self._largest)
            if group and cost > room:
                yield group, group[-1].uid
                group, room = [], BATCH_BYTES
            group.append(mail)
            room -= cost
        yield group, chunk[-1]

    def _listing(self, chunk: list[int]) -> list[Listed]:
        """List mails; where the server refuses, one by one, and a refused mail counts as one of unknown size."""
        try:
            return self._imap.listing(chunk)
        except PermanentError:
            if len(chunk) == 1:
                return [Listed(chunk[0], UNKNOWN, datetime.now(UTC))]
        self._imap.select(self._folder, readonly=True)
        return [mail for uid in chunk for mail in self._listing([uid])]

    def _wanted(self, position: Position) -> list[int]:
        """List the new UIDs, without those that were there at the first start and are older than is to be worked."""
        uids = self._imap.new_uids(position.last_uid)
        if self._since is None or not any(uid < position.first_uid for uid in uids):
            return uids
        recent = self._imap.uids_since(self._since)
        return [uid for uid in uids if uid >= position.first_uid or uid in recent]

    def _rescan(self, before: Position, uidvalidity: int) -> Iterator[Batch]:
        uids = self._imap.new_uids(0)
        behind = Position(uidvalidity, uids[-1] if uids else 0, 0)
        for mails, last in self._taken(uids):
            yield Batch(mails, behind if last == uids[-1] else before, uidvalidity, rescan=True)
        if not uids:
            yield Batch((), behind, uidvalidity, rescan=True)

    def _fetch(self, mails: list[Listed]) -> list[Fetched]:
        """Fetch a batch; where the server refuses it, one by one, and a refused mail counts as one without a body."""
        try:
            return self._imap.fetch(mails, self._largest)
        except PermanentError:
            if len(mails) == 1:
                return [Fetched(mails[0].uid, mails[0].size, b"", mails[0].arrived_at, whole=False)]
        self._imap.select(self._folder, readonly=True)
        return [fetched for mail in mails for fetched in self._fetch([mail])]

    def listen(self, seconds: float) -> bool:
        """Wait for news of the folder last read; True where there is some, False after the time or when woken."""
        heard = self._imap.listen(seconds, self._bell.listened())
        self._bell.quieten()
        return heard

    def wake(self) -> None:
        """End ``listen``, from any thread."""
        self._bell.ring()

    def abort(self) -> None:
        """Break off a call that another thread is waiting in."""
        self._imap.abort()
        self.wake()

    def close(self) -> None:
        """End the connection."""
        self._imap.close()
        self._bell.close()
