"""The mails of a rehearsal: the sample mailbox, or the user's own files."""

import mailbox
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from daemon.errors import FatalError

SAMPLE = Path(__file__).parent / "mailbox"


def read(path: Path | None) -> list[bytes]:
    """Read the sample mailbox, or an .eml file, a folder of them, a Maildir or an mbox; with CRLF line ends."""
    source = path or SAMPLE
    if not source.exists():
        message = f"{source}: there is no such file or folder"
        raise FatalError(message)
    mails = [_crlf(raw) for raw in _raw(source)]
    if not mails:
        message = f"{source}: no mail found; give an .eml file, a folder of .eml files, a Maildir or an mbox"
        raise FatalError(message)
    return mails


def _raw(source: Path) -> Iterator[bytes]:
    if source.is_file():
        yield from [source.read_bytes()] if source.suffix == ".eml" else _mbox(source)
    elif (source / "cur").is_dir() and (source / "new").is_dir():
        files = [*(source / "cur").iterdir(), *(source / "new").iterdir()]
        yield from (file.read_bytes() for file in sorted(files, key=lambda file: file.name))
    else:
        yield from (file.read_bytes() for file in sorted(source.glob("**/*.eml")))


def _mbox(source: Path) -> Iterator[bytes]:
    box = mailbox.mbox(source, create=False)
    try:
        yield from (box.get_bytes(key) for key in box.iterkeys())
    finally:
        box.close()


def _crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def date_of(raw: bytes) -> datetime:
    """Take the date of a mail's header as the time of its arrival; now where it has none."""
    header = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in header.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "date":
            try:
                return parsedate_to_datetime(value.strip()).astimezone(UTC)
            except (ValueError, TypeError):
                break
    return datetime.now(UTC)
