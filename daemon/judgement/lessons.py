"""What a reviewer's word teaches: a draft of the lesson, made of what changed; a person accepts it or writes another.

No word of the model's stands in it: what was rejected or edited may have come from a mail that took the model over.
"""

from daemon.judgement.facts import LONGEST_FACT

LONGEST_PART = 120  # characters of a sentence that is told in a lesson
OF_REJECTION = "In answers to mail filed as {category}: {why}"
OF_CORRECTION = "What looks like {was} ({field}) may be {should}: {why}"
OF_EDIT = 'In answers to mail filed as {category}, write: "{put_in}"'


def of_rejection(category: str, why: str) -> str:
    """Draft what a rejection teaches; nothing where no reason was given."""
    return _short(OF_REJECTION.format(category=category, why=why)) if why.strip() else ""


def of_correction(field: str, was: str, should: str, why: str) -> str:
    """Draft what a corrected category, priority or specialist teaches; nothing where no reason was given."""
    return _short(OF_CORRECTION.format(field=field, was=was, should=should, why=why)) if why.strip() else ""


def of_edit(category: str, before: str, after: str) -> str:
    """Draft what an edited answer teaches, by the longest of the sentences that the reviewer put in."""
    known = set(_sentences(before))
    put_in = max((each for each in _sentences(after) if each not in known), key=len, default="")
    return _short(OF_EDIT.format(category=category, put_in=_part(put_in))) if put_in else ""


def _sentences(text: str) -> list[str]:
    plain = " ".join(text.split())
    pieces = (each.strip().rstrip(".!?") for each in plain.replace("! ", ". ").replace("? ", ". ").split(". "))
    return [piece for piece in pieces if piece]


def _part(words: str) -> str:
    return words if len(words) <= LONGEST_PART else f"{words[: LONGEST_PART - 1].rstrip()}\u2026"


def _short(words: str) -> str:
    return words[:LONGEST_FACT]
