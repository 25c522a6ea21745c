"""What every answer carries: the browser shows our own style and script, and nothing of anybody else's."""

from starlette.datastructures import MutableHeaders
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


class Headers:
    """Puts them on every answer; ``https``: the pages are behind TLS, and shall never be asked for without it."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Stand around an app."""
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Content-Security-Policy", PAGE)
                if self._https:
                    headers["Strict-Transport-Security"] = SECURELY
            await send(message)

        await self._app(scope, receive, with_headers)
