"""Header fields to values: RFC 2047 words, addresses, ids, dates. What is not understood is left out, not raised."""

import email.header
import email.utils
import itertools
import re
from datetime import UTC, datetime
from email.message import Message as EmailMessage

from daemon.judgement.message import Address
from daemon.mail.charsets import as_text
from daemon.mail.unseen import Unseen

LONGEST_HEADER = 2_000
LONGEST_LIST = LONGEST_HEADER * 10
MOST_FIELDS = 2_000
MOST_ADDRESSES = 50
MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, 3.6.8
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """Fold all white space, line breaks too, into blanks, and drop control characters."""
    return CONTROL.sub("", " ".join(text.split()))


def decoded(value: str, place: str, unseen: Unseen) -> str:
    """Decode RFC 2047 words into one line; unknown charsets are replaced, and unseen characters counted."""
    words = value[: LONGEST_HEADER * 4]
    return one_line(unseen.strip(_words(words) if "=?" in words else words, place))[:LONGEST_HEADER]


def _words(words: str) -> str:
    try:
        pieces = email.header.decode_header(words)
        return "".join(as_text(piece, charset) for piece, charset in pieces)
    except (email.errors.HeaderParseError, ValueError):
        return words


def fields(mail: EmailMessage) -> list[tuple[str, str]]:
    """Give names in lower case with raw values; raw 8-bit text is read as UTF-8 (RFC 6532)."""
    pairs = itertools.islice(mail.raw_items(), MOST_FIELDS)
    return [(_utf8(name).lower(), _utf8(str(value))) for name, value in pairs]


def values(mail: EmailMessage, name: str) -> list[str]:
    """Give the raw values of all fields of that name."""
    return [value for key, value in fields(mail) if key == name]


def first(mail: EmailMessage, name: str) -> str:
    """Give the raw value of the first field of that name; empty where there is none."""
    return next(iter(values(mail, name)), "")


def _utf8(raw: str) -> str:
    if raw.isascii():
        return raw
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def gathered(mail: EmailMessage) -> dict[str, tuple[str, ...]]:
    """Gather all fields as they stand, for the rules; our own X- marks are dropped: anybody can write them.

    Nothing is decoded. What a border server compares is the raw text: a name or a value that came to look like an
    Authentication-Results of its own only by decoding, or by what was taken out of it, would have passed it.
    """
    found: dict[str, list[str]] = {}
    unseen = Unseen()
    for name, value in fields(mail):
        seen = unseen.strip(value, "")
        altered = seen != value and name == "authentication-results"
        if NAME.fullmatch(name) and not altered and not name.startswith("x-clerkd"):
            found.setdefault(name, []).append(one_line(seen)[:LONGEST_HEADER])
    return {name: tuple(items) for name, items in found.items()}


def addresses(mail: EmailMessage, name: str, unseen: Unseen) -> tuple[Address, ...]:
    """Collect the addresses of all fields of that name, each read by itself: a second From makes it ambiguous."""
    pairs = (pair for value in values(mail, name) for pair in _pairs(value[:LONGEST_LIST]))
    found = (
        Address(address.lower(), decoded(display, "a display name", unseen))
        for display, address in pairs
        if _is_address(address)
    )
    return tuple(itertools.islice(dict.fromkeys(found), MOST_ADDRESSES))


def _pairs(value: str) -> list[tuple[str, str]]:
    """Read one field; a field of nested comments, at which the library gives up, names nobody."""
    try:
        return email.utils.getaddresses([value])
    except (RecursionError, ValueError, IndexError):
        return []


def _is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and text.isascii() and not re.search(r"[\s<>\x00-\x1f\x7f]", text)


def ids(mail: EmailMessage, name: str) -> tuple[str, ...]:
    """Give the Message-IDs of all fields of that name, each once, in order."""
    return ids_in(*values(mail, name))


def ids_in(*texts: str) -> tuple[str, ...]:
    """Give the Message-IDs in these texts, each once, in order."""
    unseen = Unseen()
    found = (CONTROL.sub("", unseen.strip(match, "")) for text in texts for match in MESSAGE_ID.findall(text))
    return tuple(dict.fromkeys(found))


def date(mail: EmailMessage) -> datetime | None:
    """Give the mail's date in UTC; None where it has none that can be read."""
    try:
        when = email.utils.parsedate_to_datetime(first(mail, "date"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
