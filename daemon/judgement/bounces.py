"""Which mail a bounce is about, whom it did not reach, and what that comes to in a line for a person.

A bounce can be written by anybody. What it says is shown, cut and in one line; that it is about a mail of ours is
believed only where it names the Message-ID that we made (the caller looks it up), which whoever got our mail knows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.judgement import signs
from daemon.judgement.message import Delivery, Message

# As ``daemon.mail.compose.own_message_id`` makes them.
OWN_ID = re.compile(r"<[0-9a-f]{32}\.clerkd@[A-Za-z0-9.-]{1,253}>")
MOST_IDS = 50
LONGEST_SEARCH = 200_000  # characters of each text
# As qmail and its heirs name a recipient: at the beginning of a line, with the reason behind it or below.
NAMED = re.compile(r"^<([^<>\s@]{1,64}@[^<>\s@]{1,255})>:[ \n]?(.{0,200})", re.MULTILINE)
ADDRESS = re.compile(r"[^\s,<>@]{1,64}@[^\s,<>@]{1,255}")
MOST_RECIPIENTS = 50
DELAYED = re.compile(
    r"\bdelay|not yet (?:been )?deliver|will (?:be retried|keep trying|continue)|\bwarning\b", re.IGNORECASE
)
LONGEST_BEGINNING = 2_000  # of a bounce without a report: behind it stands what it returns, in others' words
CODES = re.compile(r"^(?:\d{3}[ -])?(?:#?\d\.\d{1,3}\.\d{1,3}[ :]*)?")
MOST_NAMED = 3
LONGEST_RECIPIENT, LONGEST_REASON = 100, 120


@dataclass(frozen=True)
class Bounce:
    """A machine's word on a mail's delivery.

    ``original_ids`` are the Message-IDs that it may be about, the surest first. ``failed`` are those it did not reach.
    ``is_final`` says that nothing more will be tried. ``words`` continue "our mail ...": in one line, without control
    characters, at most some 800 characters.
    """

    original_ids: tuple[str, ...]
    failed: tuple[Delivery, ...]
    is_final: bool
    words: str


def bounce_of(message: Message) -> Bounce | None:
    """Read a bounce: from its report (RFC 3464), else from Exim's header field and the text; None where it is none."""
    if not signs.bounce(message):
        return None
    deliveries = message.report.deliveries if message.report else ()
    if deliveries:
        failed = tuple(delivery for delivery in deliveries if _is_failed(delivery))
        return Bounce(_original_ids(message), failed, bool(failed), _words(deliveries, failed))
    named = _named(message)
    if DELAYED.search(f"{message.subject}\n{message.text[:LONGEST_BEGINNING]}"):
        return Bounce(_original_ids(message), (), is_final=False, words=_told("is delayed on its way to", named))
    return Bounce(_original_ids(message), named, is_final=True, words=_told("could not be delivered to", named))


def _is_failed(delivery: Delivery) -> bool:
    """Say whether a recipient is given up: ``failed`` is final with any status (4.4.7: tried for too long)."""
    return delivery.action == "failed" or (not delivery.action and delivery.status.startswith("5."))


def _words(deliveries: tuple[Delivery, ...], failed: tuple[Delivery, ...]) -> str:
    if failed:
        return _told("could not be delivered to", failed)
    waiting = tuple(item for item in deliveries if item.action in ("delayed", "") or item.status.startswith("4."))
    return _told("is delayed on its way to", waiting) if waiting else _told("was delivered to", deliveries)


def _told(verb: str, deliveries: tuple[Delivery, ...]) -> str:
    lines = [_line(delivery) for delivery in deliveries[:MOST_NAMED]] or ["a recipient that is not named"]
    more = len(deliveries) - MOST_NAMED
    return f"{verb} {'; '.join(lines)}" + (f"; and {more} more" if more > 0 else "")


def _line(delivery: Delivery) -> str:
    reason = CODES.sub("", _plain(delivery.diagnostic))[:LONGEST_REASON].strip()
    why = ", ".join(filter(None, [_plain(delivery.status), reason]))
    recipient = _plain(delivery.recipient)[:LONGEST_RECIPIENT]
    return f"{recipient}: {why}" if why else recipient


def _plain(text: str) -> str:
    """Give one line without control, bidirectional or invisible characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _named(message: Message) -> tuple[Delivery, ...]:
    """Find who was not reached where there is no report."""
    values = message.headers.get("x-failed-recipients", ())
    listed = dict.fromkeys(name.lower() for value in values for name in ADDRESS.findall(value))
    if listed:
        return tuple(Delivery(name, "failed") for name in listed)[:MOST_RECIPIENTS]
    found = NAMED.findall(message.text[:LONGEST_SEARCH])[:MOST_RECIPIENTS]
    return tuple(Delivery(name.lower(), "failed", diagnostic=reason) for name, reason in found)


def _original_ids(message: Message) -> tuple[str, ...]:
    reported = (message.report.original_id,) if message.report and message.report.original_id else ()
    ids = (*reported, *message.in_reply_to, *reversed(message.references), *_own_ids(message))
    return tuple(dict.fromkeys(ids))[:MOST_IDS]


def _own_ids(message: Message) -> Iterator[str]:
    """Find Message-IDs of the form of ours in what the bounce returns: as text, quoted, or attached."""
    texts = (message.text, message.quote, *(item.text for item in message.attachments))
    for text in texts:
        yield from OWN_ID.findall(text[:LONGEST_SEARCH])
