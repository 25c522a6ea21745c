"""The embedded mail server: IMAP by pymap, SMTP by aiosmtpd, both in memory and on loopback only."""

import asyncio
import threading
from argparse import Namespace
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pysasl.creds.plain import PlainCredentials

LOOPBACK = "127.0.0.1"
START_SECONDS = 20


class MailServer:
    """One mailbox behind IMAP and SMTP, in a thread of its own. Mail to anybody is delivered into its INBOX."""

    def __init__(self, user: str, password: str, imap_port: int = 0) -> None:
        """``user`` and ``password`` open the mailbox and the submission server; a port of 0 means any free one."""
        self.user = user
        self.password = password
        self.imap_port = imap_port
        self.smtp_port = 0
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)

    def __enter__(self) -> Self:
        """Start both servers."""
        self._thread.start()
        if not self._up.wait(START_SECONDS):
            message = "the embedded mail server did not start"
            raise RuntimeError(message)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop both servers; what they held is gone."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_SECONDS)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail into a folder, as a delivery agent would."""
        self._run(self._append(raw, folder, received or datetime.now(UTC)))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Deliver what was submitted."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        await self._append(raw, "INBOX", datetime.now(UTC))
        return "250 delivered"

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        arguments = Namespace(
            host=LOOPBACK, port="0", debug=False, cert=None, key=None, tls=False, proxy_protocol=None,
            passlib_cfg=None, demo_data=False, demo_user=self.user, demo_password=self.password,
        )  # fmt: skip
        backend, config = await DictBackend.init(arguments, invalid_user_sleep=0.0, reject_dnsbl=False)
        config.apply_context()
        # Once: checking a password is slow on purpose, and a delivery agent has none.
        self._identity = await backend.login.authenticate(PlainCredentials(self.user, self.password))
        accept = ProxyProtocolReader(ProxyProtocolNoop()).get_callback(IMAPServer(backend.login, config))
        imap = await asyncio.start_server(accept, LOOPBACK, self.imap_port)
        smtp = await self._loop.create_server(self._submission, LOOPBACK, 0)
        self.imap_port, self.smtp_port = (server.sockets[0].getsockname()[1] for server in (imap, smtp))
        self._up.set()
        await self._end.wait()
        imap.close()
        smtp.close()

    def _submission(self) -> SMTP:
        return SMTP(self, authenticator=self._authenticate, auth_require_tls=False, hostname="rehearsal.invalid")

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: object
    ) -> AuthResult:
        wanted = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=data == wanted, handled=False)

    async def _append(self, raw: bytes, folder: str, received: datetime) -> None:
        async with self._identity.new_session() as session:
            await session.append_messages(folder, [AppendMessage(raw, received, frozenset())])
