"""Leaves an order for the service and waits for its outcome; without a service, carries it out in its place."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.judgement.states import OrderState
from daemon.premises import HeldError, is_at_work, working
from daemon.reviewer import Reviewer
from daemon.settings import Settings
from daemon.steps.orders import obey
from knowledge import service
from knowledge.database import Database
from knowledge.tables import Order

LOOK_SECONDS = 0.1
InItsPlace = Callable[[Database], object]


class LaterError(FatalError):
    """The service has not come to the order yet: it stays on its list, and will be carried out."""


def obeyed(db: Database) -> None:
    """Carry out what waits and needs no session."""
    obey(db, utc_now)


@dataclass(frozen=True)
class Wanted:
    """What is ordered, and who orders it."""

    kind: str
    argument: str
    reviewer: Reviewer


def place(db: Database, wanted: Wanted, settings: Settings, seconds: float, in_its_place: InItsPlace = obeyed) -> str:
    """Leave an order, wait for its outcome and give it.

    Raises FatalError where it is refused, and LaterError where that takes longer than so many seconds.

    ``in_its_place`` carries out what waits where no service is at work; the state is held for it.
    """
    giver = wanted.reviewer
    number = service.leave_order(db, wanted.kind, wanted.argument, OrderState.WAITING, utc_now(), giver.by, giver.place)
    row = _outcome(db, number, settings, seconds, in_its_place)
    if row is None:
        message = f"the service has not carried out the order within {seconds:g} s; it stays on its list"
        raise LaterError(message)
    if row.state != OrderState.DONE:
        raise FatalError(row.outcome)
    return row.outcome


def _outcome(db: Database, number: int, settings: Settings, seconds: float, in_its_place: InItsPlace) -> Order | None:
    """Wait for the service to carry the order out; without a service, carry it out in its place."""
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        row = service.order(db, number)
        if row and row.state != OrderState.WAITING:
            return row
        if not is_at_work(settings, db):
            _stand_in(settings, in_its_place)
        else:
            time.sleep(LOOK_SECONDS)
    return None


def _stand_in(settings: Settings, in_its_place: InItsPlace) -> None:
    try:
        with working(settings) as db:
            in_its_place(db)
    except HeldError:
        time.sleep(LOOK_SECONDS)  # a service has just started: it will do it
