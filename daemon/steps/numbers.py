"""What orders are made of: the numbers in an argument, and the deed that carries one out."""

from collections.abc import Callable

from sqlmodel import Session

from daemon.errors import OrderRefused

Deed = Callable[[Session], str]
LARGEST_ID = 2**63 - 1


def numbers_of(argument: str) -> list[int]:
    """Read the numbers; raise OrderRefused where a word is none."""
    words = argument.split()
    wrong = [word for word in words if not (word.isdecimal() and int(word) <= LARGEST_ID)]
    if wrong:
        message = f"{wrong[0]!r} is no number"
        raise OrderRefused(message)
    return [int(word) for word in words]
