"""Reports of machines on an earlier mail: bounces (RFC 3464), receipts (RFC 8098), complaints (RFC 5965)."""

import itertools
import re
from collections.abc import Iterator
from email.message import Message as EmailMessage

from daemon.judgement.message import Delivery, Report
from daemon.mail.headers import decoded, first, ids, ids_in
from daemon.mail.parts import enclosed, leaves, payload
from daemon.mail.structure import head
from daemon.mail.unseen import Unseen

MOST_DELIVERIES = 50
LONGEST_DIAGNOSTIC = 500
LONGEST_WORD = 200
LARGEST_REPORT = 200_000
RECIPIENT = re.compile(rb"(?:final|original)-recipient:", re.IGNORECASE)
ACTION = re.compile(rb"action:", re.IGNORECASE)
FIELD_LINE = re.compile(rb"^(?:[A-Za-z0-9-]+:|[ \t]+\S).*$", re.MULTILINE)
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
KIND = re.compile(r"[a-z0-9-]{1,40}")
ORIGINAL_TYPES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")


def report(mail: EmailMessage) -> Report | None:
    """Read the mail as a report; None where it is none. The many bounces without ``multipart/report`` count too."""
    parts = {part.get_content_type(): part for part in leaves(mail)}
    status = parts.get("message/delivery-status") or parts.get("message/global-delivery-status")
    if mail.get_content_type() != "multipart/report" and status is None:
        return None
    return Report(_kind(mail, parts), _original_id(parts), _deliveries(status) if status is not None else ())


def _kind(mail: EmailMessage, parts: dict[str, EmailMessage]) -> str:
    """Give the declared type, or that of the machine's part where the declaration is missing (RFC 6522, 3)."""
    declared = str(mail.get_param("report-type") or "").strip().lower()
    if KIND.fullmatch(declared):
        return declared
    found = (name.partition("/")[2] for name in parts if name.startswith("message/") and name not in ORIGINAL_TYPES)
    return next((name for name in found if KIND.fullmatch(name)), "")


def _deliveries(status: EmailMessage) -> tuple[Delivery, ...]:
    """Read the groups of fields that name a recipient."""
    found = (
        Delivery(
            recipient,
            _line(group, "action", LONGEST_WORD).lower(),
            _status(group),
            _line(group, "diagnostic-code", LONGEST_DIAGNOSTIC, typed=True),
        )
        for group in _groups(enclosed(status)[:LARGEST_REPORT])
        if (recipient := _recipient(group))
    )
    return tuple(itertools.islice(found, MOST_DELIVERIES))


def _groups(data: bytes) -> Iterator[EmailMessage]:
    """Give the fields on one recipient after the other.

    Empty lines divide them by the rule (RFC 3464, 2.1), but stray lines and empty ones too many are common. So a group
    ends where a recipient is named behind an action; the fields on the mail as a whole join the first one.
    """
    group: list[bytes] = []
    acted = False
    for line in FIELD_LINE.findall(data):
        if acted and RECIPIENT.match(line):
            yield head(b"\n".join(group))
            group, acted = [], False
        group.append(line)
        acted = acted or ACTION.match(line) is not None
    yield head(b"\n".join(group))


def _recipient(group: EmailMessage) -> str:
    """Give the address behind its type; the final recipient is who was refused, the original who was written to."""
    for name in ("final-recipient", "original-recipient"):
        line = _line(group, name, LONGEST_WORD, typed=True).strip("<>").lower()
        if line:
            return line
    return ""


def _status(group: EmailMessage) -> str:
    found = STATUS.search(_line(group, "status", LONGEST_WORD))
    return found[0] if found else ""


def _line(group: EmailMessage, name: str, longest: int, *, typed: bool = False) -> str:
    """Give the first field of that name in one line, without the type before its semicolon where it is typed."""
    line = decoded(first(group, name), "", Unseen())
    return (line.partition(";")[2] or line if typed else line).strip()[:longest]


def _original_id(parts: dict[str, EmailMessage]) -> str:
    """Give the Message-ID of the mail that came back, or what a receipt names (RFC 8098, 3.2.4)."""
    for part in (parts[name] for name in ORIGINAL_TYPES if name in parts):
        text = enclosed(part) if part.get_content_maintype() == "message" else payload(part)
        found = ids(head(text[:LARGEST_REPORT]), "message-id")
        if found:
            return found[0]
    fields = parts.get("message/disposition-notification")
    named = enclosed(fields)[:LARGEST_REPORT] if fields is not None else b""
    return next(iter(ids_in(first(head(named), "original-message-id"))), "")
