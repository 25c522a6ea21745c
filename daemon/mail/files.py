"""Mails in files: a single one, a folder of them, a Maildir or an mbox; their bytes as they lie there."""

import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import FatalError


@dataclass(frozen=True)
class Filed:
    """A mail and where it lies."""

    name: str
    raw: bytes


def mails_in(path: Path) -> Iterator[Filed]:
    """Yield the mails of a file or folder; raise FatalError where there is none, or it may not be read."""
    if not path.exists():
        message = f"{path}: there is no such file or folder"
        raise FatalError(message)
    count = 0
    try:
        for mail in _mails(path):
            count += 1
            yield mail
    except OSError as error:
        message = f"{error.filename or path}: cannot be read: {error.strerror}"
        raise FatalError(message) from None
    if not count:
        message = f"{path}: no mail found; give an .eml file, a folder of .eml files, a Maildir or an mbox"
        raise FatalError(message)


def _mails(path: Path) -> Iterator[Filed]:
    if path.is_dir():
        yield from (Filed(str(file), file.read_bytes()) for file in _files(path))
    elif _is_mbox(path):
        yield from _mbox(path)
    else:
        yield Filed(str(path), path.read_bytes())


def _files(folder: Path) -> list[Path]:
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        files = [*(folder / "cur").iterdir(), *(folder / "new").iterdir()]
        return sorted(files, key=lambda file: file.name)
    return sorted(folder.glob("**/*.eml"))


def _is_mbox(path: Path) -> bool:
    """Tell an mbox by its first line; a mail's own first line is a header field."""
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _mbox(path: Path) -> Iterator[Filed]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), start=1):
            yield Filed(f"{path} ({number})", box.get_bytes(key))
    finally:
        box.close()
