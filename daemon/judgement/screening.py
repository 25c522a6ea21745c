"""What may be said of a mail without asking the model: who wrote it, and whether a machine did."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daemon.judgement.message import Message

Headers = Mapping[str, tuple[str, ...]]

ROBOT_NAMES = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|owner-.*|.*-owner|.*-request|bounces?([+-].*)?)$"
)
COMMENT = re.compile(r"\([^()]*\)")
LIST_HEADERS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-archive")
ROBOT_HEADERS = ("x-autoreply", "x-autorespond", "x-loop", "x-auto-response-suppress")


@dataclass(frozen=True)
class Work:
    """Put the mail to the model."""


@dataclass(frozen=True)
class File:
    """A machine wrote it: record it under this rule, never answer it."""

    rule: str
    why: str


@dataclass(frozen=True)
class Hold:
    """A person must look first."""

    reason: str


Screening = Work | File | Hold


def screen(message: Message, own_addresses: frozenset[str]) -> Screening:
    """Judge a mail by its envelope and headers alone (RFC 3834 section 2, RFC 3464 section 2)."""
    for rule, why, holds in RULES:
        if holds(message.headers):
            return File(rule, why)
    if message.media_type == "multipart/report":
        return File("report", "a delivery or disposition report (multipart/report)")
    return _by_sender(message, own_addresses)


def _by_sender(message: Message, own_addresses: frozenset[str]) -> Screening:
    sender = message.sender
    if sender is None:
        count = len(message.senders)
        return Hold(f"the sender is ambiguous: From names {count or 'no'} address{'es' if count > 1 else ''}")
    if sender.email in own_addresses:
        return File("own-address", "it comes from one of our own addresses")
    if ROBOT_NAMES.match(sender.email.partition("@")[0]):
        return File("robot-sender", "the sender's name is that of a machine")
    return Work()


def _first(headers: Headers, name: str) -> str:
    return next(iter(headers.get(name, ())), "").strip().lower()


def _auto_submitted(headers: Headers) -> bool:
    value = COMMENT.sub("", _first(headers, "auto-submitted")).partition(";")[0].strip()
    return value not in ("", "no")


def _bulk(headers: Headers) -> bool:
    return _first(headers, "precedence") in ("bulk", "list", "junk")


def _null_return_path(headers: Headers) -> bool:
    return "return-path" in headers and _first(headers, "return-path") == "<>"


def _any_of(names: tuple[str, ...]) -> Callable[[Headers], bool]:
    return lambda headers: any(name in headers for name in names)


RULES: tuple[tuple[str, str, Callable[[Headers], bool]], ...] = (
    ("auto-submitted", "its Auto-Submitted header says that a machine sent it", _auto_submitted),
    ("null-return-path", "its return path is empty, as in a bounce", _null_return_path),
    ("mailing-list", "it carries the headers of a mailing list", _any_of(LIST_HEADERS)),
    ("bulk", "its Precedence header says bulk, list or junk", _bulk),
    ("robot-header", "it carries the header of an automatic responder", _any_of(ROBOT_HEADERS)),
)
