"""The state directory and the knowledge database, as commands find them: who holds them, and whether they fit."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from daemon.errors import FatalError, TransientError
from daemon.paths import StateDirectory
from daemon.settings import Settings, postgresql_url
from knowledge import schema
from knowledge.database import Database
from knowledge.errors import HeldElsewhereError, SchemaError

PART = "state"
WAIT_SECONDS = 3.0
LOOK_SECONDS = 0.05


class HeldError(TransientError):
    """Somebody else holds the state directory; the text says who. A command lets go of it, and systemd tries again."""


@contextmanager
def holding(state: StateDirectory) -> Iterator[None]:
    """Hold the state directory; raise HeldError, naming the holder, where somebody else has it."""
    try:
        state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        message = (
            f"{state.root}: the state directory cannot be used: {error.strerror}. "
            "Set service.state to one that this user owns."
        )
        raise TransientError(PART, message) from None
    try:
        _lock(descriptor, state)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, state: StateDirectory) -> None:
    """Take the lock; a command that holds it for a moment is waited for."""
    latest = time.monotonic() + WAIT_SECONDS
    while not _try_lock(descriptor):
        if time.monotonic() > latest:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
            message = f"{state.root}: the state directory is held by {holder}; only one clerkd may work on it"
            raise HeldError(PART, message)
        time.sleep(LOOK_SECONDS)


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def working(settings: Settings) -> Iterator[Database]:
    """Hold the state directory and, where it is on a server, the knowledge database; give that, closed at the end."""
    with holding(StateDirectory(settings.service.state)), closing(database_of(settings)) as db, ExitStack() as stack:
        try:
            stack.enter_context(db.held())
        except HeldElsewhereError as error:
            message = f"the knowledge database {db} is held by {error}; only one clerkd may work on it"
            raise HeldError(PART, message) from None
        yield db


def is_at_work(settings: Settings, db: Database) -> bool:
    """Say whether a daemon is at work, here or, on a database that is shared, elsewhere."""
    return is_held(StateDirectory(settings.service.state)) or db.is_held


def is_held(state: StateDirectory) -> bool:
    """Say whether a daemon is at work on the state directory."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)  # shared: two who only look do not see each other
    finally:
        os.close(descriptor)


def database_of(settings: Settings) -> Database:
    """Give a handle on the knowledge database, whether it is there or not."""
    wanted = settings.knowledge
    if wanted.url is None:
        return Database(StateDirectory(settings.service.state).database)
    return Database(postgresql_url(wanted.url, wanted.password))


def knowledge_of(settings: Settings) -> Database:
    """Open the knowledge database for a command: it must be there, and of this program's version."""
    db = database_of(settings)
    try:
        schema.verify(db)
    except SchemaError as error:
        raise FatalError(str(error)) from None
    return db
