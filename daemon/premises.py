"""The state directory and the knowledge database, as commands find them: who holds them, and whether they fit."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from daemon.errors import FatalError
from daemon.paths import StateDirectory
from daemon.settings import Settings
from knowledge import schema
from knowledge.database import Database
from knowledge.errors import SchemaError


@contextmanager
def holding(state: StateDirectory) -> Iterator[None]:
    """Hold the state directory; raise FatalError, naming the holder, where somebody else has it."""
    try:
        state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        message = (
            f"{state.root}: the state directory cannot be used: {error.strerror}. "
            "Set service.state to one that this user owns."
        )
        raise FatalError(message) from None
    try:
        _lock(descriptor, state)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, state: StateDirectory) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
        message = f"{state.root}: the state directory is held by {holder}; only one clerkd may work on it"
        raise FatalError(message) from None


def is_held(state: StateDirectory) -> bool:
    """Say whether a daemon is at work on the state directory."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def knowledge_of(settings: Settings) -> Database:
    """Open the knowledge database for a command: it must be there, and of this program's version."""
    db = Database(StateDirectory(settings.service.state).database)
    try:
        schema.verify(db)
    except SchemaError as error:
        raise FatalError(str(error)) from None
    return db
