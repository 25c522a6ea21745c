"""A mail sent on as it came, to somebody whom the config names; nothing but its frozen bytes."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from daemon.mail.compose import Author, content, mailbox, short, words
from daemon.mail.enclosed import LARGEST_ENCLOSED, attached, enclosing

SENDING_ON = """\
{note}

{name}, a digital employee, sends this mail on. What stands above is its own word, and nobody has verified it.

{enclosed}"""
ENCLOSED = "The mail is enclosed as it came; somebody outside wrote it."
TOO_LARGE = "The mail itself is too large to be enclosed ({} bytes). It lies in the mailbox."


@dataclass(frozen=True)
class Forwarded:
    """A mail that is sent on: ``raw`` as it came, in the case and with the number and subject that it has here."""

    case: int
    message: int
    subject: str
    raw: bytes


def forward(mail: Forwarded, author: Author, to: str, note: str, own_id: str, now: datetime) -> bytes:
    """Write the mail that encloses it; it answers nothing, so that no thread leads outside."""
    fits = len(mail.raw) <= LARGEST_ENCLOSED
    enclosed = ENCLOSED if fits else TOO_LARGE.format(len(mail.raw))
    text = SENDING_ON.format(note=note or "(without a note)", name=author.name, enclosed=enclosed)
    fields = [
        ("From", mailbox(author.name, author.address)),
        ("To", to),
        ("Subject", words("Subject", f"Fwd: [case {mail.case}] {short(mail.subject)}")),
        ("Date", format_datetime(now)),
        ("Message-ID", own_id),
        ("Auto-Submitted", "auto-generated"),
    ]
    parts = [attached(mail.raw, f"message-{mail.message}.eml")] if fits else []
    return enclosing(fields, content(text, author.signature), own_id, parts)
