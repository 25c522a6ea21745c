"""What can belong to somebody: numbers and addresses, as they are known again in whatever dress."""

import re
from collections.abc import Collection, Mapping

from daemon.judgement.runs import plain

SHORTEST_NUMBER = 3  # digits; a shorter one belongs to nobody
COMMON = 3  # who have a number in their mails or facts: from then on it is a year, a price or an article, and nobody's
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")
# A number as people group it: by blanks, hyphens, dots, slashes or brackets.
NUMBER = re.compile(r"\d(?:[ ./()-]{0,2}\d)*")
DIGITS = re.compile(rf"\d{{{SHORTEST_NUMBER},}}")


def marks_of(text: str) -> frozenset[str]:
    """Find what can belong to somebody: addresses, and numbers as they stand and with their groups put together."""
    words = plain(text)
    grouped = ("".join(filter(str.isdigit, match[0])) for match in NUMBER.finditer(words))
    numbers = (*DIGITS.findall(words), *(number for number in grouped if len(number) >= SHORTEST_NUMBER))
    # A dot may end a sentence; an apostrophe may quote an address, or be part of it.
    addresses = (found.strip(around) for found in ADDRESS.findall(words) for around in (".", "'."))
    return frozenset([*numbers, *addresses])


def tied(holders: Mapping[str, Collection[object]]) -> frozenset[str]:
    """Say which marks are tied to somebody, by those in whose mails or facts each stands."""
    return frozenset(mark for mark, owners in holders.items() if 0 < len(owners) < COMMON)
