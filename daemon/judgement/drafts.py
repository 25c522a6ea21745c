"""What a person made of a draft: sent as it was, sent or kept with changes, or deleted."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_DIFFERENCE = 4_000
TOO_LARGE = "it is too large to be compared with what was drafted"
# Clocks of mail server and daemon may differ a little; an older answer of a person's own is none to our draft.
CLOCK_SLACK = timedelta(minutes=5)


class Fate(StrEnum):
    """What became of a draft. MISSING was seen nowhere once: a mail program may just be sending it."""

    SENT = "sent"
    EDITED = "edited"
    MISSING = "missing"
    DELETED = "deleted"


FINAL = (Fate.SENT, Fate.DELETED)


@dataclass(frozen=True)
class Seen:
    """A mail that may be what became of the draft: its text, whether it was sent, and when it was stored.

    The text is None where the mail is too large to be compared.
    """

    text: str | None
    sent: bool
    stored_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of a draft, with the difference to what was drafted; empty where there is none."""

    fate: Fate
    difference: str = ""


def outcome(drafted: str, drafted_at: datetime, seen: Sequence[Seen], *, missed: bool) -> Outcome | None:
    """Say what became of a draft; None as long as it lies there untouched. ``missed`` says that it was missing before.

    What was sent counts before what lies among the drafts: mail programs leave copies behind.
    """
    ours = [mail for mail in seen if mail.stored_at >= drafted_at - CLOCK_SLACK]
    sent = next((mail for mail in ours if mail.sent), None)
    if sent:
        return Outcome(Fate.SENT, difference(drafted, sent.text))
    if not ours:
        return Outcome(Fate.DELETED if missed else Fate.MISSING)
    changes = difference(drafted, ours[-1].text)
    return Outcome(Fate.EDITED, changes) if changes else None


def difference(drafted: str, found: str | None) -> str:
    """Show what a person changed, line by line: what was taken out behind ``-``, what was put in behind ``+``."""
    if found is None:
        return TOO_LARGE
    before, after = _lines(drafted), _lines(found)
    lines = list(difflib.unified_diff(before, after, "drafted", "found", lineterm="", n=1))
    return "\n".join(lines[2:])[:LONGEST_DIFFERENCE]


def _lines(text: str) -> list[str]:
    """Compare words, not how a mail program breaks the lines of a paragraph."""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
