"""``clerkd requeue`` and ``clerkd done``: a person's word on a mail that waits for one.

Any order is left for the service, which carries it out between two turns; without a service, the command does it.
"""

from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.options import Config
from daemon.cli.reviewer import at_the_keys
from daemon.ordering import InItsPlace, Wanted, obeyed, place
from daemon.premises import knowledge_of
from daemon.settings import Settings, load
from daemon.steps.numbers import LARGEST_ID
from daemon.steps.orders import DONE, REQUEUE

WAIT_SECONDS = 600.0

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
    order(kind, argument, load(config))


def order(kind: str, argument: str, settings: Settings, in_its_place: InItsPlace = obeyed) -> None:
    """Leave an order and print its outcome; see ``placed``."""
    print(placed(kind, argument, settings, in_its_place))


def placed(kind: str, argument: str, settings: Settings, in_its_place: InItsPlace = obeyed) -> str:
    """Leave an order, wait for its outcome and give it; see ``daemon.ordering.place``."""
    wanted = Wanted(kind, argument, at_the_keys())
    return place(knowledge_of(settings), wanted, settings, WAIT_SECONDS, in_its_place)
