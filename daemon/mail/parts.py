"""The parts of a mail: which are its text, which are attached, and the bytes of each."""

import re
from collections.abc import Iterator
from email.message import Message as EmailMessage

from daemon.mail.charsets import as_text
from daemon.mail.headers import CONTROL
from daemon.mail.html import Rendering, visible

MOST_PARTS = 200
MOST_BODIES = 8
BODY_TYPES = ("text/plain", "text/html")
# A plain part this short, beside HTML with far more to say, is a stub ("your program cannot show HTML").
LONGEST_STUB = 200
STUB_FACTOR = 4
BLANKS = re.compile(r"\n{3,}")
LINE_ENDS = re.compile("\r\n|[\r\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]")


def leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Walk the parts in order, without entering mails that are attached: their text is not this sender's."""
    pending = [mail]
    for _ in range(MOST_PARTS):
        if not pending:
            return
        part = pending.pop()
        if _is_container(part):
            pending.extend(_children(part))
        else:
            yield part


def is_attachment(part: EmailMessage) -> bool:
    """Say whether a part is something else than text to be shown."""
    return (
        part.get_filename() is not None
        or part.get_content_disposition() == "attachment"
        or part.get_content_type() not in BODY_TYPES
    )


def payload(part: EmailMessage) -> bytes:
    """Give the decoded bytes of a part; none where it holds other parts."""
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def enclosed(part: EmailMessage) -> bytes:
    """Give the bytes of what a ``message/*`` part encloses, with bare line feeds; none where it is too deep.

    Some senders encode such a part, which RFC 2046 (5.2.1) forbids and the library does not undo.
    """
    within = part.get_payload()
    children = [child for child in within if isinstance(child, EmailMessage)] if isinstance(within, list) else []
    coding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if coding in ("base64", "quoted-printable") and children and not children[0].items():
        encoded = EmailMessage()
        encoded["Content-Transfer-Encoding"] = coding
        encoded.set_payload(children[0].get_payload())
        return payload(encoded)
    try:
        return b"\n\n".join(child.as_bytes() for child in children)
    except (RecursionError, LookupError, ValueError):
        return b""


def body(mail: EmailMessage) -> Rendering:
    """Give what the mail says: all its texts in order, and of alternatives the plain one, unless it is a stub."""
    shown = [rendering for group in _alternatives(mail) for rendering in _chosen(group)][:MOST_BODIES]
    hidden = dict.fromkeys(line for rendering in shown for line in rendering.hidden)
    return Rendering(tidy("\n\n".join(rendering.text for rendering in shown)), tuple(hidden))


def text_of(part: EmailMessage) -> str:
    """Decode the text of a part."""
    return as_text(payload(part), part.get_content_charset())


def tidy(text: str) -> str:
    """Unify line ends and blanks, and drop control characters and empty lines that nobody misses."""
    unified = LINE_ENDS.sub("\n", text).replace("\N{NO-BREAK SPACE}", " ")
    lines = (line.rstrip() for line in CONTROL.sub("", unified).split("\n"))
    return BLANKS.sub("\n\n", "\n".join(lines)).strip()


def _is_container(part: EmailMessage) -> bool:
    return part.get_content_maintype() == "multipart" and part.is_multipart()


def _children(part: EmailMessage) -> list[EmailMessage]:
    """Give the parts within, the last one first."""
    within = part.get_payload()
    return [child for child in reversed(within) if isinstance(child, EmailMessage)] if isinstance(within, list) else []


def _alternatives(mail: EmailMessage) -> Iterator[list[EmailMessage]]:
    """Give the texts in groups that say the same; what stands alone is a group of one."""
    pending = [mail]
    for _ in range(MOST_PARTS):
        if not pending:
            return
        part = pending.pop()
        if part.get_content_type() == "multipart/alternative":
            yield [leaf for leaf in leaves(part) if not is_attachment(leaf)]
        elif _is_container(part):
            pending.extend(_children(part))
        elif not is_attachment(part):
            yield [part]


def _chosen(group: list[EmailMessage]) -> list[Rendering]:
    """Choose the plain parts of a group, or the HTML where they are blank or a stub."""
    plain = [text_of(part) for part in group[:MOST_BODIES] if part.get_content_type() == "text/plain"]
    length = sum(len(text.strip()) for text in plain)
    rich = [part for part in group if part.get_content_type() == "text/html"][:MOST_BODIES]
    if rich and length < LONGEST_STUB:
        shown = [visible(text_of(part)) for part in rich]
        if sum(len(rendering.text.strip()) for rendering in shown) > STUB_FACTOR * length:
            return shown
    return [Rendering(text) for text in plain if text.strip()]
