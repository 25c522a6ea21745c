"""Faults of the Messages API, put around the stand-in: what a real one does on a bad day."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], "asyncio.Future[None] | object"]
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass
class Faults:
    """What happens to the coming calls of ``/v1/messages``, one entry a call; ``always`` to every one.

    An entry is an HTTP status, ``"cut"`` (the stream ends in the middle), ``"silence"`` (no answer ever),
    ``"slow"`` (an answer after a second), ``"held"`` (an answer when that is over) or ``"ok"``. With ``poison``, only a
    request that holds the word is hit. ``most`` is how many calls were under way at the same time.
    """

    coming: list[int | str] = field(default_factory=list)
    always: int | str | None = None
    poison: str = ""
    words: str = "a fault of the test"
    held: bool = True
    calls: int = 0
    under_way: int = 0
    most: int = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """Wrap the stand-in's application."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != "/v1/messages":
                await app(scope, receive, send)
                return
            self.calls += 1
            body, receive = await _read(receive)
            fault = self.coming.pop(0) if self.coming else self.always or "ok"
            if self.poison:
                fault = fault if self.poison.encode() in body else "ok"
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                await self._answer(fault, app, scope, receive, send)
            finally:
                self.under_way -= 1

        return faulty

    async def _answer(self, fault: int | str, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(fault, int):
            await _refuse(fault, self.words, send)
        elif fault == "silence":
            await asyncio.sleep(3600)
        elif fault == "cut":
            await app(scope, receive, _cutting(send))
        else:
            await asyncio.sleep(1.0 if fault == "slow" else 0)
            while fault == "held" and self.held:  # noqa: ASYNC110 - a test in another thread ends it
                await asyncio.sleep(0.02)
            await app(scope, receive, send)


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """Read the whole request, and give a ``receive`` that hands it out once more."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


async def _refuse(status: int, words: str, send: Send) -> None:
    body = json.dumps({"type": "error", "error": {"type": KINDS[status], "message": words}}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _cutting(send: Send) -> Send:
    """Pass the beginning of a stream on, then break the connection."""
    passed = 0

    async def cut(message: Message) -> None:
        nonlocal passed
        passed += 1
        if passed > 3:
            error = "the stream is cut"
            raise ConnectionResetError(error)
        await send(message)

    return cut
