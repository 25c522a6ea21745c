"""Raw bytes to a Message. Pure, and never puzzled: what cannot be understood is left out, not raised.

The ``compat32`` policy is used with guarded decoding, because ``email.policy.default`` raises on real mail
(measured: 11 of 85 broken mails, 4 of 1,092 real ones).
"""

import codecs
import email
import email.header
import email.policy
import email.utils
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message as EmailMessage

from selectolax.lexbor import LexborHTMLParser, LexborNode

from daemon.errors import PermanentError
from daemon.judgement.message import Address, Attachment, Message

MOST_PARTS = 200
LARGEST_HTML = 300_000
# The HTML library is quadratic in nesting: 20,000 levels take 0.7 s, 100,000 take 19 (measured).
MOST_TAGS = 20_000
MOST_BODIES = 8
OPENING_TAG = re.compile(r"<[^/!]")
LONGEST_HEADER = 2_000
MOST_ADDRESSES = 50
MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BLANKS = re.compile(r"\n{3,}")
HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|max-height)\s*:\s*0+(?:\.0*)?(?![\d.])", re.IGNORECASE
)
# Codecs that are no charsets of mail: they make lone surrogates, or take a time that grows with the square of the text.
NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "utf-7"})
MOST_FIELDS = 2_000
SILENT_TAGS = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "object", "iframe"})
BLOCK_TAGS = frozenset(
    {"p", "div", "tr", "table", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr"}
)
CELL_TAGS = frozenset({"td", "th"})


def parse(raw: bytes, longest_text: int) -> Message:
    """Read a mail; raise PermanentError where its structure cannot be read at all."""
    try:
        return _parse(email.message_from_bytes(raw, policy=email.policy.compat32), longest_text)
    except Exception as error:
        message = f"the mail's structure cannot be read ({type(error).__name__})"
        raise PermanentError(message) from error


def _parse(mail: EmailMessage, longest_text: int) -> Message:
    parts = list(_leaves(mail))
    text = _visible_text(parts)
    return Message(
        message_id=next(iter(_ids(mail, "message-id")), ""),
        subject=_header(mail, "subject"),
        senders=_addresses(mail, "from"),
        text=text[:longest_text],
        cut=len(text) > longest_text,
        sent_at=_date(mail),
        reply_to=_addresses(mail, "reply-to"),
        recipients=_addresses(mail, "to"),
        in_reply_to=_ids(mail, "in-reply-to"),
        references=_ids(mail, "references"),
        attachments=tuple(_attachment(part) for part in parts if _is_attachment(part)),
        media_type=mail.get_content_type(),
        headers=_headers(mail),
    )


def _leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Walk the parts in order, without entering mails that are attached: their text is not this sender's."""
    pending = [mail]
    for _ in range(MOST_PARTS):
        if not pending:
            return
        part = pending.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            pending.extend(reversed([child for child in part.get_payload() if isinstance(child, EmailMessage)]))
        else:
            yield part


def _decoded(value: object) -> str:
    """Decode RFC 2047 words; unknown charsets are replaced, never raised. White space is folded into blanks."""
    words = str(value)[: LONGEST_HEADER * 4]
    try:
        pieces = email.header.decode_header(words)
        text = "".join(_as_text(piece, charset) for piece, charset in pieces)
    except (email.errors.HeaderParseError, ValueError):
        text = words
    return CONTROL.sub("", " ".join(text.split()))[:LONGEST_HEADER]


def _as_text(piece: bytes | str, charset: str | None) -> str:
    """Decode with the charset where it is one, else as UTF-8; lone surrogates never get through."""
    if isinstance(piece, bytes):
        piece = piece.decode(_charset(charset), "replace")
    return piece.encode("utf-8", "replace").decode("utf-8")


def _charset(name: str | None) -> str:
    try:
        known = codecs.lookup(name or "utf-8")
        b"a".decode(known.name)
    except (LookupError, ValueError, TypeError):
        return "utf-8"
    return "utf-8" if known.name.replace("-", "_") in NO_CHARSETS or known.name in NO_CHARSETS else known.name


def _values(mail: EmailMessage, name: str) -> list[str]:
    """Give the values of all fields of that name; raw 8-bit text is read as UTF-8 (RFC 6532)."""
    return [value for key, value in _fields(mail) if key == name]


def _fields(mail: EmailMessage) -> list[tuple[str, str]]:
    pairs = itertools.islice(mail.raw_items(), MOST_FIELDS)
    return [(name.lower(), _utf8(str(value))) for name, value in pairs]


def _utf8(raw: str) -> str:
    return raw.encode("ascii", "surrogateescape").decode("utf-8", "replace")


def _header(mail: EmailMessage, name: str) -> str:
    return _decoded(next(iter(_values(mail, name)), ""))


def _headers(mail: EmailMessage) -> dict[str, tuple[str, ...]]:
    """Gather all fields, lower-cased; our own X- marks from outside are dropped, since anybody can write them."""
    gathered: dict[str, list[str]] = {}
    for name, value in _fields(mail):
        if not name.startswith("x-clerkd"):
            gathered.setdefault(name, []).append(_decoded(value))
    return {name: tuple(values) for name, values in gathered.items()}


def _addresses(mail: EmailMessage, name: str) -> tuple[Address, ...]:
    """Collect the addresses of all fields of that name, each read by itself: a second From makes it ambiguous."""
    values = [value[: LONGEST_HEADER * 10] for value in _values(mail, name)]
    pairs = [pair for value in values for pair in email.utils.getaddresses([value])]
    found = (Address(address.lower(), _decoded(display)) for display, address in pairs if _is_address(address))
    return tuple(dict.fromkeys(found))[:MOST_ADDRESSES]


def _is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and text.isascii() and not re.search(r"[\s<>\x00-\x1f\x7f]", text)


def _ids(mail: EmailMessage, name: str) -> tuple[str, ...]:
    found = (match for value in _values(mail, name) for match in MESSAGE_ID.findall(value))
    return tuple(dict.fromkeys(found))


def _date(mail: EmailMessage) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(next(iter(_values(mail, "date")), ""))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_attachment(part: EmailMessage) -> bool:
    named = part.get_filename() is not None
    return named or part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text"


def _attachment(part: EmailMessage) -> Attachment:
    name = re.split(r"[/\\]", _decoded(part.get_filename() or "unnamed"))[-1]
    size = sum(len(_payload(leaf)) for leaf in part.walk() if not leaf.is_multipart())
    return Attachment(name or "unnamed", part.get_content_type(), size)


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _visible_text(parts: list[EmailMessage]) -> str:
    """Take the plain text, or the visible text of the HTML where there is no plain one."""
    bodies = [part for part in parts if not _is_attachment(part)][:MOST_BODIES]
    plain = [_body(part) for part in bodies if part.get_content_type() == "text/plain"]
    chosen = [text for text in plain if text.strip()] or [
        visible(_body(part)) for part in bodies if part.get_content_type() == "text/html"
    ]
    return _tidy("\n\n".join(chosen))


def _body(part: EmailMessage) -> str:
    return _as_text(_payload(part), part.get_content_charset())


def _tidy(text: str) -> str:
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{NO-BREAK SPACE}", " ")
    lines = (line.rstrip() for line in CONTROL.sub("", unified).split("\n"))
    return BLANKS.sub("\n\n", "\n".join(lines)).strip()


def visible(html: str) -> str:
    """Give the text that a reader of the HTML sees; hidden elements and their contents are dropped."""
    body = LexborHTMLParser(_bounded(html[:LARGEST_HTML])).body
    if body is None:
        return ""
    words: list[str] = []
    _walk(body, words)
    lines = (" ".join(line.split()) for line in "".join(words).split("\n"))
    return "\n".join(lines)


def _bounded(html: str) -> str:
    """Cut before the tag that is one too many."""
    tags = OPENING_TAG.finditer(html)
    too_many = next(itertools.islice(tags, MOST_TAGS, None), None)
    return html[: too_many.start()] if too_many else html


def _walk(root: LexborNode, words: list[str]) -> None:
    """Walk without recursion: mails nest elements deeper than Python's stack."""
    pending: list[LexborNode | str] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            words.append(node)
        elif node.is_text_node:
            words.append(" ".join((node.text_content or "").split("\n")))
        elif node.tag not in SILENT_TAGS and not _is_hidden(node):
            _enter(node, words, pending)


def _enter(node: LexborNode, words: list[str], pending: list[LexborNode | str]) -> None:
    if node.tag == "br":
        words.append("\n")
    elif node.tag in BLOCK_TAGS:
        words.append("\n")
        pending.append("\n")
    elif node.tag in CELL_TAGS:
        pending.append(" ")
    pending.extend(reversed(list(node.iter(include_text=True))))


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or bool(HIDDEN_STYLE.search(attributes.get("style") or ""))
