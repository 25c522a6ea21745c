"""Wires the pages: which address leads where, and who may go there."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from daemon.judgement.sign_in import Role
from daemon.service.telemetry import logger
from daemon.web import cases, log, numbers, people, render, rest, sessions, users, waiting
from daemon.web.door import guarded, sign_in, sign_out
from daemon.web.headers import Front
from daemon.web.site import Asked, Site, site_of

STATIC = Path(__file__).parent / "static"
BROKEN = 500
STUMBLED = "clerkd stumbled over this page. What happened stands in its journal."
Handler = Callable[[Asked], Response]


def build(site: Site) -> Starlette:
    """Give the app."""
    web = site.settings.web
    app = Starlette(
        routes=[
            Route("/sign-in", sign_in, methods=["GET", "POST"], name="sign_in"),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *(_route(path, handler, Role.VIEWER) for path, handler in LOOKING.items()),
            *(_route(path, handler, Role.REVIEWER, "POST") for path, handler in SAYING.items()),
            Route("/lesson/{number:number}", guarded(Role.REVIEWER, waiting.teach), methods=["GET", "POST"]),
            _route("/sign-out", sign_out, Role.VIEWER, "POST"),
            _route("/users", users.listed, Role.ADMIN),
        ],
        middleware=[
            Middleware(
                Front, hosts=web.hosts, https=web.address.startswith("https://"), stumbled=partial(_stumbled, site)
            ),
        ],
        exception_handlers={HTTPException: _refused},
    )
    app.state.site, app.state.sign_ins = site, asyncio.Lock()
    return app


class Number(Convertor[int]):
    """A number of ours in an address; longer ones are none, and lead nowhere."""

    regex = "[0-9]{1,15}"

    def convert(self, value: str) -> int:
        """Read it."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Write it."""
        return str(value)


register_url_convertor("number", Number())


def _home(_asked: Asked) -> Response:
    return RedirectResponse("/waiting")


LOOKING: dict[str, Handler] = {
    "/": _home,
    "/waiting": waiting.listed,
    "/waiting/next": waiting.following,
    "/waiting/{number:number}": waiting.one,
    "/log": log.listed,
    "/log/fresh": log.fresh,
    "/log/{number:number}": log.one,
    "/cases": cases.listed,
    "/cases/{number:number}": cases.one,
    "/people": people.listed,
    "/people/{number:number}": people.one,
    "/sessions": sessions.listed,
    "/sessions/{session:str}": sessions.one,
    "/numbers": numbers.shown,
    "/numbers/{chart:str}.svg": numbers.picture,
}
SAYING: dict[str, Handler] = {
    "/waiting/approve": waiting.approve_several,
    "/waiting/{number:number}/approve": waiting.approve,
    "/waiting/{number:number}/edit": waiting.edit,
    "/waiting/{number:number}/reject": waiting.reject,
    "/waiting/{number:number}/correct": waiting.correct,
    "/pause": rest.pause,
    "/resume": rest.resume,
}


def _route(path: str, handler: Handler, needed: Role, method: str = "GET") -> Route:
    return Route(path, guarded(needed, handler), methods=[method])


async def _refused(request: Request, error: Exception) -> Response:
    """Say what is wrong, on a page."""
    status, told = (error.status_code, error.detail) if isinstance(error, HTTPException) else (BROKEN, STUMBLED)
    return render.bare(site_of(request), request, "bare_error.html", status, told=told)


def _stumbled(site: Site, scope: Scope, error: Exception) -> Response:
    """Say of a mistake of our own no word, which may be a mail's: the journal has its place."""
    logger().error("page_failed", page=scope.get("path"), exc_info=error)
    return render.bare(site, Request(scope), "bare_error.html", BROKEN, told=STUMBLED)
