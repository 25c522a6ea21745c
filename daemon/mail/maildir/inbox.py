"""New mail of one folder of a Maildir, in batches of bounded size, and the wait for more."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from daemon.errors import TransientError
from daemon.mail.bell import Bell
from daemon.mail.imap import PART, Fetched
from daemon.mail.inbox import BATCH, BATCH_BYTES, Batch, Position
from daemon.mail.maildir.folder import VALIDITY, Folder, arrived, head, mtime

LOOK_SECONDS = 0.25  # two calls of stat; works over NFS, where nobody is told of changes
# A directory's time is no finer than a tick of the clock, or two seconds on old file systems: a second change within
# it leaves no trace there. So long after a look, the names themselves are compared, once.
TICK_SECONDS = 2.0

Number = Callable[[str, Sequence[str]], dict[str, int]]


class MaildirInbox:
    """Reads one folder of a Maildir, without changing anything in it."""

    pushes = True

    def __init__(self, root: Path, folder: str, largest: int, number: Number, since: date | None = None) -> None:
        """Take ``number`` to give names their numbers; ``largest`` and ``since`` are as for an IMAP folder."""
        self._folder = Folder(root, folder)
        self._largest = largest
        self._number = number
        self._since = since
        self._numbers: dict[str, int] = {}
        self._files: dict[str, Path] = {}
        self._stamps: tuple[int, ...] = ()
        self._trusted_at: float | None = None
        self._bell = Bell()
        self.connected_at: datetime | None = None

    def start(self, *, everything: bool) -> Position:
        """Give the position of a first start: before all mail, or behind what is there already."""
        numbers = self._look()
        next_uid = max(numbers, default=0) + 1
        if everything or self._since:
            return Position(VALIDITY, 0, next_uid)
        return Position(VALIDITY, next_uid - 1, next_uid)

    def new(self, position: Position) -> Iterator[Batch]:
        """Yield what came behind ``position``, in the order in which it came.

        A position of another validity is that of an IMAP folder, which this one has followed under the same name: its
        numbers mean other mails, so all are read from the beginning.
        """
        found = self._look()
        if position.uidvalidity != VALIDITY:
            yield from self._rescan(position, found)
            return
        for mails, last in self._groups({uid: name for uid, name in found.items() if uid > position.last_uid}):
            wanted = tuple(mail for mail in mails if self._is_wanted(mail, position))
            position = replace(position, last_uid=last)
            yield Batch(wanted, position, VALIDITY)

    def _rescan(self, before: Position, found: dict[int, str]) -> Iterator[Batch]:
        behind = Position(VALIDITY, max(found, default=0))
        for mails, last in self._groups(found):
            done = last == behind.last_uid
            yield Batch(tuple(mails), behind if done else before, VALIDITY, rescan=True)
        if not found:
            yield Batch((), behind, VALIDITY, rescan=True)

    def _groups(self, names: dict[int, str]) -> Iterator[tuple[list[Fetched], int]]:
        """Read mails, cut where they are many or large together; give each group with the last number it covers."""
        group: list[Fetched] = []
        room = BATCH_BYTES
        for place, uid in enumerate(sorted(names), start=1):
            mail = self._fetch(uid, names[uid])
            if mail:
                group.append(mail)
                room -= len(mail.raw)
            if room <= 0 or place % BATCH == 0 or place == len(names):
                yield group, uid
                group, room = [], BATCH_BYTES

    def _look(self) -> dict[int, str]:
        """Give new mails their numbers; the stamps come first, so that ``listen`` sees what arrives meanwhile."""
        stamps = self._folder.stamps()
        files = self._files = self._folder.files()
        fresh = [name for name in files if name not in self._numbers]
        if fresh:
            fresh.sort(key=lambda name: (mtime(files[name]), name))
            self._numbers |= self._number(self._folder.name, fresh)
        self._numbers = {name: self._numbers[name] for name in files}
        self._stamps, self._trusted_at = stamps, time.monotonic() + TICK_SECONDS
        self.connected_at = self.connected_at or datetime.now(UTC)
        return {uid: name for name, uid in self._numbers.items()}

    def _is_wanted(self, mail: Fetched, position: Position) -> bool:
        return self._since is None or mail.uid >= position.first_uid or mail.arrived_at.date() >= self._since

    def _fetch(self, uid: int, unique: str) -> Fetched | None:
        """Read a mail; None where it has vanished, without a body where it may not be read."""
        try:
            return self._folder.reach(unique, lambda path: self._read(uid, path), self._files[unique])
        except (PermissionError, IsADirectoryError):
            return Fetched(uid, 0, b"", datetime.now(UTC), whole=False)
        except OSError as error:  # nothing is wrong with the mail: it is read when the disk is well again
            message = f"the Maildir folder {self._folder.name!r} cannot be read: {error.strerror}"
            raise TransientError(PART, message) from error

    def _read(self, uid: int, path: Path) -> Fetched:
        size, arrived_at = path.stat().st_size, arrived(path)
        if size > self._largest:
            return Fetched(uid, size, head(path), arrived_at, whole=False)
        return Fetched(uid, size, path.read_bytes(), arrived_at)

    def listen(self, seconds: float) -> bool:
        """Wait until something came or went; True where it did, False after the time or when woken."""
        latest = time.monotonic() + seconds
        while self._folder.stamps() == self._stamps and not self._has_hidden_change():
            left = latest - time.monotonic()
            if left <= 0 or self._is_woken(min(left, LOOK_SECONDS)):
                return False
        return True

    def _has_hidden_change(self) -> bool:
        """Compare the names, once after each look, for a change that was too quick to show in the times."""
        if self._trusted_at is None or time.monotonic() < self._trusted_at:
            return False
        self._trusted_at = None
        return self._folder.files().keys() != self._numbers.keys()

    def _is_woken(self, seconds: float) -> bool:
        if not self._bell.wait(seconds):
            return False  # and the bell is left alone, since it may be rung in this moment
        self._bell.quieten()
        return True

    def wake(self) -> None:
        """End ``listen``, from any thread."""
        self._bell.ring()

    abort = wake

    def close(self) -> None:
        """Forget what was seen."""
        self.connected_at = None
        self._bell.close()
