"""What a person made of a draft: sent as it was, sent or kept with changes, or deleted."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_DIFFERENCE = 4_000
# Clocks of mail server and daemon may differ a little; an older answer of a person's own is none to our draft.
CLOCK_SLACK = timedelta(minutes=5)


class Fate(StrEnum):
    """What became of a draft."""

    SENT = "sent"
    EDITED = "edited"
    DELETED = "deleted"


FINAL = (Fate.SENT, Fate.DELETED)


@dataclass(frozen=True)
class Seen:
    """A mail that may be what became of the draft: its text, whether it was sent, and when it was stored."""

    text: str
    sent: bool
    stored_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of a draft, with the difference to what was drafted; empty where there is none."""

    fate: Fate
    difference: str = ""


def outcome(drafted: str, drafted_at: datetime, seen: Sequence[Seen]) -> Outcome | None:
    """Say what became of a draft; None as long as it lies there untouched.

    What was sent counts before what lies among the drafts: mail programs leave copies behind.
    """
    ours = [mail for mail in seen if mail.stored_at >= drafted_at - CLOCK_SLACK]
    sent = next((mail for mail in ours if mail.sent), None)
    if sent:
        return Outcome(Fate.SENT, difference(drafted, sent.text))
    if not ours:
        return Outcome(Fate.DELETED)
    changes = difference(drafted, ours[-1].text)
    return Outcome(Fate.EDITED, changes) if changes else None


def difference(drafted: str, found: str) -> str:
    """Show what a person changed, line by line: what was taken out behind ``-``, what was put in behind ``+``."""
    before, after = _lines(drafted), _lines(found)
    lines = list(difflib.unified_diff(before, after, "drafted", "found", lineterm="", n=1))
    return "\n".join(lines[2:])[:LONGEST_DIFFERENCE]


def _lines(text: str) -> list[str]:
    """Compare words, not how a mail program breaks the lines of a paragraph."""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
