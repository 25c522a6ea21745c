"""A connection that is opened when needed, breaks off what takes too long, and classifies what goes wrong."""

import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from daemon.errors import FatalError, TransientError, UncertainError
from daemon.mail.imap.idle import Idle
from daemon.mail.imap.values import Account, Pass

PART = "mailbox"
BROKEN = (OSError, ssl.SSLError, imaplib.IMAP4.abort, EOFError)
# What the libraries raise on an answer that is no IMAP (measured with invented ones). A fault of ours would pass for
# the server's: the price for one odd answer not ending the service.
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
CONNECT_SECONDS = 20
# A server may answer each byte in time and yet never come to an end: so many time-outs, and the call is broken off.
LONGEST_CALL = 10
# A NAT box forgets a silent connection after minutes; a peer that is gone is noticed within two.
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
# With OAuth2 the session ends with its token: it is renewed this long before.
TOKEN_MARGIN = timedelta(minutes=2)
# What a server in trouble answers to a sign-in that may be quite right (RFC 5530, 3).
BUSY = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]")
BLIP = wait_fixed(0.5)
# A SEARCH answer of more than 1 MB fails with the library's own limit (measured with 130,000 UIDs).
imaplib._MAXLINE = 50_000_000  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way


class _Wire(imaplib.IMAP4):
    """What imapclient stands on, on a socket that is open already."""

    def __init__(self, host: str, ready: socket.socket) -> None:
        self._ready = ready
        super().__init__(host)  # the name that STARTTLS holds the certificate against

    def _create_socket(self, _timeout: float | None = None) -> socket.socket:
        return self._ready


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    def __init__(self, account: Account, ready: socket.socket) -> None:
        self._ready = ready
        super().__init__(account.host, account.port, ssl=account.security == "tls", timeout=account.timeout)
        # The library has every mail spelled out twice for a log that nobody reads: half of a fetch's time (measured).
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Wire(self.host, self._ready)


class Connection:
    """One connection to one mailbox. Not for two threads at once, but for ``abort``."""

    def __init__(self, account: Account) -> None:
        """Nothing is opened before the first call."""
        self._account = account
        self._client: IMAPClient | None = None
        self._wire: socket.socket | None = None
        self._aborted = False
        self._idle = Idle()
        self._good_until: datetime | None = None
        self.connected_at: datetime | None = None

    @property
    def pushes(self) -> bool:
        """Say whether the server tells of new mail by itself."""
        return self._idle.possible and self.connected_at is not None

    def close(self) -> None:
        """End the connection, without a LOGOUT that a silent server would keep waiting."""
        client, wire = self._client, self._wire
        self._client = self._wire = None
        self._idle, self.connected_at = Idle(), None
        with suppress(*BROKEN):
            if client is not None:
                client.shutdown()
            elif wire is not None:
                wire.close()

    def abort(self) -> None:
        """Break the connection under a call that another thread is waiting in, and let no new one be opened."""
        self._aborted = True
        self._break_off()

    def _break_off(self) -> None:
        wire = self._wire
        if wire is not None:
            with suppress(OSError):
                # Of TLS, the socket's own ``shutdown`` takes the encryption off first: what another thread sends in
                # that moment would go in the clear.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

    @contextmanager
    def _connection(self) -> Iterator[IMAPClient]:
        """Hand out the open connection, out of IDLE, for a call that ends in bounded time."""
        with self._guarded(), self._deadline():
            client = self._client or self._open()
            self._idle.leave(client)
            yield client

    @contextmanager
    def _deadline(self, waiting: float = 0) -> Iterator[None]:
        """Break the call off where the server stretches it: each of its bytes comes in time, but never the last.

        ``waiting`` are the seconds that the call is meant to wait, which do not count.
        """
        clock = threading.Timer(waiting + self._account.timeout * LONGEST_CALL, self._break_off)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Classify what goes wrong. What breaks the connection, drops it: after a time-out it is dead (measured)."""
        try:
            yield
        except (UncertainError, TransientError):
            raise
        except BROKEN as error:
            self._drop()
            message = f"the mailbox at {self._account.host}:{self._account.port} is out of reach: {_why(error)}"
            raise TransientError(PART, message) from error
        except IMAPClientError as error:
            self._drop()
            message = f"the mailbox at {self._account.host} refused a command ({type(error).__name__})"
            raise TransientError(PART, message) from error
        except NONSENSE as error:
            self._drop()
            message = f"the mailbox at {self._account.host} gave an answer that is no IMAP ({type(error).__name__})"
            raise TransientError(PART, message) from error

    def _open(self) -> IMAPClient:
        self._refuse_when_aborted()
        try:
            client = self._client = self._connect()
            if self._account.security == "starttls":
                client.starttls(self._context())
                self._wire = client.socket()
                self._refuse_when_aborted()
            self._sign_in(client)
        except BaseException:
            self._drop()
            raise
        self._idle, self.connected_at = Idle(), datetime.now(UTC)
        return client

    def _refuse_when_aborted(self) -> None:
        if self._aborted:
            message = "the service is stopping"
            raise TransientError(PART, message, "stopping")

    # A blip of a second is not worth a pause: a restarting server, a lost packet.
    @retry(retry=retry_if_exception_type(ConnectionError), stop=stop_after_attempt(2), wait=BLIP, reraise=True)
    def _connect(self) -> IMAPClient:
        """Open the socket, and only then the client on it: a greeting that never ends can be broken off, too."""
        account = self._account
        wire = socket.create_connection((account.host, account.port), min(account.timeout, CONNECT_SECONDS))
        if account.security == "tls":
            wire = self._context().wrap_socket(wire, server_hostname=account.host)
        self._wire = wire
        self._refuse_when_aborted()
        _tune(wire)
        return _Client(account, wire)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._account.ca_file)

    def _sign_in(self, client: IMAPClient) -> None:
        try:
            entrance = self._account.entrance()
        except FatalError as error:
            raise TransientError(PART, str(error), "secret") from error
        try:
            self._present(client, entrance)
        except LoginError as error:
            if _is_in_trouble(error):
                message = f"the mailbox at {self._account.host} lets nobody in for now"
                raise TransientError(PART, message) from error
            self._account.refused()
            what = "password" if entrance.mechanism == "password" else "token"
            message = f"the mailbox at {self._account.host} does not accept the {what} of {self._account.user}"
            raise TransientError(PART, message, "authentication") from error
        self._good_until = entrance.expires_at - TOKEN_MARGIN if entrance.expires_at else None

    def _present(self, client: IMAPClient, entrance: Pass) -> None:
        match entrance.mechanism:
            case "xoauth2":
                client.oauth2_login(self._account.user, entrance.secret)
            case "oauthbearer":
                client.oauthbearer_login(self._account.user, entrance.secret)
            case _:
                client.login(self._account.user, entrance.secret)

    _drop = close


def _is_in_trouble(error: LoginError) -> bool:
    """Tell a server in trouble from a refused sign-in; the library gives one error for both (measured)."""
    return isinstance(error.__context__, imaplib.IMAP4.abort) or bool(BUSY.search(str(error).upper()))


def _tune(wire: socket.socket) -> None:
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # saves 44 ms a command (measured)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection ended" if isinstance(error, (imaplib.IMAP4.abort, EOFError)) else type(error).__name__
