"""The commands of an IMAP connection, as the rest of the house needs them."""

import imaplib
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from daemon.errors import PermanentError, TransientError, UncertainError
from daemon.mail.imap.answers import Answer, bodies, listing
from daemon.mail.imap.connection import BROKEN, NONSENSE, PART, Connection
from daemon.mail.imap.idle import pop_stirred
from daemon.mail.imap.values import Fetched, Folder, Listed

# Other characters a stranger may put into a Message-ID too; a search for them is refused, or means something else.
SEARCHABLE = re.compile(r"<[A-Za-z0-9.!#$&'+/=?^_`|~:;,@-]{1,250}>")
PASSING = re.compile(r"\[(OVERQUOTA|UNAVAILABLE|INUSE|SERVERBUG|LIMIT|CONTACTADMIN)\]")


class Imap(Connection):
    """One mailbox, folder by folder."""

    def can_push(self) -> bool:
        """Say whether the server has IDLE."""
        with self._connection() as client:
            return bool(client.has_capability("IDLE"))

    def select(self, folder: str, *, readonly: bool = False) -> Folder:
        """Open a folder, on a new connection where the token is about to end; PermanentError where it is not there."""
        if self._good_until and datetime.now(UTC) >= self._good_until:
            self.close()
        with self._connection() as client:
            try:
                answer = client.select_folder(folder, readonly=readonly)
            except imaplib.IMAP4.readonly as error:
                self._drop()  # the library takes it for the end of the connection, and leaves the folder half open
                message = f"the folder {folder!r} on {self._account.host} is read-only for {self._account.user}"
                raise PermanentError(message) from error
            except IMAPClientError as error:
                if isinstance(error, imaplib.IMAP4.abort):
                    raise
                message = f"the folder {folder!r} cannot be opened on {self._account.host}"
                raise PermanentError(message) from error
            if b"UIDVALIDITY" not in answer:
                message = f"the folder {folder!r} on {self._account.host} tells no UIDVALIDITY"
                raise PermanentError(message)
            return Folder(folder, int(answer[b"UIDVALIDITY"]), int(answer.get(b"UIDNEXT", 0)))

    def listen(self, seconds: float, wake: socket.socket) -> bool:
        """Wait in IDLE (RFC 2177) for news of the selected folder, at most so many seconds.

        True where the server announced mail; False after the time, or as soon as ``wake`` can be read. The server
        stays in IDLE until the next command, so no announcement falls between two calls. This does what imapclient's
        ``idle_check`` leaves out: it sees lines that are buffered already, waits for the rest of a torn line, and
        takes an end of the connection for one (measured: ``idle_check`` blocks, loses, and spins there).
        """
        with self._guarded(), self._deadline(seconds):
            client = self._client or self._open()  # which begins outside of IDLE: not to be asked before
            return self._idle.listen(client, seconds, wake)

    def new_uids(self, last: int) -> list[int]:
        """List the UIDs above ``last``. NOOP first, else a delivery may hide behind a stale view (measured)."""
        with self._connection() as client:
            client.noop()
            pop_stirred(client)  # what NOOP announces is in the SEARCH behind it; some servers do so every time
            # ``n:*`` always names the newest message, even where it is older than n.
            return sorted(uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last)

    def uids_since(self, day: date) -> frozenset[int]:
        """List the mails that arrived on that day or later; a day before, since the server counts in its own zone."""
        with self._connection() as client:
            return frozenset(client.search(["SINCE", day - timedelta(days=1)]))

    def listing(self, uids: Sequence[int]) -> list[Listed]:
        """List mails with their sizes; one that has vanished meanwhile is simply not in the list."""
        if not uids:
            return []
        with self._connection() as client, _refusals("the server refuses to list a mail"):
            found = listing(_answers(client, uids, "(RFC822.SIZE INTERNALDATE)"))
        # A server may volunteer news of other mails, or tell the same twice.
        told = {mail.uid: mail for mail in found}
        return [told[uid] for uid in sorted(told.keys() & set(uids))]

    def fetch(self, mails: Sequence[Listed], largest: int) -> list[Fetched]:
        """Fetch mails without marking them as seen; of one that is larger than ``largest``, only the header."""
        whole = self._parts([mail for mail in mails if 0 <= mail.size <= largest], "BODY.PEEK[]")
        heads = self._parts([mail for mail in mails if not 0 <= mail.size <= largest], "BODY.PEEK[HEADER]")
        fetched = [
            Fetched(mail.uid, max(mail.size, 0), raw, mail.arrived_at, whole=bool(whole.get(mail.uid)))
            for mail in mails
            if (raw := whole.get(mail.uid, heads.get(mail.uid))) is not None
        ]
        return sorted(fetched, key=lambda mail: mail.uid)

    def _parts(self, mails: Sequence[Listed], item: str) -> dict[int, bytes]:
        if not mails:
            return {}
        with self._connection() as client, _refusals("the server refuses to hand out a mail"):
            answers = _answers(client, [mail.uid for mail in mails], f"({item})")
            return bodies(answers, item.replace(".PEEK", "").encode())

    def has_uid(self, uid: int) -> bool:
        """Say whether the selected folder still holds the mail; one that is only marked as deleted is gone."""
        with self._connection() as client:
            client.noop()
            return uid in client.search(["UID", str(uid), "UNDELETED"])

    def find(self, message_id: str) -> list[int]:
        """List the mails of the selected folder that carry this Message-ID."""
        return self._find_by("Message-ID", message_id)

    def find_answers(self, message_id: str) -> list[int]:
        """List the mails of the selected folder that answer this Message-ID."""
        return self._find_by("In-Reply-To", message_id)

    def _find_by(self, name: str, message_id: str) -> list[int]:
        """Search a header field for an id; one that no search can spell without doubt is not found."""
        if not SEARCHABLE.fullmatch(message_id):
            return []
        with self._connection() as client:
            client.noop()
            return sorted(client.search(["HEADER", name, message_id]))

    def add_flag(self, uid: int, flag: str) -> None:
        """Set a flag or keyword; setting it twice is harmless."""
        with self._connection() as client, _refusals(f"the flag {flag!r} cannot be set"):
            client.add_flags([uid], [flag.encode()], silent=True)

    def can_move(self) -> bool:
        """Say whether the server moves a mail in one step."""
        with self._connection() as client:
            return bool(client.has_capability("MOVE"))

    def move(self, uid: int, folder: str) -> None:
        """Move a mail of the selected folder (RFC 6851)."""
        with self._connection() as client, _refusals(f"the mail cannot be moved to {folder!r}"):
            client.move([uid], folder)

    def copy(self, uid: int, folder: str) -> None:
        """Copy a mail of the selected folder."""
        with self._connection() as client, _refusals(f"the mail cannot be moved to {folder!r}"):
            client.copy([uid], folder)

    def delete(self, uid: int) -> None:
        """Mark a mail of the selected folder as deleted, and take it out where that can be done with it alone."""
        with self._connection() as client, _refusals("the mail cannot be deleted"):
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
            except (*BROKEN, *NONSENSE) as error:
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

    def prefix(self) -> str:
        """Give what stands before every folder of one's own (RFC 2342): ``INBOX.`` on some servers, else nothing."""
        with self._connection() as client:
            if not client.has_capability("NAMESPACE"):
                return ""
            personal = client.namespace().personal or (("", "/"),)
        return str(personal[0][0])


def _answers(client: IMAPClient, uids: Sequence[int], items: str) -> list[Answer]:
    """Fetch with the library's connection, but take the answers as they came."""
    kind, answers = client._imap.uid("FETCH", ",".join(map(str, uids)), items)  # noqa: SLF001 - there is no public way
    client._checkok("fetch", kind, answers)  # noqa: SLF001 - as above
    return list(answers)


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


def _word(flag: object) -> str:
    return flag.decode("ascii", "replace") if isinstance(flag, bytes) else str(flag)
