"""A Maildir as delivery agents and mail programs change it."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from daemon.mail.inbox import Batch, Position
from daemon.mail.maildir import MaildirInbox, MaildirOutbox
from knowledge import maildirs
from knowledge.database import Database
from knowledge.migrate import upgrade

NOBODY = 65534
LARGEST = 1_000_000
FIRST_SECOND = 1_790_000_000


@dataclass
class Disk:
    """One Maildir, and the database that numbers its files."""

    root: Path
    db: Database
    count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    opened: list[MaildirInbox] = field(default_factory=list)

    def deliver(self, subject: str, body: str = "Hello", folder: str = "") -> str:
        """Write a mail to tmp and rename it to new, as Postfix and fdm do; give its unique name."""
        box, number = self.root / folder, next(self.count)
        for part in ("tmp", "new", "cur"):
            (box / part).mkdir(parents=True, exist_ok=True)
        unique = f"{FIRST_SECOND + number}.V1I{number}M{number}.mx.example"
        (box / "tmp" / unique).write_text(f"Subject: {subject}\nMessage-ID: <{number}@quill.example>\n\n{body}\n")
        os.utime(box / "tmp" / unique, (FIRST_SECOND + number, FIRST_SECOND + number))
        (box / "tmp" / unique).rename(box / "new" / unique)
        return unique

    def path(self, unique: str) -> Path:
        """Give the file of a mail."""
        (found,) = self.root.rglob(f"{unique}*")
        return found

    def show(self, unique: str, letters: str = "S") -> None:
        """Rename a mail from new to cur, or give it other flags, as mutt does that shows it."""
        path = self.path(unique)
        path.rename(path.parent.parent / "cur" / f"{unique}:2,{letters}")

    @property
    def names(self) -> set[str]:
        """List all files below the Maildir."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}

    def inbox(self, folder: str = "INBOX", largest: int = LARGEST, since: date | None = None) -> MaildirInbox:
        """Open a source, as a daemon does that has just been started."""
        number = partial(maildirs.number, self.db, "disk")
        self.opened.append(MaildirInbox(self.root, folder, largest, number, since))
        return self.opened[-1]

    def outbox(self, drafts: str = "") -> MaildirOutbox:
        """Open what changes it."""
        return MaildirOutbox(self.root, drafts, "", partial(maildirs.name_of, self.db, "disk"))


@contextmanager
def laid(root: Path) -> Iterator[Disk]:
    """Lay an empty Maildir and a database into a directory."""
    db = Database(root / "clerkd.db")
    upgrade(db)
    for part in ("tmp", "new", "cur"):
        (root / "Maildir" / part).mkdir(parents=True)
    disk = Disk(root / "Maildir", db)
    try:
        yield disk
    finally:
        for source in disk.opened:
            source.close()
        db.close()


@contextmanager
def open_to_nobody() -> Iterator[Path]:
    """Give a directory that an ordinary user can reach, which no ``tmp_path`` of root is."""
    with tempfile.TemporaryDirectory(prefix="maildir-") as root:
        Path(root).chmod(0o755)
        yield Path(root)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as an ordinary user: nothing is forbidden to root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def subjects(batches: Iterator[Batch] | list[Batch]) -> list[str]:
    """Give the subjects of the mails, in their order."""
    return [one.raw.partition(b"\n")[0].decode().removeprefix("Subject: ") for each in batches for one in each.mails]


def everything(source: MaildirInbox) -> list[Batch]:
    """Take in all that is there."""
    return list(source.new(source.start(everything=True)))


def behind(batches: list[Batch]) -> Position:
    """Give the position after the last batch."""
    return batches[-1].position
