"""A sign-in in the browser that comes back to this machine: RFC 8252, with PKCE (RFC 7636) and a checked state."""

import base64
import hashlib
import hmac
import queue
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from daemon.errors import FatalError, TransientError
from daemon.mail.refusals import PART

LOOPBACK = "127.0.0.1"
# A browser opens connections ahead and says nothing on them.
SILENT_SECONDS = 10
PORTS = range(49152, 65536)
STATE_DIFFERS = "the address does not belong to this sign-in (its state differs); begin again with: clerkd login"


@dataclass(frozen=True)
class BrowserSignIn:
    """One sign-in that has begun: what the browser is sent with, and what must come back."""

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def url(self, auth_url: str, **parameters: str) -> str:
        """Write the address for the browser (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{auth_url}?{urlencode(asked)}"

    def code_in(self, redirect: str) -> str:
        """Take the code out of the address that the browser was sent back to.

        Raise FatalError where the address is not of this sign-in, and TransientError where the person has declined.
        """
        answer = _parameters(redirect)
        if not self.owns(redirect):
            raise FatalError(STATE_DIFFERS)
        if "error" in answer:
            message = "the provider or the person has declined the sign-in; begin again with: clerkd login"
            raise TransientError(PART, message, "authentication")
        if "code" not in answer:
            message = "the address holds no code; give the whole address that the browser shows after the sign-in"
            raise FatalError(message)
        return answer["code"]

    def owns(self, redirect: str) -> bool:
        """Say whether the address answers this sign-in and no other (RFC 6749, 10.12)."""
        given = _parameters(redirect).get("state", "")
        return hmac.compare_digest(given.encode(errors="replace"), self.state.encode())


def elsewhere() -> str:
    """Give a redirect address for a browser on another machine, where nobody answers: the person copies it."""
    return f"http://{LOOPBACK}:{secrets.choice(PORTS)}"


class Listener:
    """Waits on a free port of loopback for the browser to come back."""

    def __init__(self) -> None:
        """Listen at once: the port is part of what the browser is sent with."""
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def redirect_uri(self) -> str:
        """Where the browser is to come back to."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def expect(self, begun: BrowserSignIn) -> None:
        """Take the answer to this sign-in from now on, and no other."""
        self._server.begun = begun

    def wait(self, seconds: float) -> str:
        """Give the address that the browser came back with; raise TransientError where it does not come in time."""
        try:
            return self._server.answers.get(timeout=seconds)
        except queue.Empty:
            message = f"nobody has signed in within {seconds:g} s; begin again with: clerkd login"
            raise TransientError(PART, message, "authentication") from None


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.answers: queue.Queue[str] = queue.Queue()
        self.begun: BrowserSignIn | None = None

    def take(self, path: str) -> bool:
        """Pass on what answers the sign-in; any other page may call this port too, and ends nothing."""
        if self.begun is None or not self.begun.owns(path):
            return False
        self.answers.put(path)
        return True


class _Handler(BaseHTTPRequestHandler):
    timeout = SILENT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Tell the person to go back to the terminal."""
        taken = self.server.take(self.path)
        words = b"Go back to the terminal; you may close this page.\n" if taken else b"This answers no sign-in.\n"
        self.send_response(200 if taken else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing: the address holds the code."""


def _parameters(redirect: str) -> dict[str, str]:
    try:
        query = urlsplit(redirect.strip()).query
        return {name: values[0] for name, values in parse_qs(query).items()}
    except ValueError:
        return {}
