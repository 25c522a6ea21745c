"""What a specialist may tell a server outside: what it passes to a tool leaves the house.

The check is narrow, and meant so: it knows a number or an address again, not what was said in other words. That bounds
what a specialist that a mail has taken over can carry out, and does not end it: allow servers that you trust alone.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from daemon.judgement.runs import plain, runs

LONGEST_ARGUMENTS = 2_000  # characters of all keys and values together
MOST_VALUES = 100
DEEPEST = 4  # tables and lists within each other
SHORTEST_NUMBER = 3  # digits; a shorter one belongs to nobody
SHORTEST_SECRET = 6  # characters; a shorter one would be found everywhere
ORDERS_RUN = 12  # words in a row that two texts do not have in common by chance
COMMON = 3  # who have a number in their mails or facts: from then on it is a year, a price or an article, and nobody's
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")
# A number as people group it: by blanks, hyphens, dots, slashes or brackets.
NUMBER = re.compile(r"\d(?:[ ./()-]{0,2}\d)*")
DIGITS = re.compile(rf"\d{{{SHORTEST_NUMBER},}}")

TOO_LONG = f"they are longer than {LONGEST_ARGUMENTS} characters"
TOO_MANY = f"they have more than {MOST_VALUES} values"
TOO_DEEP = f"they are nested deeper than {DEEPEST}"
ODD_VALUE = "only text, numbers, true, false and lists or tables of them may be passed"
SECRET = "they hold a secret of this house"  # noqa: S105 - words that tell of one
ORDERS = "they hold words of instructions given in this house"
OF_OTHERS = (
    "{} belongs to somebody else than the sender of this mail, and stands neither in the mail nor in its case; ask "
    "without it"
)
REFUSED = "The call was not made: {}."


class OddArgumentsError(ValueError):
    """The arguments cannot be passed on, whatever they say; the text tells why."""


@dataclass(frozen=True)
class Known:
    """What the arguments are held against: marks of theirs that are tied to others, secrets, and instructions."""

    tied: frozenset[str]
    secrets: Collection[str]
    orders: Collection[str]


def words_of(arguments: Mapping[str, object]) -> list[str]:
    """List all that a call says, keys too; raise OddArgumentsError where it is too much, or no plain data."""
    found: list[str] = []
    for words in _walk(arguments, 1):
        found.append(words)
        if len(found) > MOST_VALUES:
            raise OddArgumentsError(TOO_MANY)
    if sum(map(len, found)) > LONGEST_ARGUMENTS:
        raise OddArgumentsError(TOO_LONG)
    return found


def _walk(value: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST + 1:
        raise OddArgumentsError(TOO_DEEP)
    match value:
        case str():
            yield value
        case None | bool():
            yield ""
        case int():
            yield str(value)
        case float() if math.isfinite(value):
            yield format(value, "f").rstrip("0").rstrip(".")
        case list():
            for item in value:
                yield from _walk(item, depth + 1)
        case dict():
            for key, item in value.items():
                yield str(key)
                yield from _walk(item, depth + 1)
        case _:
            raise OddArgumentsError(ODD_VALUE)


def marks_of(text: str) -> frozenset[str]:
    """Find what can belong to somebody: addresses, and numbers as they stand and with their groups put together."""
    words = plain(text)
    grouped = ("".join(filter(str.isdigit, match[0])) for match in NUMBER.finditer(words))
    numbers = (*DIGITS.findall(words), *(number for number in grouped if len(number) >= SHORTEST_NUMBER))
    # A dot may end a sentence; an apostrophe may quote an address, or be part of it.
    addresses = (found.strip(around) for found in ADDRESS.findall(words) for around in (".", "'."))
    return frozenset([*numbers, *addresses])


def objection(words: Collection[str], known: Known) -> str | None:
    """Say why these words may not leave the house; None where they may."""
    text = "\n".join(words)
    if any(secret in text for secret in known.secrets if len(secret) >= SHORTEST_SECRET):
        return REFUSED.format(SECRET)
    said = set(runs(text, ORDERS_RUN))
    if any(not said.isdisjoint(runs(orders, ORDERS_RUN)) for orders in known.orders):
        return REFUSED.format(ORDERS)
    theirs = sorted(marks_of(text) & known.tied)
    return REFUSED.format(OF_OTHERS.format(theirs[0])) if theirs else None


def tied(holders: Mapping[str, Collection[object]]) -> frozenset[str]:
    """Say which marks are tied to somebody, by those in whose mails or facts each stands."""
    return frozenset(mark for mark, owners in holders.items() if 0 < len(owners) < COMMON)
