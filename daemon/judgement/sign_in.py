"""Who may do what on the pages, and when somebody who tries to sign in has to wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """What a user may do; each may what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Say whether it is enough."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


WINDOW = timedelta(minutes=15)
# One who has mistyped may try again; one who guesses gets a thousand guesses a day at most, from however many places.
MOST_OF_NAME_AND_PLACE, MOST_OF_PLACE, MOST_OF_NAME = 5, 20, 10


@dataclass(frozen=True)
class Try:
    """A try to sign in: as whom, from where, when, and whether it succeeded."""

    user: str
    place: str
    at: datetime
    succeeded: bool = False


def free_at(tries: Iterable[Try], user: str, place: str, now: datetime) -> datetime | None:
    """Say when another try may be made; None where it may be made now.

    What counts is the failures of the last 15 minutes: 5 of this user from this place, 10 of this user from anywhere,
    20 from this place as anybody. A success wipes out the failures before it of the same user and place.
    """
    failures_left = _left(each for each in tries if each.at > now - WINDOW)
    mine = [each.at for each in failures_left if (each.user, each.place) == (user, place)]
    named = [each.at for each in failures_left if each.user == user]
    placed = [each.at for each in failures_left if each.place == place]
    bounds = ((mine, MOST_OF_NAME_AND_PLACE), (named, MOST_OF_NAME), (placed, MOST_OF_PLACE))
    return max((sorted(failures)[-most] + WINDOW for failures, most in bounds if len(failures) >= most), default=None)


def _left(tries: Iterable[Try]) -> list[Try]:
    """Leave the failures behind which there is no success of the same user and place."""
    found: dict[tuple[str, str], list[Try]] = {}
    for each in tries:
        known = found.setdefault((each.user, each.place), [])
        if each.succeeded:
            known.clear()
        else:
            known.append(each)
    return [each for known in found.values() for each in known]
