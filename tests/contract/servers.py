"""The mail servers that one contract holds for: the embedded one of the rehearsal, and Dovecot in its varieties."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.mail.imap import Account, Imap, Pass
from daemon.rehearsal.mailserver import MailServer
from tests import dovecot
from tests.bed import LOOPBACK, PASSWORD, USER
from tests.conftest import need

BARE = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+"
VARIETIES: dict[str, dict[str, Any]] = {
    "dovecot": {},
    "dovecot-starttls": {"security": "starttls"},
    "dovecot-sdbox-tls": {"security": "tls", "store": "sdbox"},
    "dovecot-all-under-INBOX": {"prefix": "INBOX.", "marked": False},
    "dovecot-without-extensions": {"capability": BARE},  # no IDLE, MOVE, UIDPLUS, NAMESPACE, SPECIAL-USE, CONDSTORE
}
SERVERS = ("embedded", *VARIETIES)
USERS = itertools.count(1)


@dataclass
class Rack:
    """Servers that have been started; a Dovecot serves one test after the other, each with a mailbox of its own."""

    stack: ExitStack = field(default_factory=ExitStack)
    started: dict[str, dovecot.Dovecot] = field(default_factory=dict)

    def dovecot(self, variety: str) -> dovecot.Dovecot:
        """Give the Dovecot of a variety, with an empty mailbox."""
        need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
        if variety not in self.started:
            short = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="dovecot-")))
            server = dovecot.Dovecot(short, USER, PASSWORD, **VARIETIES[variety])
            server.start()
            self.stack.callback(server.stop)
            self.started[variety] = server
        server = self.started[variety]
        server.user = f"user{next(USERS)}"
        return server


@contextmanager
def serving(rack: Rack, name: str) -> Iterator[Any]:
    """Serve one empty mailbox."""
    if name == "embedded":
        with MailServer(USER, PASSWORD) as embedded:
            yield embedded
    else:
        yield rack.dovecot(name)


def connect(server: Any, password: str = PASSWORD) -> Imap:
    """Make a connection that opens when it is used."""
    security, trusted = getattr(server, "security", "none"), getattr(server, "ca_file", None)
    return Imap(Account(LOOPBACK, server.imap_port, security, server.user, lambda: Pass(password), 10, trusted))


def own(server: Any, name: str) -> str:
    """Spell a folder as the server does."""
    prefix = getattr(server, "prefix", "")
    return prefix + name.replace("/", prefix[-1:] or "/")
