"""The daemon's end of its reading child: a process, two pipes, and a deadline on every byte of them."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from daemon.mail.wire import ANSWER, Kind

LARGEST_ANSWER = 8_000_000
CHUNK = 1 << 20
SLOW = "it took too long"
ENDED = "it ended before it had answered"
TOO_LONG = "its answer is too long"
SENSELESS = "its answer makes no sense"


class ChildError(Exception):
    """The child did not answer as agreed; the text says how. It is of no more use and has to be closed."""


class Child:
    """One process that answers frames, in its own session, so that all that it may have started ends with it."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it; raise OSError where there is no process to be had."""
        self.asked = 0
        self._ending = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter's own path and a module of this project
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout)
        self._requests, self._answers = (pipe.fileno() for pipe in pipes if pipe)
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as the kernel knows."""
        return self._process.poll() is None

    def greet(self, seconds: float) -> None:
        """Wait until it has started; raise ChildError where that takes longer, or it ends instead."""
        kind, _ = self._answer(time.monotonic() + seconds)
        if kind != Kind.READY:
            raise ChildError(SENSELESS)

    def ask(self, request: bytes, seconds: float) -> tuple[int, bytes]:
        """Give the answer's kind and body; raise ChildError where it is not there, whole, in that time."""
        self.asked += 1
        deadline = time.monotonic() + seconds
        self._write(request, deadline)
        return self._answer(deadline)

    def kill(self) -> None:
        """End it at once and reap it; any thread may, and a thread that waits in ``ask`` is told so."""
        with self._ending:
            # Unreaped, its number belongs to nobody else.
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def close(self) -> None:
        """Kill it and close the pipes; only for the thread that asks, since another's descriptor would be gone."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _write(self, request: bytes, deadline: float) -> None:
        """Write while the child reads: one that does not read has to be noticed as well."""
        rest = memoryview(request)
        while rest:
            _await(self._requests, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(self._requests, rest[:CHUNK]) :]
            except BrokenPipeError:
                raise ChildError(ENDED) from None

    def _answer(self, deadline: float) -> tuple[int, bytes]:
        kind, size = ANSWER.unpack(self._read(ANSWER.size, deadline))
        if size > LARGEST_ANSWER:
            raise ChildError(TOO_LONG)
        return kind, self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        answer = bytearray()
        while len(answer) < size:
            _await(self._answers, select.POLLIN, deadline)
            piece = os.read(self._answers, min(size - len(answer), CHUNK))
            if not piece:
                raise ChildError(ENDED)
            answer += piece
        return bytes(answer)


def _await(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise ChildError(SLOW)


def _environment() -> dict[str, str]:
    """Hand on nothing but where programs and modules are found: the daemon's environment may hold secrets."""
    modules = os.pathsep.join(entry for entry in sys.path if entry)
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": modules}
