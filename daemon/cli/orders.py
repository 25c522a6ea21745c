"""``clerkd requeue`` and ``clerkd done``: a person's word on a mail that waits for one.

Any order is left for the service, which carries it out between two turns; without a service, the command does it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.options import Config
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.judgement.states import OrderState
from daemon.premises import HeldError, is_at_work, knowledge_of, working
from daemon.settings import Settings, load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import DONE, REQUEUE, obey
from knowledge import service
from knowledge.database import Database
from knowledge.tables import Order

WAIT_SECONDS = 600.0
LOOK_SECONDS = 0.1

Message = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The mail's number, as `clerkd log` shows it.")
]


def requeue(message: Message, config: Config = None) -> None:
    """Put a held or failed mail to the model again, or do its held actions again.

    While the service runs, it carries the order out between two turns and the command waits for the outcome.

    Example:  clerkd requeue 12
    """
    leave(REQUEUE, str(message), config)


def done(message: Message, config: Config = None) -> None:
    """Say that a person has dealt with a held, failed, escalated or waiting mail.

    An action of it that waits for an approval is rejected.

    Example:  clerkd done 12
    """
    leave(DONE, str(message), config)


def leave(kind: str, argument: str, config: Path | None) -> None:
    """Leave an order that needs no session; see ``order``."""
    order(kind, argument, load(config), _obey)


def order(kind: str, argument: str, settings: Settings, in_its_place: Callable[[Database], object]) -> None:
    """Leave an order and print its outcome; see ``placed``."""
    print(placed(kind, argument, settings, in_its_place))


def _obey(db: Database) -> None:
    obey(db, utc_now)


def placed(kind: str, argument: str, settings: Settings, in_its_place: Callable[[Database], object] = _obey) -> str:
    """Leave an order, wait for its outcome and give it; raise FatalError where it is refused.

    ``in_its_place`` carries out what waits where no service is at work; the state is held for it.
    """
    db = knowledge_of(settings)
    number = service.leave_order(db, kind, argument, OrderState.WAITING, utc_now())
    outcome = _outcome(db, number, settings, in_its_place)
    if outcome.state != OrderState.DONE:
        raise FatalError(outcome.outcome)
    return outcome.outcome


def _outcome(db: Database, number: int, settings: Settings, in_its_place: Callable[[Database], object]) -> Order:
    """Wait for the service to carry the order out; without a service, carry it out in its place."""
    latest = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < latest:
        row = service.order(db, number)
        if row and row.state != OrderState.WAITING:
            return row
        if not is_at_work(settings, db):
            _stand_in(settings, in_its_place)
        else:
            time.sleep(LOOK_SECONDS)
    message = f"the service has not carried out the order within {WAIT_SECONDS:g} s; it stays on its list"
    raise FatalError(message)


def _stand_in(settings: Settings, in_its_place: Callable[[Database], object]) -> None:
    try:
        with working(settings) as db:
            in_its_place(db)
    except HeldError:
        time.sleep(LOOK_SECONDS)  # a service has just started: it will do it
