"""What a reviewer's word teaches: a draft of the lesson, made of what changed; a person accepts it or writes another.

No model has a hand in it: what was rejected or edited may have come from a mail that took the model over.
"""

import difflib
from collections.abc import Sequence

from daemon.judgement.facts import LONGEST_FACT

LONGEST_PART = 120  # characters of a sentence that is told in a lesson
OF_REJECTION = "In answers to mail filed as {category}: {why}"
OF_CORRECTION = 'Mail such as "{summary}" is {should}, not {was}.'
OF_CHANGE = 'In answers to mail filed as {category}, write "{put_in}" rather than "{taken_out}".'
OF_ADDITION = 'In answers to mail filed as {category}, add: "{put_in}"'
OF_OMISSION = 'In answers to mail filed as {category}, do not write: "{taken_out}"'


def of_rejection(category: str, why: str) -> str:
    """Draft what a rejection teaches; nothing where no reason was given."""
    return _short(OF_REJECTION.format(category=category, why=why)) if why.strip() else ""


def of_correction(field: str, summary: str, was: str, should: str, why: str) -> str:
    """Draft what a corrected category, priority or specialist teaches."""
    said = OF_CORRECTION.format(summary=_part(summary), should=f"{should} ({field})", was=was)
    return _short(f"{said} {why}".strip())


def of_edit(category: str, before: str, after: str) -> str:
    """Draft what an edited answer teaches, by the sentence that changed the most."""
    taken_out, put_in = _changed(_sentences(before), _sentences(after))
    if not taken_out and not put_in:
        return ""
    form = OF_CHANGE if taken_out and put_in else OF_ADDITION if put_in else OF_OMISSION
    return _short(form.format(category=category, taken_out=_part(taken_out), put_in=_part(put_in)))


def _changed(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """Give the longest run of sentences that was replaced, and by what."""
    changes = [
        (". ".join(before[start:end]), ". ".join(after[from_there:to_there]))
        for tag, start, end, from_there, to_there in difflib.SequenceMatcher(None, before, after).get_opcodes()
        if tag != "equal"
    ]
    return max(changes, key=lambda change: len(change[0]) + len(change[1]), default=("", ""))


def _sentences(text: str) -> list[str]:
    plain = " ".join(text.split())
    pieces = (each.strip().rstrip(".!?") for each in plain.replace("! ", ". ").replace("? ", ". ").split(". "))
    return [piece for piece in pieces if piece]


def _part(words: str) -> str:
    return words if len(words) <= LONGEST_PART else f"{words[: LONGEST_PART - 1].rstrip()}\u2026"


def _short(words: str) -> str:
    return words[:LONGEST_FACT]
