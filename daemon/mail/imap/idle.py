"""IDLE (RFC 2177): a server's word that there is mail, heard without what imapclient's own calls lose (measured)."""

import imaplib
import re
import select
import socket
import ssl
import time

from imapclient import IMAPClient

# Of a folder that stirs, IDLE says EXISTS; whatever else a server says in it ("still here") is no news.
NEWS = re.compile(rb"^\* \d+ (EXISTS|RECENT)\b", re.IGNORECASE)
BYE = re.compile(rb"^\* BYE\b", re.IGNORECASE)


class Idle:
    """Whether a connection is in IDLE, and whether its server has it at all."""

    def __init__(self) -> None:
        """Begin outside of it, as every connection does."""
        self.possible = True
        self._on = False

    def listen(self, client: IMAPClient, seconds: float, wake: socket.socket) -> bool:
        """Wait for news of the selected folder, at most so many seconds; see ``Imap.listen``."""
        self._enter(client)
        if pop_stirred(client):
            return True
        latest = time.monotonic() + seconds
        while self._has_word(client, wake, latest):
            line = client._imap._get_line()  # noqa: SLF001 - the library has no call that reads one line
            # A server that ends IDLE by itself would not answer DONE any more.
            if BYE.match(line) or (self._on and line.startswith(client._idle_tag)):  # noqa: SLF001 - as above
                message = "the server ended the connection"
                raise imaplib.IMAP4.abort(message)
            if NEWS.match(line):
                return True
        return False

    def leave(self, client: IMAPClient) -> None:
        """End it, before another command."""
        if self._on:
            self._on = False
            client.idle_done()

    def _enter(self, client: IMAPClient) -> None:
        """Begin IDLE where the server has it; one that has it in name only is asked by polling from then on."""
        if self._on or not self.possible:
            return
        self.possible = self._on = client.has_capability("IDLE") and _is_idling(client)

    def _has_word(self, client: IMAPClient, wake: socket.socket, latest: float) -> bool:
        """Wait until a line of the server is there, or begins to come; False after the time, or when woken.

        Both end the wait before any line does, so a server that never stops talking cannot outlast them.
        """
        wire = client.socket()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        if self._on:
            poll.register(wire, select.POLLIN)
        while (left := latest - time.monotonic()) > 0:
            buffered = self._on and _is_buffered(client)
            ready = {descriptor for descriptor, _event in poll.poll(0 if buffered else left * 1000)}
            if wake.fileno() in ready:
                return False
            # Of TLS, bytes may come that hold no word of the server: a session ticket, half a record.
            if buffered or (wire.fileno() in ready and not isinstance(wire, ssl.SSLSocket)):
                return True
        return False


def _is_idling(client: IMAPClient) -> bool:
    """Send IDLE and read on to the ``+``. The library's own call fails where news comes before it (measured)."""
    wire = client._imap  # noqa: SLF001 - there is no public way
    client._idle_tag = tag = wire._command("IDLE")  # noqa: SLF001 - ``idle_done`` waits for this tag
    while wire._get_response() is not None:  # noqa: SLF001 - None stands for the ``+``
        wire._check_bye()  # noqa: SLF001 - the end may be announced without being made
        if wire.tagged_commands.get(tag):
            del wire.tagged_commands[tag]
            return False
    return True


def pop_stirred(client: IMAPClient) -> bool:
    """Say whether the server has announced mail beside an answer, once."""
    return bool(client._imap.untagged_responses.pop("EXISTS", None))  # noqa: SLF001 - it stands nowhere else


def _is_buffered(client: IMAPClient) -> bool:
    """Say whether a line, or the end of the connection, can be read at once."""
    wire = client.socket()
    patience = wire.gettimeout()
    wire.settimeout(0)
    try:
        found = client._imap.file.peek(1)  # noqa: SLF001 - the library has no call that looks without reading
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    finally:
        wire.settimeout(patience)
    # Nothing to read is an exception in TLS, where no bytes mean the end; in the open both look the same here.
    return bool(found) or isinstance(wire, ssl.SSLSocket)
