"""A reply's exact bytes, frozen when the decision is recorded, and the hash that later binds an approval."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from daemon.judgement.message import Address, Message

MOST_REFERENCES = 20
LONGEST_SUBJECT = 400


@dataclass(frozen=True)
class Author:
    """In whose name the employee writes."""

    name: str
    address: str
    signature: str = ""


def reply(message: Message, author: Author, to: str, body: str, own_id: str, now: datetime) -> bytes:
    """Write a plain-text reply with threading headers (RFC 5322, 3.6.4) and Auto-Submitted (RFC 3834, 5)."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((author.name, author.address))
    mail["To"] = formataddr((_display_name(message, to), to))
    mail["Subject"] = reply_subject(message.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = own_id
    if message.message_id:
        mail["In-Reply-To"] = message.message_id
        mail["References"] = " ".join(_references(message))
    mail["Auto-Submitted"] = "auto-replied"
    signature = f"\n\n-- \n{author.signature}" if author.signature else ""
    mail.set_content(body.rstrip() + signature + "\n", cte="quoted-printable")
    return mail.as_bytes()


def own_message_id(unique: str, address: str) -> str:
    """Make the Message-ID of our own mail; ``unique`` is random, so that it cannot be guessed."""
    return f"<{unique}.clerkd@{address.rpartition('@')[2]}>"


def reply_subject(subject: str) -> str:
    """Put ``Re:`` before a subject once; line breaks cannot get in, the parser has folded them."""
    bare = " ".join(subject.split())[:LONGEST_SUBJECT]
    return bare if bare.lower().startswith("re:") else f"Re: {bare}".strip()


def digest(content: bytes, recipients: tuple[str, ...], kind: str, target: str) -> str:
    """Hash what an action will do: the exact bytes, to whom, and where."""
    frame = json.dumps([kind, target, list(recipients), len(content)]).encode()
    return hashlib.sha256(frame + b"\0" + content).hexdigest()


def _display_name(message: Message, to: str) -> str:
    known: tuple[Address, ...] = (*message.senders, *message.reply_to)
    return next((address.name for address in known if address.email == to), "")


def _references(message: Message) -> tuple[str, ...]:
    chain = tuple(dict.fromkeys((*(message.references or message.in_reply_to), message.message_id)))
    return (*chain[:1], *chain[1:][-MOST_REFERENCES:])
