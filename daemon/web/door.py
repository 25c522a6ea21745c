"""The door: signing in and out, and who may come in where.

A browser holds a random token, the database its hash. Forms carry a second one (against forgery from other sites); a
request that a browser says comes from elsewhere is refused before anybody looks at it.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from daemon.judgement.sign_in import WINDOW, Role, Try, free_at
from daemon.review.log import clean
from daemon.web import render
from daemon.web.passwords import fits
from daemon.web.site import Asked, Site, place_of, site_of
from knowledge import users, visits
from knowledge.tables import SignIn, Visit
from knowledge.visits import Guest

# The prefix has browsers take it over TLS, or from localhost, alone, and from no other host (RFC 6265bis, 4.1.3.2).
COOKIE = "__Host-clerkd"
ORIGIN = re.compile(r"https?://[\w.:\[\]-]+")
PART = "X-Part"  # a page that is open asks for a part of itself
SEEN_SECONDS = 30  # between two notes that somebody was there
SEE_OTHER, FORBIDDEN, TOO_MANY, UNAUTHORIZED, TOO_LARGE = 303, 403, 429, 401, 413
LONGEST_FORM = 200_000  # bytes: an answer of the longest kind, and some
WRONG = "That is not a name and a password that go together."
ELSEWHERE = "The form was not sent from these pages. Go back, load the page anew, and send it again."
Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(needed: Role, handler: Callable[[Asked], Response]) -> Endpoint:
    """Let in whoever is signed in and may; whoever is not is led to the sign-in, and back from there."""

    async def endpoint(request: Request) -> Response:
        site = site_of(request)
        form = await _form(request)
        guest = await run_in_threadpool(_guest, site, request)
        if guest is None:
            return _to_sign_in(request)
        if not Role(guest.user.role).may(needed):
            raise HTTPException(FORBIDDEN, f"For this you must be {needed}; you are {guest.user.role}.")
        if request.method == "POST" and not hmac.compare_digest(
            form.get("csrf", "").encode(), guest.visit.csrf.encode()
        ):
            raise HTTPException(FORBIDDEN, ELSEWHERE)
        return await run_in_threadpool(handler, Asked(site, request, guest, form))

    return endpoint


async def sign_in(request: Request) -> Response:
    """Show the form, or take what was filled in."""
    form = await _form(request)
    if request.method != "POST":
        return await run_in_threadpool(_sign_in, site_of(request), request, form)
    # One after the other: a hash takes 64 MiB, and tries side by side would all be made before one of them counts.
    async with request.app.state.sign_ins:
        return await run_in_threadpool(_sign_in, site_of(request), request, form)


def sign_out(asked: Asked) -> Response:
    """End the visit."""
    visits.end(asked.db, asked.guest.visit.token)
    answer = RedirectResponse("/sign-in", SEE_OTHER)
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


def _sign_in(site: Site, request: Request, form: dict[str, str]) -> Response:
    after = _inside(form.get("after") or request.query_params.get("after", ""))
    if request.method != "POST":
        return render.bare(site, request, "sign_in.html", after=after)
    name, place, now = form.get("name", "").strip()[:200], place_of(request), site.clock()
    wait = free_at(_tries(site, now), name, place, now)
    if wait:
        told = f"Too many tries. The next one can be made in {_minutes(wait - now)}."
        return render.bare(site, request, "sign_in.html", TOO_MANY, after=after, problem=told)
    visits.tidy(site.db, now - timedelta(hours=site.settings.web.session_hours), now - WINDOW)
    user = users.get(site.db, name)
    succeeded = fits(form.get("password", ""), user.password if user else None)
    visits.tried(site.db, SignIn(user=name, place=place, succeeded=succeeded, tried_at=now))
    if not succeeded:
        return render.bare(site, request, "sign_in.html", UNAUTHORIZED, after=after, problem=WRONG)
    return _let_in(site, name, after, now)


def _let_in(site: Site, name: str, after: str, now: datetime) -> Response:
    token = secrets.token_urlsafe(32)
    visit = Visit(token=_hash(token), user=name, csrf=secrets.token_urlsafe(32), begun_at=now, seen_at=now)
    visits.begin(site.db, visit)
    answer = RedirectResponse(after, SEE_OTHER)
    answer.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="lax")
    return answer


def _guest(site: Site, request: Request) -> Guest | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    web, now, key = site.settings.web, site.clock(), _hash(token)
    begun, seen = now - timedelta(hours=web.session_hours), now - timedelta(minutes=web.idle_minutes)
    guest = visits.find(site.db, key, begun=begun, seen=seen)
    asks_by_itself = PART in request.headers  # an open page that looks for news is nobody who is there
    if guest and not asks_by_itself and now - guest.visit.seen_at > timedelta(seconds=SEEN_SECONDS):
        visits.seen(site.db, key, now)
    return guest


def _to_sign_in(request: Request) -> Response:
    if request.method != "GET" or PART in request.headers:
        raise HTTPException(UNAUTHORIZED, "You are signed out. Sign in again, and repeat what you did.")
    after = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return RedirectResponse(f"/sign-in?{urlencode({'after': after})}", SEE_OTHER)


async def _form(request: Request) -> dict[str, str]:
    """Read a form that was sent from our own pages; refuse any other."""
    if request.method != "POST":
        return {}
    if not _is_ours(request):
        raise HTTPException(FORBIDDEN, ELSEWHERE)
    # A body in pieces has no length that is told before.
    told = request.headers.get("Content-Length", "")
    if "Transfer-Encoding" in request.headers or not told.isdecimal() or int(told) > LONGEST_FORM:
        raise HTTPException(TOO_LARGE, "What was filled in is too long.")
    return {name: clean(value) for name, value in (await request.form()).items() if isinstance(value, str)}


def _is_ours(request: Request) -> bool:
    """Say whether a browser sends this from our own pages: it says so itself, one way or the other.

    A proxy may hand the browser's own word for our host on, or put another in its place.
    """
    origin = request.headers.get("Origin")
    if origin:
        if not ORIGIN.fullmatch(origin):
            return False
        site = site_of(request)
        host = origin.partition("://")[2]
        return host in (request.headers.get("Host"), site.settings.web.address.partition("://")[2])
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def _inside(path: str) -> str:
    """Give a path of these pages; anything else leads to the first one."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def _tries(site: Site, now: datetime) -> list[Try]:
    return [Try(each.user, each.place, each.tried_at, each.succeeded) for each in visits.tries(site.db, now - WINDOW)]


def _minutes(wait: timedelta) -> str:
    minutes = int(wait.total_seconds() // 60) + 1
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
