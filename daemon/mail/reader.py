"""Reads mails where they can do no harm: in a child process that is killed when one takes too long or too much.

A reading that fails is tried once more in a fresh child, without the text of the attachments, so that a hostile
attachment costs its own text and not the mail. The company's documents are read in the same way, but by a reader of
their own: a child that a mail has taken over must not say what stands in them.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from daemon.errors import PermanentError, TransientError
from daemon.judgement.documents import DocumentText, Form
from daemon.judgement.message import Message
from daemon.mail.child import SENSELESS, Child, ChildError
from daemon.mail.recent import Recent
from daemon.mail.wire import DOCUMENTS, MESSAGES, REQUEST, Kind, Wanted

PART = "reader"
# -P and -B: no modules from the working directory, no caches from a process that may not write.
COMMAND = (sys.executable, "-P", "-B", "-m", "daemon.mail.worker")
START_SECONDS = 60.0
MAILS_PER_CHILD = 1_000
LONGEST_REASON = 500
EXHAUSTED = "it took too much memory"
UNREADABLE = "cannot be read within the limits of time and memory ([reading] in the config): {}"
T = TypeVar("T")


@dataclass(frozen=True)
class ReadingLimits:
    """What one mail may take: ``seconds`` for each of two tries, ``memory`` of the child in bytes of address space.

    ``longest_text`` is in characters, as everywhere.
    """

    longest_text: int
    seconds: float = 20.0
    memory: int = 1 << 30


class Reader:
    """Reads mails in a child process that is killed where one takes too long or too much."""

    def __init__(self, limits: ReadingLimits, command: Sequence[str] = COMMAND) -> None:
        """Start nothing yet; ``command`` is a program that keeps to ``daemon.mail.wire``."""
        self._command = (*command, str(limits.memory), str(limits.longest_text), str(os.getpid()))
        self._seconds = limits.seconds
        self._child: Child | None = None
        self._closed = False
        self._recent = Recent()
        self._turn = threading.Lock()
        # The kernel kills the child with the thread that started it, not only with the process (prctl(2),
        # PR_SET_PDEATHSIG): so it is started by a thread that lives as long as the reader.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix=PART)

    def read(self, raw: bytes) -> Message:
        """Read a mail; any thread may, and each waits for those before it.

        Raise PermanentError where the mail cannot be read, or not within the limits. Raise TransientError where that
        is not the mail's fault: the child cannot be started, or the reader is closed (``stopping``).
        """
        with self._turn:
            return self._recent.find(raw) or self._try_twice(raw)

    def read_document(self, raw: bytes, form: Form) -> DocumentText:
        """Read a document of the company; raise as ``read`` does."""
        with self._turn:
            try:
                return self._exchange(Wanted[form.name], raw, _understood_document)
            except ChildError as error:
                raise PermanentError(UNREADABLE.format(error)) from None

    def close(self) -> None:
        """End the child and wait for it; threads that wait in ``read`` get a TransientError."""
        self._closed = True
        if child := self._child:
            child.kill()
        with self._turn:
            self._discard()
            self._starter.shutdown()

    def _try_twice(self, raw: bytes) -> Message:
        try:
            return self._ask(raw, attachments_text=True)
        except ChildError:
            return self._try_without_attachments(raw)

    def _try_without_attachments(self, raw: bytes) -> Message:
        try:
            return self._ask(raw, attachments_text=False)
        except ChildError as error:
            message = f"the mail cannot be read within the limits of time and memory: {error}"
            raise PermanentError(message) from None

    def _ask(self, raw: bytes, *, attachments_text: bool) -> Message:
        wanted = Wanted.MAIL_AND_ATTACHMENTS if attachments_text else Wanted.MAIL
        message, size = self._exchange(wanted, raw, lambda kind, body: (_understood(kind, body), len(body)))
        self._recent.keep(raw, message, size)
        return message

    def _exchange(self, wanted: Wanted, raw: bytes, understood: Callable[[int, bytes], T]) -> T:
        """Ask the child; where it did not answer as agreed, it is of no more use."""
        child = self._ready_child()
        try:
            return understood(*child.ask(REQUEST.pack(wanted, len(raw)) + raw, self._seconds))
        except ChildError:
            self._discard()
            if self._closed:
                raise _stopping() from None
            raise

    def _ready_child(self) -> Child:
        """Give the child that is there, or a new one; one that died between two mails is no mail's fault."""
        if self._child and self._child.alive and self._child.asked < MAILS_PER_CHILD:
            return self._child
        self._discard()
        try:
            return self._start()
        except (OSError, ChildError) as error:
            self._discard()
            message = f"the process that reads mails cannot be started: {error}"
            raise TransientError(PART, message) from error

    def _start(self) -> Child:
        if self._closed:
            raise _stopping()
        self._child = self._starter.submit(Child, self._command).result()
        self._child.greet(START_SECONDS)
        return self._child

    def _discard(self) -> None:
        if self._child:
            self._child.close()
        self._child = None


def _understood(kind: int, body: bytes) -> Message:
    match kind:
        case Kind.MESSAGE:
            return _checked(body)
        case Kind.REFUSED:
            raise PermanentError(body.decode("utf-8", "replace")[:LONGEST_REASON])
        case Kind.EXHAUSTED:
            raise ChildError(EXHAUSTED)
        case _:
            raise ChildError(SENSELESS)


def _understood_document(kind: int, body: bytes) -> DocumentText:
    if kind == Kind.EXHAUSTED:
        raise ChildError(EXHAUSTED)
    try:
        if kind == Kind.DOCUMENT:
            return DOCUMENTS.validate_json(body)
    except ValidationError:
        pass
    raise ChildError(SENSELESS)


def _checked(body: bytes) -> Message:
    try:
        return MESSAGES.validate_json(body)
    except ValidationError:
        raise ChildError(SENSELESS) from None


def _stopping() -> TransientError:
    return TransientError(PART, "the service is stopping", "stopping")
