"""The one place that knows imapclient: a connection that is opened when needed and classifies what goes wrong."""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from daemon.errors import FatalError, PermanentError, TransientError, UncertainError

PART = "mailbox"
BROKEN = (OSError, ssl.SSLError, imaplib.IMAP4.abort, EOFError)
CONNECT_SECONDS = 20
PASSING = re.compile(r"\[(OVERQUOTA|UNAVAILABLE|INUSE|SERVERBUG|LIMIT|CONTACTADMIN)\]")
BLIP = wait_fixed(0.5)
# A SEARCH answer of more than 1 MB fails with the library's own limit (measured with 130,000 UIDs).
imaplib._MAXLINE = 50_000_000  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way


@dataclass(frozen=True)
class Account:
    """Where and how to sign in; ``password`` is called at each sign-in, so that a changed secret is picked up."""

    host: str
    port: int
    security: str
    user: str
    password: Callable[[], str]
    timeout: float
    ca_file: str | None = None


@dataclass(frozen=True)
class Folder:
    """What SELECT said: UIDs count only together with the UIDVALIDITY (RFC 3501, 2.3.1.1)."""

    name: str
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True)
class Fetched:
    """One mail as fetched; where it was larger than allowed, ``raw`` is only its header and ``whole`` false."""

    uid: int
    size: int
    raw: bytes
    arrived_at: datetime
    whole: bool = True


class Imap:
    """One connection to one mailbox. Not for two threads at once."""

    def __init__(self, account: Account) -> None:
        """Nothing is opened before the first call."""
        self._account = account
        self._client: IMAPClient | None = None
        self._wire: IMAPClient | None = None
        self._aborted = False

    def close(self) -> None:
        """End the connection, without a LOGOUT that a silent server would keep waiting."""
        client, self._client, self._wire = self._wire, None, None
        if client is not None:
            _hang_up(client)

    def abort(self) -> None:
        """Break the connection under a call that another thread is waiting in, and let no new one be opened."""
        self._aborted = True
        client = self._wire
        if client is not None:
            with suppress(OSError):
                client.socket().shutdown(socket.SHUT_RDWR)

    def select(self, folder: str, *, readonly: bool = False) -> Folder:
        """Open a folder; raise PermanentError where it is not there."""
        with self._connection() as client:
            try:
                answer = client.select_folder(folder, readonly=readonly)
            except IMAPClientError as error:
                if isinstance(error, imaplib.IMAP4.abort):
                    raise
                message = f"the folder {folder!r} cannot be opened on {self._account.host}"
                raise PermanentError(message) from error
            return Folder(folder, int(answer[b"UIDVALIDITY"]), int(answer.get(b"UIDNEXT", 0)))

    def new_uids(self, last: int) -> list[int]:
        """List the UIDs above ``last``. NOOP first, else a delivery may hide behind a stale view (measured)."""
        with self._connection() as client:
            client.noop()
            # ``n:*`` always names the newest message, even where it is older than n.
            return sorted(uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last)

    def fetch(self, uids: Sequence[int], largest: int) -> list[Fetched]:
        """Fetch mails without marking them as seen; a mail that has vanished meanwhile is simply not in the list."""
        with self._connection() as client, _refusals("the server refuses to hand out a mail"):
            sizes = client.fetch(list(uids), ["RFC822.SIZE", "INTERNALDATE"])
            whole = [uid for uid in uids if uid in sizes and sizes[uid][b"RFC822.SIZE"] <= largest]
            large = [uid for uid in uids if uid in sizes and uid not in whole]
            bodies = client.fetch(whole, ["BODY.PEEK[]"]) if whole else {}
            heads = client.fetch(large, ["BODY.PEEK[HEADER]"]) if large else {}
        rows = [(uid, bodies[uid].get(b"BODY[]"), True) for uid in whole if uid in bodies]
        rows += [(uid, heads[uid].get(b"BODY[HEADER]"), False) for uid in large if uid in heads]
        return [
            Fetched(uid, sizes[uid][b"RFC822.SIZE"], raw, _aware(sizes[uid].get(b"INTERNALDATE")), whole=complete)
            for uid, raw, complete in sorted(rows)
            if raw is not None
        ]

    def has_uid(self, uid: int) -> bool:
        """Say whether the selected folder still holds the mail."""
        with self._connection() as client:
            client.noop()
            return uid in client.search(["UID", str(uid)])

    def find(self, message_id: str) -> bool:
        """Say whether the selected folder holds a mail with this Message-ID."""
        with self._connection() as client:
            client.noop()
            return bool(client.search(["HEADER", "Message-ID", message_id]))

    def add_flag(self, uid: int, flag: str) -> None:
        """Set a flag or keyword; setting it twice is harmless."""
        with self._connection() as client, _refusals(f"the flag {flag!r} cannot be set"):
            client.add_flags([uid], [flag.encode()], silent=True)

    def move(self, uid: int, folder: str) -> None:
        """Move a mail of the selected folder: MOVE (RFC 6851), else COPY, mark as deleted and UID EXPUNGE."""
        with self._connection() as client, _refusals(f"the mail cannot be moved to {folder!r}"):
            if client.has_capability("MOVE"):
                client.move([uid], folder)
                return
            client.copy([uid], folder)
            client.add_flags([uid], [b"\\Deleted"], silent=True)
            if client.has_capability("UIDPLUS"):
                client.uid_expunge([uid])

    def append(self, folder: str, raw: bytes, flags: Sequence[str]) -> None:
        """Store a mail; raise UncertainError where the connection broke after the bytes may have left."""
        with self._connection() as client:
            client.noop()
        with self._connection() as client, _refusals(f"the server refuses to store a mail in {folder!r}"):
            try:
                client.append(folder, raw, flags=[flag.encode() for flag in flags])
            except BROKEN as error:
                self._drop()
                message = f"the connection to {self._account.host} broke while a mail was being stored"
                raise UncertainError(message) from error

    def folders(self) -> dict[str, frozenset[str]]:
        """List all folders with their attributes (RFC 6154 names the special ones)."""
        with self._connection() as client:
            listed = client.list_folders()
        return {str(name): frozenset(_word(flag) for flag in flags) for flags, _delimiter, name in listed}

    def create(self, folder: str) -> None:
        """Create a folder; one that is there already is fine."""
        with self._connection() as client, _refusals(f"the folder {folder!r} cannot be created"):
            if not client.folder_exists(folder):
                client.create_folder(folder)

    @contextmanager
    def _connection(self) -> Iterator[IMAPClient]:
        """Hand out the open connection. Whatever breaks it, drops it: after a time-out it is dead (measured)."""
        try:
            yield self._client or self._open()
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

    def _open(self) -> IMAPClient:
        self._refuse_when_aborted()
        client = self._wire = self._connect()
        try:
            self._refuse_when_aborted()
            self._tune(client)
            self._sign_in(client)
        except BaseException:
            self._drop()
            raise
        self._client = client
        return client

    def _refuse_when_aborted(self) -> None:
        if self._aborted:
            message = "the service is stopping"
            raise TransientError(PART, message, "stopping")

    # A blip of a second is not worth a pause: a restarting server, a lost packet.
    @retry(retry=retry_if_exception_type(ConnectionError), stop=stop_after_attempt(2), wait=BLIP, reraise=True)
    def _connect(self) -> IMAPClient:
        account = self._account
        tls = account.security == "tls"
        patience = min(account.timeout, CONNECT_SECONDS)  # for the greeting too: until then nobody can break it off
        return IMAPClient(
            account.host, account.port, ssl=tls, ssl_context=self._context() if tls else None, timeout=patience
        )

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._account.ca_file)

    def _tune(self, client: IMAPClient) -> None:
        client.socket().settimeout(self._account.timeout)
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # saves 44 ms a command (measured)
        if self._account.security == "starttls":
            client.starttls(self._context())

    def _sign_in(self, client: IMAPClient) -> None:
        try:
            client.login(self._account.user, self._account.password())
        except LoginError as error:
            message = f"the mailbox at {self._account.host} does not accept the password of {self._account.user}"
            raise TransientError(PART, message, "authentication") from error
        except FatalError as error:
            raise TransientError(PART, str(error), "secret") from error

    _drop = close


def _hang_up(client: IMAPClient) -> None:
    with suppress(*BROKEN):
        client.shutdown()


@contextmanager
def _refusals(message: str) -> Iterator[None]:
    """Turn a NO of the server into a PermanentError, unless its code says that it may pass (RFC 5530, 3)."""
    try:
        yield
    except imaplib.IMAP4.abort:
        raise
    except IMAPClientError as error:
        code = PASSING.search(str(error).upper())
        if code:
            raise TransientError(PART, f"{message} for now ({code[1]})", "refused") from error
        raise PermanentError(message) from error


def _aware(date: datetime | None) -> datetime:
    """Give INTERNALDATE its zone: imapclient answers in naive local time."""
    return datetime.now(UTC) if date is None else date.astimezone(UTC)


def _word(flag: object) -> str:
    return flag.decode("ascii", "replace") if isinstance(flag, bytes) else str(flag)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection ended" if isinstance(error, (imaplib.IMAP4.abort, EOFError)) else type(error).__name__
