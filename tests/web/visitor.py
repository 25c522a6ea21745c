"""Serves the pages in this process, and visits them as a browser would, without being one."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape

import requests
import uvicorn

from daemon.judgement.sign_in import Role
from daemon.waiting import shown
from daemon.web.app import build
from daemon.web.passwords import hashed
from daemon.web.site import Site
from knowledge import users
from knowledge.tables import User
from tests.bed import LOOPBACK, Bed

PASSWORD = "correct horse battery"
HASH = hashed(PASSWORD)
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
DIGEST = re.compile(r'name="digest" value="([^"]+)"')
SECONDS = 30


def found(pattern: re.Pattern[str], page: str) -> str:
    """Find something in a page."""
    match = pattern.search(page)
    assert match, page
    return unescape(match[1])


@dataclass
class Clock:
    """A clock that a test may put on."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + self.ahead


@dataclass
class Visitor:
    """Somebody with a browser; ``cookie`` is what it holds."""

    url: str
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for a page; a redirection is not followed."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> requests.Response:
        """Send a form, as from our own pages."""
        return self._ask("POST", path, form, {"Origin": self.url, **headers})

    def fill(self, page: str, path: str, **form: str) -> requests.Response:
        """Look at a page, and send a form of it."""
        seen = self.get(page).text
        known = {"csrf": found(TOKEN, seen), **({"digest": found(DIGEST, seen)} if DIGEST.search(seen) else {})}
        return self.post(path, {**known, **form})

    def sign_in(self, name: str, password: str = PASSWORD, after: str = "") -> requests.Response:
        """Sign in, and keep the cookie."""
        answer = self.post("/sign-in", {"name": name, "password": password, "after": after})
        self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        return answer

    def _ask(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {**self.headers, **named, **({"Cookie": self.cookie} if self.cookie else {})}
        return requests.request(
            method, f"{self.url}{path}", data=form, headers=given, allow_redirects=False, timeout=SECONDS
        )


@dataclass
class Pages:
    """The pages of a bed, as they are served."""

    bed: Bed
    url: str
    clock: Clock

    def visitor(self, role: Role | None = None) -> Visitor:
        """Give somebody with a browser; signed in, where they have a role: ada is the admin, rae reviews, vic views."""
        visitor = Visitor(self.url)
        if role:
            assert visitor.sign_in(NAMES[role]).status_code == 303
        return visitor


NAMES = {Role.ADMIN: "ada", Role.REVIEWER: "rae", Role.VIEWER: "vic"}


@contextmanager
def serving(bed: Bed) -> Iterator[Pages]:
    """Serve the pages of a bed on a port of their own, with a user of each role."""
    for role, name in NAMES.items():
        users.add(bed.db, User(name=name, role=role, password=HASH, added_at=datetime.now(UTC)))
    clock, settings = Clock(), bed.settings
    with shown(settings, bed.db) as show:
        app = build(Site(settings, bed.db, show, clock))
        server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=0, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            yield Pages(bed, f"http://{LOOPBACK}:{_port(server)}", clock)
        finally:
            server.should_exit = True
            thread.join(SECONDS)


def _port(server: uvicorn.Server) -> int:
    latest = time.monotonic() + SECONDS
    while not server.started:
        assert time.monotonic() < latest, "the pages are not served"
        time.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port
