"""Pause and resume, from the page."""

from starlette.responses import RedirectResponse, Response

from daemon.steps.orders import PAUSE, RESUME
from daemon.steps.rest import Wish
from daemon.web import render
from daemon.web.door import SEE_OTHER
from daemon.web.site import Asked
from daemon.web.waiting import CONFLICT
from daemon.web.words import refusal


def pause(asked: Asked) -> Response:
    """Have the employee pause until somebody says otherwise."""
    return _done(asked, refusal(asked, PAUSE, Wish(by=asked.guest.user.name).model_dump_json()))


def resume(asked: Asked) -> Response:
    """Have the employee go on."""
    return _done(asked, refusal(asked, RESUME, ""))


def _done(asked: Asked, problem: str) -> Response:
    if problem:
        return render.page(asked, "error.html", CONFLICT, told=problem)
    return RedirectResponse("/waiting", SEE_OTHER)
