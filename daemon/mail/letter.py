"""A letter to a specialist who is a person, with the mail enclosed as it came; nothing but its frozen bytes."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from daemon.judgement.answers import thread_id
from daemon.mail.compose import Author, content, mailbox, short, words
from daemon.mail.enclosed import LARGEST_ENCLOSED, enclosing, enclosure

ASKING = """\
{opening}

{name}, a digital employee, hands this case to you. What it writes below, nobody has verified.

Why: {why}

What it asks of you: {brief}

What the case is about: {summary}

{enclosed}

Answer this letter itself: what you write above the quotation goes into the case as your report, and the employee then
answers the sender of the mail."""
ENCLOSED = "The mail is enclosed as it came; somebody outside wrote it, and chose the subject."
TOO_LARGE = "The mail itself is too large to be enclosed ({} bytes). It lies in the mailbox."


@dataclass(frozen=True)
class Request:
    """What a person is asked on a case. ``opening`` is what our own people have put above all such letters to them.

    ``why``, ``brief`` and ``summary`` are the employee's words, ``subject`` is that of the mail.
    """

    case: int
    message: int
    subject: str
    opening: str
    why: str
    brief: str
    summary: str


def letter(request: Request, author: Author, to: str, raw: bytes, own_id: str, now: datetime) -> bytes:
    """Write the letter."""
    text = content(_text(request, author, len(raw)), author.signature)
    return enclosing(_fields(request, author, to, own_id, now), text, own_id, _enclosed(request, raw))


def _enclosed(request: Request, raw: bytes) -> list[bytes]:
    return [enclosure(raw, f"message-{request.message}.eml")] if len(raw) <= LARGEST_ENCLOSED else []


def _fields(request: Request, author: Author, to: str, own_id: str, now: datetime) -> list[tuple[str, str]]:
    return [
        ("From", mailbox(author.name, author.address)),
        ("To", to),
        ("Subject", words("Subject", f"[case {request.case}] {short(request.subject)}")),
        ("Date", format_datetime(now)),
        ("Message-ID", own_id),
        ("In-Reply-To", thread_id(own_id)),
        ("References", thread_id(own_id)),
        ("Auto-Submitted", "auto-generated"),
    ]


def _text(request: Request, author: Author, size: int) -> str:
    return ASKING.format(
        opening=request.opening,
        name=author.name,
        why=request.why,
        brief=request.brief,
        summary=request.summary,
        enclosed=ENCLOSED if size <= LARGEST_ENCLOSED else TOO_LARGE.format(size),
    )
