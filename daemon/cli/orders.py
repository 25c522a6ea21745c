"""``clerkd requeue`` and ``clerkd done``: a person's word on a mail that waits for one."""

import time
from typing import Annotated

import typer

from daemon.cli.options import Config
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.judgement.states import OrderState
from daemon.paths import StateDirectory
from daemon.premises import holding, is_held, knowledge_of
from daemon.settings import Settings, load
from daemon.steps.orders import DONE, LARGEST_ID, REQUEUE, obey
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
    _order(REQUEUE, message, load(config))


def done(message: Message, config: Config = None) -> None:
    """Say that a person has dealt with a held, failed or escalated mail.

    Example:  clerkd done 12
    """
    _order(DONE, message, load(config))


def _order(kind: str, message: int, settings: Settings) -> None:
    db = knowledge_of(settings)
    number = service.leave_order(db, kind, str(message), OrderState.WAITING, utc_now())
    outcome = _outcome(db, number, StateDirectory(settings.service.state))
    if outcome.state != OrderState.DONE:
        raise FatalError(outcome.outcome)
    print(outcome.outcome)


def _outcome(db: Database, number: int, state: StateDirectory) -> Order:
    """Wait for the service to carry the order out; without a service, carry it out in its place."""
    latest = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < latest:
        row = service.order(db, number)
        if row and row.state != OrderState.WAITING:
            return row
        if not is_held(state):
            _in_its_place(db, state)
        else:
            time.sleep(LOOK_SECONDS)
    message = f"the service has not carried out the order within {WAIT_SECONDS:g} s; it stays on its list"
    raise FatalError(message)


def _in_its_place(db: Database, state: StateDirectory) -> None:
    try:
        with holding(state):
            obey(db, utc_now)
    except FatalError:
        time.sleep(LOOK_SECONDS)  # a service has just started: it will do it
