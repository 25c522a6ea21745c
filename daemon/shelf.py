"""The company's documents as they lie on the disk: which there are, whether one may have changed, and its bytes."""

import asyncio
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from daemon.errors import PermanentError
from daemon.judgement.documents import divided
from daemon.mail.reader import ReadingLimits

LARGEST_FILE = 20_000_000  # bytes, which are held in memory while the file is read
MOST_FILES = 1_000  # of a pattern: a company's handbook, and no archive
MOST_MATCHES = 100_000  # that are put in order before the first ones are taken
# A file that changes twice within a tick of the kernel's clock looks the same: one that is so young is read again.
SETTLED_NANOSECONDS = 2_000_000_000
NO_FILE = "matches no file"
TOO_MANY = f"matches more than {MOST_FILES:,} files; only the first ones by name are read"
NOT_SEARCHED = "cannot be searched: {}"
OUT_OF_REACH = "cannot be reached: {}"
TOO_LARGE = f"it is larger than {LARGEST_FILE // 1_000_000} MB"
NO_LONGER_A_FILE = "it is no file"
NOT_READ = "it cannot be opened: {}"


@dataclass(frozen=True)
class Stamp:
    """What changes when a file does; the change time also where the modification time was put back."""

    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True)
class OnDisk:
    """A file that a pattern matches; ``name`` is its path in the pattern's folder."""

    path: Path
    name: str
    stamp: Stamp
    settled: bool

    @property
    def key(self) -> str:
        """The path as the knowledge database can hold it, whatever bytes it is made of."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def modified_at(self) -> datetime:
        """The time of the last modification."""
        try:
            return datetime.fromtimestamp(self.stamp.modified // 1_000_000_000, UTC)
        except (ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Listing:
    """The files by their keys, what to say of a pattern or a file, and whether all patterns could be searched."""

    files: Mapping[str, OnDisk]
    remarks: Mapping[str, str]
    whole: bool


@dataclass
class Shelf:
    """What is remembered of the files from one look to the next; ``due`` is set where it is time to look."""

    limits: ReadingLimits
    stamps: dict[str, Stamp] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    due: asyncio.Event = field(default_factory=asyncio.Event)


def listing(patterns: Sequence[str], state: Path, known: Sequence[str] = ()) -> Listing:
    """List the files that the patterns match, but none of clerkd's own: what a mail has left there is nobody's word.

    Of the ``known`` ones by their keys, those that are out of reach are remarked on: nobody can say that they are gone.
    """
    files: dict[str, OnDisk] = {}
    remarks: dict[str, str] = {}
    whole, now = True, time.time_ns()
    for pattern in patterns:
        try:
            paths = sorted(_matches(pattern))
        except OSError as error:
            remarks[pattern], whole = NOT_SEARCHED.format(error.strerror), False
            continue
        found = [file for path in paths if (file := _on_disk(path, pattern, state.resolve(), now))]
        if not found or len(found) > MOST_FILES:
            remarks[pattern] = TOO_MANY if found else NO_FILE
        files |= {file.key: file for file in found[:MOST_FILES] if file.key not in files}
    folders = [divided(pattern)[0] for pattern in patterns]
    wanted = [key for key in known if key not in files and any(Path(key).is_relative_to(each) for each in folders)]
    return Listing(files, remarks | {key: why for key in wanted if (why := _out_of_reach(key))}, whole)


def _matches(pattern: str) -> Iterator[Path]:
    """Find what a pattern matches; names with a dot in front are left out, as in a shell.

    Raises OSError where its folder may not be searched: pathlib takes that for an empty one.
    """
    folder, wanted = divided(pattern)
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in islice(Path(folder).glob(wanted), MOST_MATCHES):
        parts = path.relative_to(folder).parts
        if wanted.startswith(".") or not any(part.startswith(".") for part in parts):
            yield path


def _on_disk(path: Path, pattern: str, own: Path, now: int) -> OnDisk | None:
    """Look at a file; None where it is none of the company's, or cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or path.resolve().is_relative_to(own):
        return None
    stamp = Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    name = os.fsencode(path.relative_to(divided(pattern)[0])).decode("utf-8", "replace")
    return OnDisk(path, name, stamp, settled=found.st_ctime_ns < now - SETTLED_NANOSECONDS)


def _out_of_reach(key: str) -> str:
    """Say why a file cannot even be looked at; empty where it can, or is gone."""
    try:
        Path(key).stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return OUT_OF_REACH.format(error.strerror)
    return ""


def load(path: Path) -> bytes:
    """Give a file's bytes; raise PermanentError with the reason where they cannot be had."""
    try:
        # Not to block: somebody may have put a pipe in the file's place.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PermanentError(NO_LONGER_A_FILE)
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise PermanentError(NOT_READ.format(error.strerror)) from None
    if len(raw) > LARGEST_FILE:
        raise PermanentError(TOO_LARGE)
    return raw
