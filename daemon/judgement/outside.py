"""What a specialist may tell a server outside: what it passes to a tool leaves the house, by the same walls as a mail.

The walls know things again, not what is said in other words. That bounds what a specialist that a mail has taken over
can carry out, and does not end it: allow servers that you trust alone.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from daemon.judgement.walls import Breach, Ground, Wall, breaches

LONGEST_ARGUMENTS = 2_000  # characters of all keys and values together
MOST_VALUES = 100
DEEPEST = 4  # tables and lists within each other

TOO_LONG = f"they are longer than {LONGEST_ARGUMENTS} characters"
TOO_MANY = f"they have more than {MOST_VALUES} values"
TOO_DEEP = f"they are nested deeper than {DEEPEST}"
ODD_VALUE = "only text, numbers, true, false and lists or tables of them may be passed"
REASONS = {
    Wall.SECRET: "they hold a secret of this house, or what looks like one",
    Wall.ORDERS: "they hold words of instructions given in this house",
    Wall.OTHERS: (
        "{} belongs to somebody else than the sender of this mail, and stands neither in the mail nor in its case; "
        "ask without it"
    ),
    Wall.BORROWED: "they hold words that somebody else than the sender of this mail wrote; ask without them",
    Wall.LINK: "{} stands neither in the mail nor leads where links may lead; ask without it",
    Wall.UNSEEN: "they hold a character that nobody sees, {}",
}
REFUSED = "The call was not made: {}."


class OddArgumentsError(ValueError):
    """The arguments cannot be passed on, whatever they say; the text tells why."""


@dataclass(frozen=True)
class Kept:
    """What never leaves the house, whoever the mail is from: secrets, and instructions."""

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


def objection(words: Collection[str], ground: Ground) -> str | None:
    """Say why these words may not leave the house; None where they may."""
    found = min(breaches("\n".join(words), ground), key=_weight, default=None)
    return REFUSED.format(REASONS[found.wall].format(found.passage)) if found else None


def _weight(breach: Breach) -> int:
    return list(REASONS).index(breach.wall)
