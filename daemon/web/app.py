"""Wires the pages: which address leads where, and who may go there."""

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from daemon.judgement.sign_in import Role
from daemon.service.telemetry import logger
from daemon.web import cases, log, numbers, people, render, rest, sessions, users, waiting
from daemon.web.door import guarded, sign_in, sign_out
from daemon.web.headers import Headers
from daemon.web.site import Asked, Site

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
            Route("/lesson/{number:int}", guarded(Role.REVIEWER, waiting.teach), methods=["GET", "POST"]),
            _route("/sign-out", sign_out, Role.VIEWER, "POST"),
            _route("/users", users.listed, Role.ADMIN),
        ],
        middleware=[
            Middleware(Headers, https=web.address.startswith("https://")),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(web.hosts), www_redirect=False),
        ],
        exception_handlers={HTTPException: _told, Exception: _told},
    )
    app.state.site = site
    return app


def _home(_asked: Asked) -> Response:
    return RedirectResponse("/waiting")


LOOKING: dict[str, Handler] = {
    "/": _home,
    "/waiting": waiting.listed,
    "/waiting/next": waiting.following,
    "/waiting/{number:int}": waiting.one,
    "/log": log.listed,
    "/log/fresh": log.fresh,
    "/log/{number:int}": log.one,
    "/cases": cases.listed,
    "/cases/{number:int}": cases.one,
    "/people": people.listed,
    "/people/{number:int}": people.one,
    "/sessions": sessions.listed,
    "/sessions/{session:str}": sessions.one,
    "/numbers": numbers.shown,
    "/numbers/{chart:str}.svg": numbers.picture,
}
SAYING: dict[str, Handler] = {
    "/waiting/approve": waiting.approve_several,
    "/waiting/{number:int}/approve": waiting.approve,
    "/waiting/{number:int}/edit": waiting.edit,
    "/waiting/{number:int}/reject": waiting.reject,
    "/waiting/{number:int}/correct": waiting.correct,
    "/pause": rest.pause,
    "/resume": rest.resume,
}


def _route(path: str, handler: Handler, needed: Role, method: str = "GET") -> Route:
    return Route(path, guarded(needed, handler), methods=[method])


async def _told(request: Request, error: Exception) -> Response:
    """Say what is wrong; of a mistake of our own no word, which may be a mail's: the journal has its place."""
    if isinstance(error, HTTPException):
        return render.bare(request, "bare_error.html", error.status_code, told=error.detail)
    logger().error("page_failed", page=request.scope.get("path"), exc_info=error)
    return render.bare(request, "bare_error.html", BROKEN, told=STUMBLED)
