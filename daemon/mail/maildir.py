"""A Maildir on this machine, read and changed as its own rules have it: write in tmp, rename, never edit a file.

A file keeps its unique name for good, while its directory (new, cur) and its flags may change at any moment: a mail
is therefore found by that name, looked for anew where it has just been renamed. Folders lie as Maildir++ has them:
INBOX is the Maildir itself, every other folder a directory beside ``cur`` that begins with a dot.
"""

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from daemon.errors import GoneError, PermanentError
from daemon.mail.bell import Bell
from daemon.mail.imap import Fetched
from daemon.mail.inbox import BATCH, Batch, Position
from daemon.mail.outbox import DRAFT_FLAGS, Place, Sighting, Trail

VALIDITY = 1  # a Maildir's names never come to mean other mails
LOOK_SECONDS = 0.25  # two calls of stat; works over NFS, where nobody is told of changes
HEAD_BYTES = 262_144
LETTERS = {"\\Answered": "R", "\\Flagged": "F", "\\Seen": "S", "\\Draft": "D", "\\Deleted": "T"}
COUNTER = itertools.count(1)

Number = Callable[[str, Sequence[str]], dict[str, int]]
NameOf = Callable[[str, int], str | None]


class Folder:
    """One folder of a Maildir."""

    def __init__(self, root: Path, name: str) -> None:
        """``name`` is as a person writes it, with slashes between a folder and the one inside it."""
        inbox = name.upper() == "INBOX"
        self.name = name
        self.path = root if inbox else root / f".{name.removeprefix('INBOX/').replace('/', '.')}"

    def files(self) -> dict[str, Path]:
        """Give each mail's unique name and its file; PermanentError where the folder is not there."""
        try:
            found = [path for part in ("new", "cur") for path in (self.path / part).iterdir()]
        except OSError as error:
            message = f"the folder {self.name!r} cannot be read: {self.path}: {error.strerror}"
            raise PermanentError(message) from None
        return {path.name.partition(":")[0]: path for path in found if not path.name.startswith(".")}

    def find(self, unique: str) -> Path | None:
        """Give the file of a mail; a rename in the very moment of the look is seen by the second one."""
        return self.files().get(unique) or self.files().get(unique)

    def stamps(self) -> tuple[int, ...]:
        """Give what changes when a mail comes or goes."""
        with suppress(OSError):
            return tuple((self.path / part).stat().st_mtime_ns for part in ("new", "cur"))
        return ()

    def create(self) -> None:
        """Make the folder where it is missing."""
        for part in ("tmp", "new", "cur"):
            (self.path / part).mkdir(parents=True, exist_ok=True, mode=0o700)

    def store(self, raw: bytes, letters: str) -> None:
        """Write a mail so that it is there as a whole or not at all, and on the disk when this returns."""
        self.create()
        name = _unique_name()
        draft = self.path / "tmp" / name
        with draft.open("xb") as file:
            file.write(raw.replace(b"\r\n", b"\n"))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.path / "cur" / f"{name}:2,{letters}")
        _sync(self.path / "cur")


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
        """Yield what came behind ``position``, in the order in which it came."""
        found = self._look()
        uids = sorted(uid for uid in found if uid > position.last_uid)
        for first in range(0, len(uids), BATCH):
            chunk = uids[first : first + BATCH]
            fetched = [
                mail for uid in chunk if (mail := self._fetch(uid, found[uid])) and self._is_wanted(mail, position)
            ]
            position = replace(position, last_uid=chunk[-1])
            yield Batch(tuple(fetched), position, VALIDITY)

    def _look(self) -> dict[int, str]:
        """Give new mails their numbers; the stamps come first, so that ``listen`` sees what arrives meanwhile."""
        stamps = self._folder.stamps()
        files = self._files = self._folder.files()
        fresh = [name for name in files if name not in self._numbers]
        if fresh:
            fresh.sort(key=lambda name: (_mtime(files[name]), name))
            self._numbers |= self._number(self._folder.name, fresh)
        self._numbers = {name: self._numbers[name] for name in files}
        self._stamps = stamps
        self.connected_at = self.connected_at or datetime.now(UTC)
        return {uid: name for name, uid in self._numbers.items()}

    def _is_wanted(self, mail: Fetched, position: Position) -> bool:
        return self._since is None or mail.uid >= position.first_uid or mail.arrived_at.date() >= self._since

    def _fetch(self, uid: int, unique: str) -> Fetched | None:
        """Read a mail; None where it has vanished, without a body where it may not be read."""
        try:
            return self._read(uid, self._files[unique])
        except FileNotFoundError:  # renamed since the look, by a mail program that showed it to somebody
            path = self._folder.find(unique)
        except OSError:
            return Fetched(uid, 0, b"", datetime.now(UTC), whole=False)
        with suppress(FileNotFoundError):
            return self._read(uid, path) if path else None
        return None

    def _read(self, uid: int, path: Path) -> Fetched:
        size, arrived = path.stat().st_size, _arrived(path)
        if size > self._largest:
            return Fetched(uid, size, _head(path), arrived, whole=False)
        return Fetched(uid, size, path.read_bytes(), arrived)

    def listen(self, seconds: float) -> bool:
        """Wait until something came or went; True where it did, False after the time or when woken."""
        latest = time.monotonic() + seconds
        while self._folder.stamps() == self._stamps:
            left = latest - time.monotonic()
            if left <= 0 or self._is_woken(min(left, LOOK_SECONDS)):
                return False
        return True

    def _is_woken(self, seconds: float) -> bool:
        woken = self._bell.wait(seconds)
        self._bell.quieten()
        return woken

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
        return any(_field(path, b"message-id") == message_id for path in self._own_mails())

    def look_for(self, trail: Trail) -> list[Sighting]:
        """Find what became of a draft, among the drafts and in what was sent."""
        found = []
        for folder, sent in ((self._drafts, False), (self._sent, True)):
            paths = _matching(folder, trail)
            found += [Sighting(path.read_bytes(), _arrived(path), sent=sent) for path in paths]
        return found

    def _own_mails(self) -> Iterator[Path]:
        for folder in (self._drafts, self._sent):
            if folder.path.is_dir():
                yield from folder.files().values()

    def flag(self, place: Place, flag: str) -> None:
        """Set a flag, which is a letter in the file's name; GoneError where the mail is no longer there."""
        if flag not in LETTERS:
            message = f"the flag {flag!r} cannot be set: a Maildir has no letter for it"
            raise PermanentError(message)
        path = self._find(place)
        letters = set(path.name.partition(":2,")[2]) | {LETTERS[flag]}
        self._rename(path, Folder(self._root, place.folder), "".join(sorted(letters)))

    def move(self, place: Place, folder: str) -> None:
        """Move the mail; GoneError where it is no longer there."""
        path = self._find(place)
        self._rename(path, Folder(self._root, folder), path.name.partition(":2,")[2])

    def _rename(self, path: Path, folder: Folder, letters: str) -> None:
        def rename() -> None:
            folder.create()
            path.rename(folder.path / "cur" / f"{path.name.partition(':')[0]}:2,{letters}")
            _sync(folder.path / "cur")

        _guarded(rename, f"the mail cannot be put into {folder.name!r}")

    def is_there(self, place: Place) -> bool:
        """Say whether the mail is still where it was received."""
        try:
            self._find(place)
        except GoneError:
            return False
        return True

    def _find(self, place: Place) -> Path:
        unique = self._name_of(place.folder, place.uid)
        path = Folder(self._root, place.folder).find(unique) if unique else None
        if path is None:
            message = f"the mail is no longer in {place.folder}"
            raise GoneError(message)
        return path

    def reconnect(self) -> None:
        """Do nothing: there is no connection that could be stale."""

    close = abort = reconnect


def _guarded(effect: Callable[[], None], what: str) -> None:
    """Carry out an effect on the files; what the system refuses is PermanentError, a vanished mail GoneError."""
    try:
        effect()
    except FileNotFoundError as error:
        message = f"{what}: it has just vanished"
        raise GoneError(message) from error
    except OSError as error:
        message = f"{what}: {error.strerror}"
        raise PermanentError(message) from error


def _letters(flags: Sequence[str]) -> str:
    return "".join(sorted(LETTERS[flag] for flag in flags))


def _matching(folder: Folder, trail: Trail) -> list[Path]:
    if not folder.path.is_dir():
        return []
    paths = sorted(folder.files().values())
    own = [path for path in paths if _field(path, b"message-id") == trail.own_id]
    return own or [path for path in paths if trail.answers and _field(path, b"in-reply-to") == trail.answers]


def _field(path: Path, name: bytes) -> str:
    """Read one header field of a mail, unfolded; nothing where it or the mail is not there."""
    with suppress(OSError):
        lines = _head(path).replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n")
        found = (line.partition(b":") for line in lines)
        return next((value.strip().decode("ascii", "replace") for key, _, value in found if key.lower() == name), "")
    return ""


def _head(path: Path) -> bytes:
    """Read a mail's header, as far as it can be a mail's header at all."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    ends = [end for mark in (b"\n\n", b"\r\n\r\n") if (end := start.find(mark)) >= 0]
    return start[: min(ends) + 4] if ends else start


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
