"""A person's word, given on a page: the order is left for the service, and its outcome waited for a short while."""

from daemon.errors import FatalError
from daemon.ordering import LaterError, place
from daemon.web.site import Asked

PATIENCE_SECONDS = 10.0  # between two turns an order may wait longer; it is carried out all the same


def refusal(asked: Asked, kind: str, argument: str) -> str:
    """Give an order; say why it is refused, and nothing where it is carried out, now or soon."""
    try:
        place(asked.db, kind, argument, asked.settings, PATIENCE_SECONDS)
    except LaterError:
        return ""
    except FatalError as error:
        return str(error)
    return ""
