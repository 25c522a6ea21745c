"""The child that reads mails or documents: confines itself, then answers one after the other until its input ends.

Run as ``python -m daemon.mail.worker MEMORY LONGEST_TEXT PARENT``: bytes of address space, characters of text, and the
daemon's process id. The time is the daemon's to watch, since processor limits count over a whole life. Python's own
recursion limit stays as it is, so that a mail reads the same here as in the daemon.
"""

import ctypes
import os
import resource
import signal
import sys
from typing import BinaryIO

from daemon.errors import PermanentError
from daemon.judgement.documents import Form
from daemon.mail.documents import document_text
from daemon.mail.parse import parse
from daemon.mail.wire import ANSWER, DOCUMENTS, MESSAGES, REQUEST, Kind, Wanted

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
ORPHANED = 70
MOST_FILES = 32  # libraries are loaded when the first mail needs them


def main() -> None:
    """Read mails until the daemon hangs up, or until one has taken all the memory there is."""
    memory, longest_text, parent = (int(argument) for argument in sys.argv[1:])
    _confine(memory)
    _end_with(parent)
    mails, answers = sys.stdin.buffer, _private_output()
    kind = _send(answers, Kind.READY, b"")
    while kind is not Kind.EXHAUSTED and (header := mails.read(REQUEST.size)):
        kind = _send(answers, *_answer(mails, header, longest_text))


def _confine(memory: int) -> None:
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MOST_FILES)


def _limit(what: int, most: int) -> None:
    """Set a limit for good; one that is narrower already cannot be widened and stays."""
    _, hard = resource.getrlimit(what)
    narrow = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (narrow, narrow))


def _end_with(parent: int) -> None:
    """Have the kernel kill this process with its parent, which may have ended before it was asked."""
    kernel = ctypes.CDLL(None, use_errno=True)
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    kernel.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(ORPHANED)


def _private_output() -> BinaryIO:
    """Take the pipe away from ``print``: a library that says something would break the frames."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _answer(mails: BinaryIO, header: bytes, longest_text: int) -> tuple[Kind, bytes]:
    try:
        number, size = REQUEST.unpack(header)
        wanted, raw = Wanted(number), mails.read(size)
        if wanted > Wanted.MAIL_AND_ATTACHMENTS:
            return Kind.DOCUMENT, DOCUMENTS.dump_json(document_text(raw, Form[wanted.name]))
        message = parse(raw, longest_text, attachments_text=wanted is Wanted.MAIL_AND_ATTACHMENTS)
        return Kind.MESSAGE, MESSAGES.dump_json(message)
    except PermanentError as error:
        # The parser gives one class of error for all that it meets; only a lack of memory may be better next time.
        exhausted = isinstance(error.__cause__, MemoryError)
        return (Kind.EXHAUSTED, b"") if exhausted else (Kind.REFUSED, str(error).encode())
    except MemoryError:
        return Kind.EXHAUSTED, b""


def _send(answers: BinaryIO, kind: Kind, body: bytes) -> Kind:
    answers.write(ANSWER.pack(kind, len(body)) + body)
    answers.flush()
    return kind


if __name__ == "__main__":
    main()
