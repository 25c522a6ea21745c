"""The mails of a rehearsal: the sample mailbox, or the user's own files."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from daemon.mail.files import mails_in

SAMPLE = Path(__file__).parent / "mailbox"


def read(path: Path | None) -> list[bytes]:
    """Read the sample mailbox, or an .eml file, a folder of them, a Maildir or an mbox; with CRLF line ends."""
    return [_crlf(mail.raw) for mail in mails_in(path or SAMPLE)]


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
