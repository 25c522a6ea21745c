"""A mail within a mail of ours, byte for byte as it came."""

import base64
from collections.abc import Sequence

from daemon.mail.compose import head

LARGEST_ENCLOSED = 10_000_000  # bytes: many servers take no mail that is much larger
LONGEST_LINE = 998  # bytes (RFC 5322, 2.1.1)


def enclosing(fields: Sequence[tuple[str, str]], text: bytes, own_id: str, enclosed: Sequence[bytes]) -> bytes:
    """Write a mail of a text and what is enclosed.

    Its boundary stands nowhere else: not in the text, where quoted-printable has no ``=_``, and not in the mail, since
    what is random in ``own_id`` was made after it had come.
    """
    boundary = f"=_{own_id.strip('<>').partition('@')[0]}"
    mime = [("MIME-Version", "1.0"), ("Content-Type", f'multipart/mixed; boundary="{boundary}"')]
    mark = f"--{boundary}".encode("ascii")
    body = b"".join(b"%b\r\n%b\r\n" % (mark, part) for part in (text, *enclosed))
    return b"%b\r\n%b%b--\r\n" % (head([*fields, *mime]), body, mark)


def enclosure(raw: bytes, name: str) -> bytes:
    """Write a mail as a part (RFC 2046, 5.2.1): its bytes as they are, and an encoding that says what they are."""
    return _part("message/rfc822", _coding(raw), name) + raw


def attached(raw: bytes, name: str) -> bytes:
    """Write a mail as a part that any server carries; of bytes that few do (RFC 3030), as a file."""
    if _coding(raw) != "binary":
        return enclosure(raw, name)
    return _part("application/octet-stream", "base64", name) + base64.encodebytes(raw).replace(b"\n", b"\r\n")


def _part(media_type: str, coding: str, name: str) -> bytes:
    fields = [
        ("Content-Type", media_type),
        ("Content-Transfer-Encoding", coding),
        ("Content-Disposition", f'attachment; filename="{name}"'),
    ]
    return head(fields) + b"\r\n"


def _coding(raw: bytes) -> str:
    """Say what is in the bytes (RFC 2045, 2.7 to 2.9); in a Maildir lines end with a line feed alone."""
    lines = raw.split(b"\r\n" if b"\r\n" in raw else b"\n")
    if any(len(line) > LONGEST_LINE or {*b"\0\r\n"} & {*line} for line in lines):
        return "binary"
    return "7bit" if raw.isascii() else "8bit"
