"""The exact bytes of a mail of ours, frozen when the decision is recorded, and the hash that later binds an approval.

The header fields are written here line by line: the library's header registry decodes encoded words again when a
field is set, so that a stranger's subject could become a line of its own (measured: a Bcc in the draft).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from daemon.judgement.answers import OWN_MARK
from daemon.judgement.message import Address, Message

MOST_REFERENCES = 20
LONGEST_SUBJECT = 400
LINE = 76
MESSAGE_ID = re.compile(r"<[!-;=?-~]+>")
FIELD_START = re.compile(r"\r\n(?=[!-9;-~])")
OF_CONTENT = re.compile(r"content-|mime-version", re.IGNORECASE)
PLAIN_NAME = re.compile(r"[A-Za-z0-9 '_-]+")


@dataclass(frozen=True)
class Author:
    """In whose name the employee writes."""

    name: str
    address: str
    signature: str = ""


def reply(message: Message, author: Author, to: str, body: str, own_id: str, now: datetime) -> bytes:
    """Write a plain-text reply with threading headers (RFC 5322, 3.6.4) and Auto-Submitted (RFC 3834, 5)."""
    fields = [
        ("From", mailbox(author.name, author.address)),
        ("To", mailbox(_display_name(message, to), to)),
        ("Subject", words("Subject", reply_subject(message.subject))),
        ("Date", format_datetime(now)),
        ("Message-ID", own_id),
        *_threading(message),
        ("Auto-Submitted", "auto-replied"),
    ]
    return head(fields) + content(body, author.signature)


def revised(raw: bytes, body: str, signature: str, own_id: str, now: datetime) -> bytes:
    """Write a mail of ours anew with another text: its head stays, but for what makes it another mail."""
    block = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    fields = [(name, value) for name, _, value in (field.partition(": ") for field in FIELD_START.split(block))]
    changed = {"Date": format_datetime(now), "Message-ID": own_id}
    kept = [(name, changed.get(name, value)) for name, value in fields if not OF_CONTENT.match(name)]
    return head(kept) + content(body, signature)


def own_message_id(unique: str, address: str) -> str:
    """Make the Message-ID of our own mail; ``unique`` is random, so that it cannot be guessed."""
    return f"<{unique}{OWN_MARK}{address.rpartition('@')[2]}>"


def reply_subject(subject: str) -> str:
    """Put ``Re:`` before a subject once; line breaks cannot get in, the parser has folded them."""
    bare = short(subject)
    return bare if bare.lower().startswith("re:") else f"Re: {bare}".strip()


def short(subject: str) -> str:
    """Give a subject in one line, and not without end."""
    return " ".join(subject.split())[:LONGEST_SUBJECT]


def head(fields: Sequence[tuple[str, str]]) -> bytes:
    """Write header fields, each value as it is to stand there."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii")


def content(body: str, signature: str) -> bytes:
    """Write the text with its own MIME fields, the empty line between head and body included."""
    mail = EmailMessage(policy=SMTP)
    closing = f"\n\n-- \n{signature}" if signature else ""
    mail.set_content(body.rstrip() + closing + "\n", cte="quoted-printable")
    return mail.as_bytes()


def body_of(raw: bytes, signature: str) -> str:
    """Give the text of a reply as the model wrote it, without the signature that was put under it."""
    body = message_from_bytes(raw, policy=SMTP).get_body(("plain",))
    text = str(body.get_content()).replace("\r\n", "\n") if body else ""
    closing = "\n".join(signature.rstrip().splitlines())
    return (text.rstrip().removesuffix(f"-- \n{closing}") if closing else text).rstrip()


def words(name: str, text: str) -> str:
    """Write free text as a field's value: plain where it is plain ASCII, else as encoded words (RFC 2047)."""
    printable = "".join(character for character in " ".join(text.split()) if character.isprintable())
    charset = "us-ascii" if printable.isascii() and "=?" not in printable else "utf-8"
    return Header(printable, charset, maxlinelen=LINE, header_name=name).encode(linesep="\r\n")


def mailbox(name: str, address: str) -> str:
    """Write a display name and an address (RFC 5322, 3.4); a name that could be read as more is encoded."""
    if not name.strip():
        return address
    if PLAIN_NAME.fullmatch(name):
        return f"{name} <{address}>"
    encoded = Header(" ".join(name.split()), "utf-8", maxlinelen=LINE, header_name="To").encode(linesep="\r\n")
    return f"{encoded} <{address}>"


def _display_name(message: Message, to: str) -> str:
    known: tuple[Address, ...] = (*message.senders, *message.reply_to)
    return next((address.name for address in known if address.email == to), "")


def _threading(message: Message) -> list[tuple[str, str]]:
    """Name what is answered; an id that is not well formed is left out rather than repaired."""
    if not MESSAGE_ID.fullmatch(message.message_id):
        return []
    ids = (*(message.references or message.in_reply_to), message.message_id)
    chain = tuple(dict.fromkeys(reference for reference in ids if MESSAGE_ID.fullmatch(reference)))
    kept = (*chain[:1], *chain[1:][-MOST_REFERENCES:])
    return [("In-Reply-To", message.message_id), ("References", "\r\n ".join(kept))]
