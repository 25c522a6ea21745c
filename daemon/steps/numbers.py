"""What orders are made of: the numbers in an argument, and the deed that carries one out."""

from collections.abc import Callable

from sqlmodel import Session

from daemon.errors import OrderRefused

Deed = Callable[[Session], str]
LARGEST_ID = 2**63 - 1


def two_of(argument: str, itself: str) -> tuple[int, int]:
    """Read the numbers of two that are to be made one; raise OrderRefused, with these words, where they are one."""
    kept, other = numbers_of(argument)
    if kept == other:
        raise OrderRefused(itself)
    return kept, other


def numbers_of(argument: str) -> list[int]:
    """Read the numbers; raise OrderRefused where a word is none."""
    words = argument.split()
    wrong = [word for word in words if not (word.isdecimal() and int(word) <= LARGEST_ID)]
    if wrong:
        message = f"{wrong[0]!r} is no number"
        raise OrderRefused(message)
    return [int(word) for word in words]
