"""Pause and resume, from the page."""

from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from daemon.steps.orders import PAUSE, RESUME
from daemon.steps.rest import Wish
from daemon.web import render
from daemon.web.door import SEE_OTHER
from daemon.web.site import Asked, as_number
from daemon.web.waiting import CONFLICT
from daemon.web.words import Giver, Outcome

LONGEST_HOURS = 24 * 366


def pause(asked: Asked) -> Response:
    """Have the employee pause, for so many hours or until somebody says otherwise."""
    hours = as_number(asked.filled("hours") or "0")
    if hours is None or hours > LONGEST_HOURS:
        return render.page(asked, "error.html", CONFLICT, told="Say for how many hours, or nothing.")
    until = asked.now + timedelta(hours=hours) if hours else None
    return _done(asked, Giver(asked).give(PAUSE, Wish(by=asked.guest.user.name, until=until).model_dump_json()))


def resume(asked: Asked) -> Response:
    """Have the employee go on."""
    return _done(asked, Giver(asked).give(RESUME, ""))


def _done(asked: Asked, outcome: Outcome) -> Response:
    if outcome.problem:
        return render.page(asked, "error.html", CONFLICT, told=outcome.problem)
    return RedirectResponse(outcome.onward("/waiting"), SEE_OTHER)
