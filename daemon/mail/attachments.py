"""What a mail carries beside its text: each part named, measured and hashed, and read where that is safe."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from email.message import Message as EmailMessage

from daemon.errors import PermanentError
from daemon.judgement.message import Attachment
from daemon.mail.extract import LONGEST_TEXT, Extract, extract, is_opened, kind
from daemon.mail.headers import addresses, decoded, first
from daemon.mail.parts import body, enclosed, is_attachment, payload, text_of, tidy
from daemon.mail.structure import structure
from daemon.mail.unseen import Unseen

MOST_TEXT = 60_000
ENCLOSED_TYPES = ("message/rfc822", "message/global")
NOT_TRIED = "its text could not be taken within the limits"
LONGEST_METHOD_SEARCH = 5_000
METHOD = re.compile(rb"^METHOD:([A-Za-z-]{1,20})\s*$", re.MULTILINE)
CALENDAR_METHOD = re.compile(r"[A-Z-]{1,20}")
CONTENT_ID = re.compile(r"cid:([^\"'\s>)]{1,250})", re.IGNORECASE)


def attachments(parts: list[EmailMessage], unseen: Unseen, *, with_text: bool) -> tuple[Attachment, ...]:
    """List the attached parts in order; their texts together are bounded, the first come first."""
    shown = _shown_ids(parts)
    left = MOST_TEXT
    found = []
    for part in filter(is_attachment, parts):
        item, data = _described(part, shown, unseen)
        found.append(_read(item, part, data, min(left, LONGEST_TEXT), unseen) if with_text else _unread(item))
        left -= len(found[-1].text)
    return tuple(found)


def calendar_method(parts: Iterable[EmailMessage]) -> str:
    """Give what an invitation asks for, REQUEST or CANCEL for instance (RFC 5546, 1.4); empty where there is none."""
    for part in parts:
        if part.get_content_type() == "text/calendar":
            line = METHOD.search(payload(part)[:LONGEST_METHOD_SEARCH].replace(b"\r\n", b"\n"))
            named = str(part.get_param("method") or "").upper()
            if CALENDAR_METHOD.fullmatch(named):
                return named
            return line[1].decode().upper() if line else ""
    return ""


def _described(part: EmailMessage, shown: frozenset[str], unseen: Unseen) -> tuple[Attachment, bytes]:
    data = enclosed(part) if part.get_content_maintype() == "message" else payload(part)
    name = decoded(part.get_filename() or "unnamed", "an attachment's name", unseen)
    is_image = part.get_content_maintype() == "image"
    named = str(part.get("content-id", "")).strip("<> \t\r\n").lower()
    return Attachment(
        name=re.split(r"[/\\]", name)[-1] or "unnamed",
        media_type=decoded(part.get_content_type(), "", Unseen()),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        inline=part.get_content_disposition() == "inline" or (is_image and named in shown),
    ), data


def _shown_ids(parts: list[EmailMessage]) -> frozenset[str]:
    """Give the ids that the HTML shows pictures by (RFC 2392); it is searched only where a picture has an id."""
    if not any("content-id" in part for part in parts):
        return frozenset()
    pages = (text_of(part) for part in parts if part.get_content_type() == "text/html" and not is_attachment(part))
    return frozenset(name.lower() for page in pages for name in CONTENT_ID.findall(page))


def _unread(item: Attachment) -> Attachment:
    found = kind(item.name, item.media_type)
    opened = is_opened(found) or found in ENCLOSED_TYPES
    return replace(item, note=NOT_TRIED) if opened else item


def _read(item: Attachment, part: EmailMessage, data: bytes, longest: int, unseen: Unseen) -> Attachment:
    """Take the text, cleaned as the mail's own is, and cut to what is left."""
    taken = _taken(item, part, data)
    text = tidy(unseen.strip(taken.text, "an attachment's text"))
    if len(text) <= longest:
        return replace(item, text=text, note=taken.note)
    cut = f"cut at {longest} characters"
    return replace(item, text=text[:longest], note=f"{taken.note}, {cut}" if taken.note else cut)


def _taken(item: Attachment, part: EmailMessage, data: bytes) -> Extract:
    if item.media_type in ENCLOSED_TYPES:
        return _mail(data)
    return extract(data, kind(item.name, item.media_type), part.get_content_charset())


def _mail(data: bytes) -> Extract:
    """Read an attached mail's sender, subject and text, and not what is attached to it in turn."""
    try:
        mail = structure(data)
    except (PermanentError, RecursionError):
        return Extract(note="damaged")
    senders = ", ".join(map(str, addresses(mail, "from", Unseen())))
    subject = decoded(first(mail, "subject"), "", Unseen())
    return Extract(f"From: {senders}\nSubject: {subject}\n\n{body(mail).text}")
