"""A person's word, given on a page: the order is left for the service, and its outcome waited for a short while."""

import time
from dataclasses import dataclass

from daemon.errors import FatalError
from daemon.ordering import LaterError, Wanted, place
from daemon.web.site import Asked

PATIENCE_SECONDS = 10.0  # between two turns an order may wait longer; it is carried out all the same
LEAST_SECONDS = 0.2
LATER = "later=1"  # in an address: the page says that the word is still to be carried out


@dataclass(frozen=True)
class Outcome:
    """What became of an order: refused with a ``problem``, to be carried out ``later``, or done."""

    problem: str = ""
    later: bool = False

    def onward(self, path: str) -> str:
        """Give the address of the next page, which says where the order is still to be carried out."""
        return f"{path}{'&' if '?' in path else '?'}{LATER}" if self.later else path


class Giver:
    """Gives orders, and waits for all of them together no longer than one's patience lasts."""

    def __init__(self, asked: Asked) -> None:
        """Begin to wait."""
        self._asked = asked
        self._latest = time.monotonic() + PATIENCE_SECONDS

    def give(self, kind: str, argument: str) -> Outcome:
        """Give an order."""
        patience = max(LEAST_SECONDS, self._latest - time.monotonic())
        try:
            place(self._asked.db, Wanted(kind, argument, self._asked.reviewer), self._asked.settings, patience)
        except LaterError:
            return Outcome(later=True)
        except FatalError as error:
            return Outcome(str(error))
        return Outcome()
