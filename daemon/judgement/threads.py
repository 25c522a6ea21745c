"""To which case a mail belongs: decided by Message-IDs alone, which a stranger cannot guess."""

import re

from daemon.judgement.message import Message

REPLY_MARK = re.compile(r"^\s*((re|aw|sv|antw|fwd?|wg|tr|vs)(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
MOST_REFERENCES = 50


def related_ids(message: Message) -> tuple[str, ...]:
    """Give the Message-IDs that this mail answers, the nearest first (RFC 5322, 3.6.4)."""
    nearest = dict.fromkeys((*message.in_reply_to, *reversed(message.references)))
    return tuple(nearest)[:MOST_REFERENCES]


def bare_subject(subject: str) -> str:
    """Take the marks of replies and forwards off a subject."""
    return REPLY_MARK.sub("", subject).strip()
