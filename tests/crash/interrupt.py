"""Counts the durable steps of a daemon, and ends it, or its connection, at the one that is asked for.

A durable step is whatever leaves a trace outside the process: a commit of the knowledge database, bytes sent to the
mail server (the process may end before they leave, or before their answer comes), a change of a file.

What a process leaves behind that ends at a step lies on the disk as long as it stands still there, too. So one run
that stands still at many steps, one after the other, shows what as many runs would leave that end.
"""

import imaplib
import os
import re
import select
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

LAST = 137  # what a process that was killed gives
ANSWER_SECONDS = 0.5  # a part of a command is answered with the rest of it


class Scissors:
    """Cuts the connection to the mail server at every n-th command, before it leaves or before its answer comes."""

    def __init__(self, first: int, every: int, *, before: bool) -> None:
        """Begin with the command that is the ``first``."""
        self.commands = 0
        self._first, self._every, self._before = first, every, before

    def arm(self) -> None:
        """Take hold of all connections of this process."""
        send = imaplib.IMAP4.send

        def cutting(connection: imaplib.IMAP4, data: bytes) -> None:
            cut = self.commands % self._every == self._first
            self.commands += 1
            if cut and self._before:
                connection.sock.shutdown(socket.SHUT_RDWR)
            send(connection, data)
            if cut and not self._before:
                connection.sock.shutdown(socket.SHUT_RD)

        imaplib.IMAP4.send = cutting  # type: ignore[assignment]


class Countdown:
    """Ends the process at the ``last`` durable step, or has it stand still at some; else it only counts them."""

    def __init__(self, last: int, commands: str = "", *, first: int = 0, every: int = 0) -> None:
        """Count from nothing; where ``commands`` is a pattern, only what is sent of these counts.

        Where ``every`` is given, the process stands still at every so many-th step from the ``first`` on.
        """
        self.steps = 0
        self._last, self._first, self._every = last, first, every
        self._commands = re.compile(commands.encode())
        self._all = not commands
        self._one_at_a_time = threading.Lock()

    def step(self) -> None:
        """Count one step. An end is one without clean-up or flush; who stands still goes on when another lets it."""
        with self._one_at_a_time:
            self.steps += 1
            if self.steps == self._last:
                os._exit(LAST)
            if self._every and self.steps % self._every == self._first % self._every:
                # To this thread, not to the process: then none of them does anything more, this one least of all.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    def arm(self) -> None:
        """Watch all that leaves a trace, in this process only."""
        imaplib.IMAP4.send = self._around(imaplib.IMAP4.send)  # type: ignore[method-assign,assignment]
        if not self._all:
            return
        event.listen(Engine, "commit", self._commit)
        for name in ("fsync", "ftruncate", "truncate", "rename", "replace", "unlink"):
            setattr(os, name, self._before(getattr(os, name)))

    def _commit(self, connection: Connection) -> None:
        if connection.get_execution_options().get("write", False):
            assert isinstance(connection.connection.dbapi_connection, sqlite3.Connection)
            self.step()

    def _before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step()
            return call(*args, **kwargs)

        return counted

    def _around(self, send: Callable[[imaplib.IMAP4, bytes], None]) -> Callable[[imaplib.IMAP4, bytes], None]:
        def counted(connection: imaplib.IMAP4, data: bytes) -> None:
            counts = self._commands.search(data)
            if counts:
                self.step()
            send(connection, data)
            if counts:
                # Until it is done, the server's own files are between two states, and no picture of them is one.
                select.select([connection.socket()], [], [], ANSWER_SECONDS)
                self.step()

        return counted
