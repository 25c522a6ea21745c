"""An IMAP server that misbehaves on order: a small ordinary mailbox, and for a command whatever a test puts there.

It runs in threads, in the open or over TLS, and writes down each command that it got.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from daemon.mail.imap import Account, Pass
from tests.certificate import LOOPBACK, Certificate

# Between two pieces of an answer, so that they come as two packets: far longer than loopback takes.
PACKET_SECONDS = 0.1
DRIP_SECONDS = 0.05
USER, PASSWORD = "support@harbourpine.example", "correct-horse"
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
Answer = Callable[["Talk"], None]


@dataclass
class Mail:
    """One mail as the server holds it; ``size`` is what it says, where that is not the truth."""

    raw: bytes = b"Subject: Hello\r\n\r\nHow are you?\r\n"
    arrived_at: datetime = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    size: int | None = None

    def facts(self) -> bytes:
        """Give what a listing says of it."""
        size = len(self.raw) if self.size is None else self.size
        return b'RFC822.SIZE %d INTERNALDATE "%s"' % (size, self.arrived_at.strftime("%d-%b-%Y %H:%M:%S %z").encode())

    def part(self, item: str) -> bytes:
        """Give its bytes, or its header's."""
        if "HEADER" in item:
            return b"BODY[HEADER] " + _literal(self.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        return b"BODY[] " + _literal(self.raw)


@dataclass
class Misbehaving:
    """One mailbox. ``coming`` are answers to the next commands of a name, one each; ``always`` to every one.

    A command's name is its first word, or its first two after ``UID``; GREETING counts as one.
    """

    certificate: Certificate | None = None
    mails: dict[int, Mail] = field(default_factory=lambda: {1: Mail()})
    uidvalidity: int = 1
    uidnext: int | None = None
    capabilities: bytes = b"IMAP4rev1 IDLE"
    coming: dict[str, list[Answer]] = field(default_factory=dict)
    always: dict[str, Answer] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _live: list["Talk"] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Answer from now on, on the same port as before where there was one."""
        self._listener = socket.create_server((LOOPBACK, self.port))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """End abruptly, as a killed server does."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talk in self._live:
            talk.hang_up()
        for thread in self._threads:
            thread.join(10)
        self._live, self._threads = [], []

    def account(self, timeout: float = 10, entrance: Callable[[], Pass] = lambda: Pass(PASSWORD)) -> Account:
        """Give what a client needs to sign in; ``timeout`` is in seconds."""
        security, trusted = ("tls", str(self.certificate.path)) if self.certificate else ("plain", None)
        return Account(LOOPBACK, self.port, security, USER, entrance, timeout, trusted)

    def count(self, name: str) -> int:
        """Say how many commands of a name have come."""
        return [_name(command) for command in self.commands].count(name)

    def answer(self, name: str) -> Answer:
        """Give what is to be said to a command of that name."""
        waiting = self.coming.get(name)
        return waiting.pop(0) if waiting else self.always.get(name, ordinary)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                talk = Talk(self, self._listener.accept()[0])
                self.connections += 1
                self._live.append(talk)
                self._run(talk.run)


@dataclass
class Talk:
    """One connection; ``tag`` and ``text`` are those of the command at hand."""

    server: Misbehaving
    wire: socket.socket
    tag: bytes = b"*"
    text: str = ""

    def run(self) -> None:
        """Answer one command after the other until one of the two hangs up."""
        with suppress(OSError, ValueError):
            self._secure()
            with self.wire.makefile("rb") as self.lines:
                self.server.answer("GREETING")(self)
                while self._next():
                    self.server.answer(_name(self.text))(self)
        self.hang_up()
        self.wire.close()

    def _secure(self) -> None:
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.server.certificate.path, self.server.certificate.key)
            self.wire = context.wrap_socket(self.wire, server_side=True)

    def _next(self) -> bool:
        """Read a command with its literals, and write it down without its tag."""
        line = self.hear()
        tag, _, text = line.partition(b" ")
        while literal := LITERAL.search(line):
            self.say(b"+ go on\r\n")
            self.lines.read(int(literal[1]))
            line = self.hear()
        self.tag, self.text = tag, text.decode().strip()
        if tag:
            self.server.commands.append(self.text)
        return bool(tag)

    def hear(self) -> bytes:
        """Read one line; an empty one where the client has hung up."""
        return self.lines.readline()

    def say(self, *pieces: bytes) -> None:
        """Send pieces, each in a packet of its own."""
        for number, piece in enumerate(pieces):
            time.sleep(PACKET_SECONDS if number else 0)
            self.wire.sendall(piece)

    def end(self, word: bytes = b"OK so be it") -> None:
        """Send the line that completes the command."""
        self.say(self.tag + b" " + word + b"\r\n")

    def hang_up(self) -> None:
        """End the connection under whoever reads from it; the socket's own call, since TLS would say goodbye first."""
        with suppress(OSError):
            socket.socket.shutdown(self.wire, socket.SHUT_RDWR)


def ordinary(talk: Talk) -> None:
    """Answer as a server should."""
    ORDINARY.get(_name(talk.text) if talk.text else "GREETING", Talk.end)(talk)


def silence(_talk: Talk) -> None:
    """Never answer."""


def drip(talk: Talk) -> None:
    """Send one byte every now and then, and never the end of the line."""
    talk.say(b"* ")
    while True:
        talk.say(b"x")
        time.sleep(DRIP_SECONDS)


def hang_up(talk: Talk) -> None:
    """End the connection in place of an answer."""
    talk.hang_up()


def refused(word: bytes = b"NO it cannot be done") -> Answer:
    """Refuse the command."""
    return lambda talk: talk.end(word)


def saying(*pieces: bytes) -> Answer:
    """Send these bytes and nothing else."""
    return lambda talk: talk.say(*pieces)


def completed(*pieces: bytes) -> Answer:
    """Send these bytes, then complete the command."""

    def answer(talk: Talk) -> None:
        talk.say(*pieces)
        talk.end()

    return answer


def ahead(*pieces: bytes) -> Answer:
    """Send these bytes, then answer as a server should."""

    def answer(talk: Talk) -> None:
        talk.say(*pieces)
        ordinary(talk)

    return answer


def idling(*pieces: bytes) -> Answer:
    """Send these bytes in IDLE, the ``+`` among them, and wait for DONE."""

    def answer(talk: Talk) -> None:
        talk.say(*pieces)
        _until_done(talk)

    return answer


def chatter(line: bytes) -> Answer:
    """Enter IDLE, and repeat a line there as fast as it is taken."""

    def answer(talk: Talk) -> None:
        talk.say(b"+ idling\r\n")
        while True:
            talk.say(line * 5000)

    return answer


def _until_done(talk: Talk) -> None:
    heard = talk.hear().strip().decode()
    if heard:
        talk.server.commands.append(heard)
        talk.end()


def _greet(talk: Talk) -> None:
    talk.say(b"* OK ready\r\n")


def _tell_capabilities(talk: Talk) -> None:
    talk.say(b"* CAPABILITY " + talk.server.capabilities + b"\r\n")
    talk.end()


def _select(talk: Talk) -> None:
    server = talk.server
    uidnext = max(server.mails, default=0) + 1 if server.uidnext is None else server.uidnext
    talk.say(b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] so\r\n" % (len(server.mails), server.uidvalidity))
    talk.say(b"* OK [UIDNEXT %d] so\r\n" % uidnext)
    talk.end(b"OK [READ-ONLY] so be it" if talk.text.startswith("EXAMINE") else b"OK [READ-WRITE] so be it")


def _search(talk: Talk) -> None:
    found = " ".join(str(uid) for uid in _matching(talk.server.mails, talk.text.split()[2:]))
    talk.say(f"* SEARCH {found}".rstrip().encode() + b"\r\n")
    talk.end()


def _matching(mails: dict[int, Mail], words: list[str]) -> list[int]:
    if words[0] == "SINCE":
        day = datetime.strptime(words[1], "%d-%b-%Y").replace(tzinfo=UTC)
        return [uid for uid in mails if mails[uid].arrived_at >= day]
    first = int(words[1].partition(":")[0])
    # ``n:*`` names the newest message too where it is older than n (RFC 3501, 6.4.8).
    return [uid for uid in mails if uid >= first or uid == max(mails)]


def _fetch(talk: Talk) -> None:
    _uid, _fetch_word, uids, items = talk.text.split(" ", 3)
    for number, (uid, mail) in enumerate(talk.server.mails.items(), 1):
        if str(uid) in uids.split(","):
            what = mail.facts() if "SIZE" in items else mail.part(items)
            talk.say(b"* %d FETCH (UID %d %s)\r\n" % (number, uid, what))
    talk.end()


def _name(command: str) -> str:
    words = command.upper().split()
    return " ".join(words[:2] if words[:1] == ["UID"] else words[:1])


def _literal(raw: bytes) -> bytes:
    return b"{%d}\r\n%s" % (len(raw), raw)


ORDINARY: dict[str, Answer] = {
    "GREETING": _greet,
    "CAPABILITY": _tell_capabilities,
    "SELECT": _select,
    "EXAMINE": _select,
    "UID SEARCH": _search,
    "UID FETCH": _fetch,
    "IDLE": idling(b"+ idling\r\n"),
}
