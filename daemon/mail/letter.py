"""A letter to a specialist who is a person, with the mail enclosed as it came; nothing but its frozen bytes."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from daemon.judgement.answers import thread_id
from daemon.mail.compose import Author, content, head, mailbox, short, words

LARGEST_ENCLOSED = 10_000_000  # bytes: many servers take no mail that is much larger
LONGEST_LINE = 998  # bytes (RFC 5322, 2.1.1)
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
    """Write the letter.

    Its boundary stands nowhere else: not in the text, where quoted-printable has no ``=_``, and not in the mail, since
    what is random in ``own_id`` was made after it had come.
    """
    boundary = f"=_{own_id.strip('<>').partition('@')[0]}"
    parts = [content(_text(request, author, len(raw)), author.signature)]
    if len(raw) <= LARGEST_ENCLOSED:
        parts.append(_enclosure(raw, f"message-{request.message}.eml"))
    mark = f"--{boundary}".encode("ascii")
    body = b"".join(b"%b\r\n%b\r\n" % (mark, part) for part in parts)
    return b"%b\r\n%b%b--\r\n" % (head(_fields(request, author, to, own_id, boundary, now)), body, mark)


def _fields(
    request: Request, author: Author, to: str, own_id: str, boundary: str, now: datetime
) -> list[tuple[str, str]]:
    return [
        ("From", mailbox(author.name, author.address)),
        ("To", to),
        ("Subject", words("Subject", f"[case {request.case}] {short(request.subject)}")),
        ("Date", format_datetime(now)),
        ("Message-ID", own_id),
        ("In-Reply-To", thread_id(own_id)),
        ("References", thread_id(own_id)),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
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


def _enclosure(raw: bytes, name: str) -> bytes:
    """Write a mail as a part (RFC 2046, 5.2.1): its bytes as they are, and an encoding that says what they are."""
    fields = [
        ("Content-Type", "message/rfc822"),
        ("Content-Transfer-Encoding", _coding(raw)),
        ("Content-Disposition", f'attachment; filename="{name}"'),
    ]
    return head(fields) + b"\r\n" + raw


def _coding(raw: bytes) -> str:
    """Say what is in the bytes (RFC 2045, 2.7 to 2.9); in a Maildir lines end with a line feed alone."""
    lines = raw.split(b"\r\n" if b"\r\n" in raw else b"\n")
    if any(len(line) > LONGEST_LINE or {*b"\0\r\n"} & {*line} for line in lines):
        return "binary"
    return "7bit" if raw.isascii() else "8bit"
