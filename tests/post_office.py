"""A real submission server for the tests (aiosmtpd), which keeps what it was handed and can break off at any step."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.bed import LOOPBACK, PASSWORD, USER, Bed

START_SECONDS = 10
BEFORE_MAIL, AFTER_RCPT, IN_DATA, UNHEARD, AFTER_250 = (
    "before MAIL",
    "after RCPT",
    "in DATA",
    "250 unheard",
    "after 250",
)
STEPS = (BEFORE_MAIL, AFTER_RCPT, IN_DATA, UNHEARD, AFTER_250)


@dataclass(frozen=True)
class Delivered:
    """A mail that was handed over: from whom and to whom by its envelope, and its bytes."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class _Counter(SMTP):
    """The protocol, with a step that may be the last one."""

    def __init__(self, office: "PostOffice", **options: object) -> None:
        self.office = office
        super().__init__(office, hostname="post.example", **options)  # type: ignore[arg-type]

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if self.office.stops(IN_DATA):
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.office.stop(IN_DATA)
            self.transport.abort()  # type: ignore[union-attr]
            return
        await super().smtp_DATA(arg)
        self.office.stop(AFTER_250)


class PostOffice:
    """Listens on loopback. ``at`` names a step at which it calls ``then`` once and hears or says no more.

    ``says`` are answers of the server by command ("MAIL", "RCPT", "DATA"), each given once; ``carry`` takes a mail on.
    """

    def __init__(self, context: ssl.SSLContext | None = None, *, starttls: bool = False) -> None:
        """With a ``context``, connections are encrypted: from the beginning, or with STARTTLS."""
        self.delivered: list[Delivered] = []
        self.says: dict[str, list[str]] = {}
        self.at = ""
        self.then: Callable[[], None] = lambda: None
        self.carry: Callable[[Delivered], None] = lambda _sent: None
        self.port = 0
        self._context = context
        self._starttls = starttls
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)

    def __enter__(self) -> Self:
        """Open."""
        self._thread.start()
        assert self._up.wait(START_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_SECONDS)

    def serve(self, bed: Bed, autonomy: str = '[autonomy]\nreply = "do"') -> None:
        """Have a bed's employee send by this server, as far as this section lets it."""
        secret = bed.root / "smtp-password"
        secret.write_text(PASSWORD, encoding="utf-8")
        where = f'host = "{LOOPBACK}"\nport = {self.port}\nsecurity = "none"\ntimeout_seconds = 5'
        bed.sections["smtp"] = f'[smtp]\n{where}\nuser = "{USER}"\npassword = {{ file = "{secret}" }}'
        bed.sections["autonomy"] = autonomy

    def stops(self, step: str) -> bool:
        """Say whether this is the step."""
        return self.at == step

    def stop(self, step: str) -> bool:
        """Do what is to be done at the step, once."""
        if not self.stops(step):
            return False
        self.at = ""
        self.then()
        return True

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        if self.stop(BEFORE_MAIL):
            server.transport.abort()  # type: ignore[union-attr]
        envelope.mail_from, envelope.mail_options = address, options
        return self._said("MAIL")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient."""
        said = self._said("RCPT")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        if self.stop(AFTER_RCPT):
            server.transport.abort()  # type: ignore[union-attr]
        return said

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Take the mail."""
        said = self._said("DATA")
        if said.startswith("250"):
            content = envelope.original_content or b""
            sent = Delivered(envelope.mail_from or "", tuple(envelope.rcpt_tos), content)
            self.delivered.append(sent)
            await asyncio.to_thread(self.carry, sent)
        if self.stop(UNHEARD):
            server.transport.abort()  # type: ignore[union-attr]
        return said

    def _said(self, command: str) -> str:
        waiting = self.says.get(command, [])
        return waiting.pop(0) if waiting else "250 OK"

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        direct = None if self._starttls else self._context
        server = await self._loop.create_server(self._counter, LOOPBACK, 0, ssl=direct)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._end.wait()
        server.close()

    def _counter(self) -> _Counter:
        options: dict[str, object] = {"authenticator": self._authenticate, "auth_require_tls": False}
        if self._starttls:
            options |= {"tls_context": self._context, "require_starttls": True}
        return _Counter(self, **options)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: object
    ) -> AuthResult:
        return AuthResult(success=data == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)
