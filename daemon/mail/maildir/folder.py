"""A Maildir on this machine, read and changed as its own rules have it: write in tmp, rename, never edit a file.

A file keeps its unique name for good, while its directory (new, cur) and its flags may change at any moment: a mail
is therefore found by that name, looked for anew where it has just been renamed. Folders lie as Maildir++ has them:
INBOX is the Maildir itself, every other folder a directory beside ``cur`` that begins with a dot.
"""

import itertools
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from daemon.errors import PermanentError
from daemon.mail.folder_name import encode

VALIDITY = 1  # a Maildir's names never come to mean other mails
# How often a mail is looked for anew that was renamed between the look and the reading.
LOOKS = 5
HEAD_BYTES = 262_144
COUNTER = itertools.count(1)

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
        sync(path / "cur")


def _unique(file: Path) -> str:
    """Give the part of the name that stays; bytes that are no UTF-8 are spelled out, since a database takes text."""
    return os.fsencode(file.name).decode("utf-8", "backslashreplace").partition(":")[0]


def mtime(path: Path) -> int:
    """Give when a file was written, in nanoseconds; 0 where it is gone."""
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def arrived(path: Path) -> datetime:
    """Give when a file was written, which is when its mail came in."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=path.stat().st_mtime_ns // 1000)


def _unique_name() -> str:
    """Make a name that nobody else makes: time, process, count and host."""
    host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
    seconds, fraction = divmod(time.time_ns(), 1_000_000_000)
    return f"{seconds}.M{fraction // 1000}P{os.getpid()}Q{next(COUNTER)}.{host}"


def sync(directory: Path) -> None:
    """Have a directory's names on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def head(path: Path) -> bytes:
    """Read a mail's header, as far as it can be a mail's header at all."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    ends = [end + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (end := start.find(mark)) >= 0]
    return start[: min(ends, default=HEAD_BYTES)]
