"""What stands before all pages: the names that they have, and what every answer carries.

The browser shows our own style and script, and nothing of anybody else's.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers as Asked
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A chart is a document of its own, shown as a picture: no script runs in it, and its style stands in it.
PICTURE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
SECURELY = "max-age=31536000"
BAD_REQUEST = 400
Stumbled = Callable[[Scope, Exception], Response]


class Front:
    """Stands before the pages.

    ``hosts`` are their names: another one is a trick on a browser (DNS rebinding). ``https``: they are behind TLS, and
    shall never be asked for without it. ``stumbled`` says what is shown for a mistake of our own.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], https: bool, stumbled: Stumbled) -> None:
        """Stand before an app."""
        self._app = app
        self._hosts = hosts
        self._https = https
        self._stumbled = stumbled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._put(MutableHeaders(scope=message))
            await send(message)

        if _named(Asked(scope=scope).get("Host", "")) not in self._hosts:
            await PlainTextResponse("This is no name of these pages.", BAD_REQUEST)(scope, receive, with_headers)
            return
        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            if begun:
                raise
            await self._stumbled(scope, error)(scope, receive, with_headers)

    def _put(self, headers: MutableHeaders) -> None:
        headers.update(HEADERS)
        headers.setdefault("Content-Security-Policy", PAGE)
        if self._https:
            headers["Strict-Transport-Security"] = SECURELY


def _named(host: str) -> str | None:
    """Give the name in a Host header, without the port; None where it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
