"""A Maildir on this machine, read and changed as its own rules have it: write in tmp, rename, never edit a file.

A file keeps its unique name for good, while its directory (new, cur) and its flags may change at any moment: a mail
is therefore found by that name, looked for anew where it has just been renamed. Folders lie as Maildir++ has them:
INBOX is the Maildir itself, every other folder a directory beside ``cur`` that begins with a dot.
"""

import errno
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from daemon.errors import GoneError, PermanentError, TransientError
from daemon.mail.bell import Bell
from daemon.mail.folder_name import encode
from daemon.mail.imap import PART, Fetched
from daemon.mail.inbox import BATCH, BATCH_BYTES, Batch, Position
from daemon.mail.outbox import DRAFT_FLAGS, LARGEST_SIGHTING, MOST_SIGHTINGS, Place, Sighting, Trail

VALIDITY = 1  # a Maildir's names never come to mean other mails
LOOK_SECONDS = 0.25  # two calls of stat; works over NFS, where nobody is told of changes
# A directory's time is no finer than a tick of the clock, or two seconds on old file systems: a second change within
# it leaves no trace there. So long after a look, the names themselves are compared, once.
TICK_SECONDS = 2.0
# How often a mail is looked for anew that was renamed between the look and the reading.
LOOKS = 5
HEAD_BYTES = 262_144
FULL = (errno.ENOSPC, errno.EDQUOT)
LETTERS = {"\\Answered": "R", "\\Flagged": "F", "\\Seen": "S", "\\Draft": "D", "\\Deleted": "T"}
COUNTER = itertools.count(1)

Number = Callable[[str, Sequence[str]], dict[str, int]]
NameOf = Callable[[str, int], str | None]
T = TypeVar("T")


class Folder:
    """One folder of a Maildir."""

    def __init__(self, root: Path, name: str) -> None:
        """``name`` is as a person writes it, with slashes between a folder and the one inside it."""
        self.name = name
        self._root = root

    @property
    def path(self) -> Path:
        """Give its directory: as mail servers spell it (Maildir++), else as it is spelled where only that is there."""
        if self.name.upper() == "INBOX":
            return self._root
        name = f".{self.name.removeprefix('INBOX/').replace('/', '.')}"
        encoded, plain = self._root / encode(name), self._root / name
        return plain if plain.is_dir() and not encoded.is_dir() else encoded

    def files(self) -> dict[str, Path]:
        """Give each mail's unique name and its file; PermanentError where the folder is not there.

        All is listed twice: one listing of a large directory may miss a mail that is renamed meanwhile (measured on
        2,000 mails: at 7,000 renames a second 20 of 100 listings missed one; at 9,000, 1 of 100 double ones did).
        """
        path = self.path
        try:
            found = [file for _ in range(2) for part in ("new", "cur") for file in (path / part).iterdir()]
        except OSError as error:
            message = f"the folder {self.name!r} cannot be read: {path}: {error.strerror}"
            raise PermanentError(message) from None
        return {_unique(file): file for file in found if not file.name.startswith(".")}

    def reach(self, unique: str, act: Callable[[Path], T], path: Path | None = None) -> T | None:
        """Do something with a mail's file, by the name that it has by now; None where the mail is gone.

        ``path`` is where the file was last seen, which saves a look as long as no mail program has renamed it.
        """
        for _ in range(LOOKS):
            path = path or self.files().get(unique)
            if path is None:
                break
            with suppress(FileNotFoundError):
                return act(path)
            path = None
        return None

    def stamps(self) -> tuple[int, ...]:
        """Give what changes when a mail comes or goes."""
        with suppress(OSError):
            path = self.path
            return tuple((path / part).stat().st_mtime_ns for part in ("new", "cur"))
        return ()

    def create(self) -> None:
        """Make the folder where it is missing."""
        path = self.path
        for part in ("tmp", "new", "cur"):
            (path / part).mkdir(parents=True, exist_ok=True, mode=0o700)

    def store(self, raw: bytes, letters: str) -> None:
        """Write a mail so that it is there as a whole or not at all, and on the disk when this returns."""
        self.create()
        path, name = self.path, _unique_name()
        draft = path / "tmp" / name
        try:
            with draft.open("xb") as file:
                file.write(raw.replace(b"\r\n", b"\n"))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path / "cur" / f"{name}:2,{letters}")
        finally:
            draft.unlink(missing_ok=True)
        _sync(path / "cur")


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
            fresh.sort(key=lambda name: (_mtime(files[name]), name))
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
        size, arrived = path.stat().st_size, _arrived(path)
        if size > self._largest:
            return Fetched(uid, size, _head(path), arrived, whole=False)
        return Fetched(uid, size, path.read_bytes(), arrived)

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


class MaildirOutbox:
    """Stores drafts, flags and moves in a Maildir."""

    def __init__(self, root: Path, drafts: str, sent: str, name_of: NameOf) -> None:
        """``drafts`` and ``sent`` name these folders; ``name_of`` gives the unique name behind a number."""
        self._root = root
        self._drafts = Folder(root, drafts or "Drafts")
        self._sent = Folder(root, sent or "Sent")
        self._name_of = name_of

    def find_drafts(self) -> str | None:
        """Name the folder for drafts; None where it is still to be made."""
        return self._drafts.name if self._drafts.path.is_dir() else None

    def store_draft(self, raw: bytes) -> None:
        """Write the draft."""
        _guarded(lambda: self._drafts.store(raw, _letters(DRAFT_FLAGS)), "a draft cannot be stored")

    def has_draft(self, message_id: str) -> bool:
        """Look for a draft by its Message-ID, where it was stored and where it goes when a person sends it."""
        return any(_with_field(folder, b"message-id", message_id) for folder in (self._drafts, self._sent))

    def look_for(self, trail: Trail) -> list[Sighting]:
        """Find what became of a draft, among the drafts and in what was sent."""
        folders = ((self._drafts, False), (self._sent, True))
        return [sighting for folder, sent in folders for sighting in _sightings(folder, trail, sent=sent)]

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag, which is a letter in the file's name; GoneError where the mail is no longer there."""
        if flag not in LETTERS:
            message = f"the flag {flag!r} cannot be set: a Maildir has no letter for it"
            raise PermanentError(message)
        self._rename(place, Folder(self._root, place.folder), LETTERS[flag])

    def move(self, place: Place, folder: str, *, again: bool = False) -> None:  # noqa: ARG002 - a rename has no half
        """Move the mail; GoneError where it is no longer there."""
        self._rename(place, Folder(self._root, folder))

    def _rename(self, place: Place, folder: Folder, letter: str = "") -> None:
        def rename(path: Path) -> Path:
            folder.create()
            letters = sorted({*path.name.partition(":2,")[2], *letter})
            return path.rename(folder.path / "cur" / f"{path.name.partition(':')[0]}:2,{''.join(letters)}")

        def effect() -> None:
            moved = Folder(self._root, place.folder).reach(self._unique(place), rename)
            if moved is None:
                raise _gone(place)
            _sync(moved.parent)

        _guarded(effect, f"the mail cannot be put into {folder.name!r}")

    def is_there(self, place: Place) -> bool:
        """Say whether the mail is still where it was received."""
        try:
            return self._unique(place) in Folder(self._root, place.folder).files()
        except GoneError:
            return False

    def _unique(self, place: Place) -> str:
        """Give the unique name of a mail; one that was received from a server under that number is another one."""
        unique = self._name_of(place.folder, place.uid) if place.uidvalidity == VALIDITY else None
        if unique is None:
            raise _gone(place)
        return unique

    def reconnect(self) -> None:
        """Do nothing: there is no connection that could be stale."""

    close = abort = reconnect


def _guarded(effect: Callable[[], None], what: str) -> None:
    """Carry out an effect on the files; TransientError where the disk is full, PermanentError for any other refusal."""
    try:
        effect()
    except OSError as error:
        message = f"{what}: {error.strerror}"
        if error.errno in FULL:
            raise TransientError(PART, message, "refused") from error
        raise PermanentError(message) from error


def _gone(place: Place) -> GoneError:
    return GoneError(f"the mail is no longer in {place.folder}")


def _letters(flags: Sequence[str]) -> str:
    return "".join(sorted(LETTERS[flag] for flag in flags))


def _sightings(folder: Folder, trail: Trail, *, sent: bool) -> list[Sighting]:
    found = _with_field(folder, b"message-id", trail.own_id)
    if not found and trail.answers:
        found = _with_field(folder, b"in-reply-to", trail.answers)
    latest = sorted(found, key=lambda unique: _mtime(found[unique]))[-MOST_SIGHTINGS:]
    read = (folder.reach(unique, lambda path: _sighting(path, sent=sent), found[unique]) for unique in latest)
    return [sighting for sighting in read if sighting]


def _sighting(path: Path, *, sent: bool) -> Sighting:
    whole = path.stat().st_size <= LARGEST_SIGHTING
    return Sighting(path.read_bytes() if whole else _head(path), _arrived(path), sent=sent, whole=whole)


def _with_field(folder: Folder, name: bytes, value: str) -> dict[str, Path]:
    """Give the mails of a folder whose header field has this value; none where there is no such folder."""
    files = folder.files() if folder.path.is_dir() else {}

    def has(path: Path) -> bool:
        return _field(path, name) == value

    return {unique: path for unique, path in files.items() if folder.reach(unique, has, path)}


def _field(path: Path, name: bytes) -> str:
    """Read one header field of a mail, unfolded; nothing where it is not there."""
    lines = _head(path).replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n")
    found = (line.partition(b":") for line in lines)
    return next((value.strip().decode("ascii", "replace") for key, _, value in found if key.lower() == name), "")


def _head(path: Path) -> bytes:
    """Read a mail's header, as far as it can be a mail's header at all."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    ends = [end + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (end := start.find(mark)) >= 0]
    return start[: min(ends, default=HEAD_BYTES)]


def _unique(file: Path) -> str:
    """Give the part of the name that stays; bytes that are no UTF-8 are spelled out, since a database takes text."""
    return os.fsencode(file.name).decode("utf-8", "backslashreplace").partition(":")[0]


def _mtime(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def _arrived(path: Path) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=path.stat().st_mtime_ns // 1000)


def _unique_name() -> str:
    """Make a name that nobody else makes: time, process, count and host."""
    host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
    seconds, fraction = divmod(time.time_ns(), 1_000_000_000)
    return f"{seconds}.M{fraction // 1000}P{os.getpid()}Q{next(COUNTER)}.{host}"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
