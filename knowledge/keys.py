"""What an entry of the log is found by: the words in it, its sender's, its category, its state, its person.

All are beginnings of words or whole names, behind a letter that says of what kind they are. They are bytes, because all
databases sort these alike.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from knowledge import words


class Kind(StrEnum):
    """Of what kind a key is."""

    WORD = "w"
    SENDER = "f"
    CATEGORY = "c"
    STATE = "s"
    PERSON = "p"


class Range(NamedTuple):
    """From which key to which one is looked up."""

    first: bytes
    last: bytes


class Texts(NamedTuple):
    """What stands in an entry; of one without a decision, category, summary and why are empty."""

    subject: str
    sender_address: str
    sender_name: str
    reason: str
    category: str = ""
    summary: str = ""
    why: str = ""


def of_entry(texts: Texts, state: str, person: int | None) -> set[bytes]:
    """Give all keys of an entry."""
    return {
        *_keys(Kind.WORD, words.beginnings(searched(texts))),
        *_keys(Kind.SENDER, words.beginnings(sender(texts))),
        *([exact(Kind.CATEGORY, texts.category)] if texts.category else []),
        *([exact(Kind.PERSON, str(person))] if person else []),
        exact(Kind.STATE, state),
    }


def searched(texts: Texts) -> str:
    """Give the words that a search finds."""
    return _joined(texts.subject, texts.reason, texts.category, texts.summary, texts.why)


def sender(texts: Texts) -> str:
    """Give the words of a sender's name and address."""
    return _joined(texts.sender_name, texts.sender_address)


def exact(kind: Kind, name: str) -> bytes:
    """Give the key of a whole name."""
    return f"{kind}{name}".encode(errors="replace")


def same(kind: Kind, name: str) -> Range:
    """Look up a whole name."""
    key = exact(kind, name)
    return Range(key, key)


def beginning(kind: Kind, wanted: Iterable[str]) -> Iterator[Range]:
    """Look up words by what they begin with."""
    return (_from(exact(kind, each)) for word in wanted for each in words.lookups(word))


def any_of(kind: Kind) -> Range:
    """Look up whatever is of that kind."""
    return _from(exact(kind, ""))


def _from(key: bytes) -> Range:
    return Range(key, key + b"\xff")  # no byte of UTF-8 comes behind it


def _keys(kind: Kind, names: Iterable[str]) -> Iterator[bytes]:
    return (exact(kind, name) for name in names)


def _joined(*texts: str) -> str:
    return " ".join(words.words(text) for text in texts)
