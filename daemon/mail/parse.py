"""Raw bytes to a Message. Pure, and never puzzled: what cannot be understood is left out, not raised."""

from dataclasses import replace
from email.message import Message as EmailMessage

from daemon.errors import PermanentError
from daemon.judgement.message import Message
from daemon.mail.attachments import attachments, calendar_method
from daemon.mail.headers import addresses, date, decoded, first, gathered, ids, one_line
from daemon.mail.parts import body, leaves, tidy
from daemon.mail.quotes import split
from daemon.mail.report import report
from daemon.mail.structure import structure
from daemon.mail.unseen import Unseen


def parse(raw: bytes, longest_text: int, *, attachments_text: bool = True) -> Message:
    """Read a mail; raise PermanentError where its structure cannot be read at all, or not in a bounded time.

    ``longest_text`` bounds text, quote and signature, in characters each. Without ``attachments_text`` no attachment's
    content is opened: for the second attempt at a mail at which the first was killed.
    """
    try:
        return _parse(structure(raw), longest_text, attachments_text=attachments_text)
    except PermanentError:
        raise
    except Exception as error:
        message = f"the mail's structure cannot be read ({type(error).__name__})"
        raise PermanentError(message) from error


def _parse(mail: EmailMessage, longest_text: int, *, attachments_text: bool) -> Message:
    unseen = Unseen()
    parts = list(leaves(mail))
    found = _described(mail, unseen)
    whole = body(mail)
    written = split(tidy(unseen.strip(whole.text, "the text")), found.subject)
    return replace(
        found,
        text=written.text[:longest_text],
        cut=len(written.text) > longest_text,
        quote=written.quote[:longest_text],
        signature=written.signature[:longest_text],
        attachments=attachments(parts, unseen, with_text=attachments_text),
        removed=(*_without_unseen(whole.hidden), *unseen.lines()),
        calendar_method=calendar_method(parts),
        report=report(mail),
    )


def _described(mail: EmailMessage, unseen: Unseen) -> Message:
    """Read the header fields."""
    return Message(
        message_id=next(iter(ids(mail, "message-id")), ""),
        subject=decoded(first(mail, "subject"), "the subject", unseen),
        senders=addresses(mail, "from", unseen),
        text="",
        sent_at=date(mail),
        reply_to=addresses(mail, "reply-to", unseen),
        recipients=addresses(mail, "to", unseen),
        copied=addresses(mail, "cc", unseen),
        in_reply_to=ids(mail, "in-reply-to"),
        references=ids(mail, "references"),
        media_type=decoded(mail.get_content_type(), "", Unseen()),
        headers=gathered(mail),
    )


def _without_unseen(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Clean the samples of hidden elements: a reviewer reads them."""
    return tuple(one_line(Unseen().strip(line, "")) for line in lines)
