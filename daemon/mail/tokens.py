"""Access tokens: kept in memory and on disk, renewed before they end, never shown."""

import fcntl
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from daemon.clock import Clock
from daemon.errors import FatalError, TransientError
from daemon.mail.refusals import PART

# A token in hand lasts at least this long, where the provider gives out tokens that do.
MARGIN = timedelta(minutes=5)
# Longer than another process may take for a renewal: a few answers, each with its own time limit.
LOCK_SECONDS = 120.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Token:
    """An access token; where ``expires_at`` is None, the provider has not said how long it lasts."""

    value: str = field(repr=False)
    expires_at: datetime | None = None

    def lasts(self, now: datetime) -> bool:
        """Say whether it is good for the margin yet; of a token without an end nobody knows, so it is not."""
        return self.expires_at is not None and self.expires_at - now >= MARGIN


@dataclass(frozen=True)
class Tokens:
    """What is kept of a sign-in: the access token, and the refresh token that the next is asked for with."""

    access: Token = Token("")
    refresh: str = field(default="", repr=False)


class TokenSource(Protocol):
    """Where a mailbox's access tokens come from; every method may be called from any thread."""

    def __call__(self) -> Token:
        """Give a token that can be used; raise TransientError where none is to be had, its kind says why."""
        ...

    def discard(self) -> None:
        """Forget the access token, because the mail server has refused it: the next one is a fresh one."""
        ...


class TokenStore:
    """One file a mailbox, mode 0600, in a directory of mode 0700; shared by the service and the commands."""

    def __init__(self, root: Path) -> None:
        """Nothing is made before the first token is kept."""
        self._root = root

    def path(self, mailbox: str) -> Path:
        """Name the file that keeps the mailbox's tokens."""
        return self._root / f"{quote(mailbox, safe='@')}.json"

    def load(self, mailbox: str, bound_to: str) -> Tokens:
        """Read what is kept; nothing where it is damaged, or was kept for another client or account."""
        with self._complaining("read", mailbox):
            try:
                kept = json.loads(self.path(mailbox).read_bytes())
                return _tokens(kept) if kept["bound_to"] == bound_to else Tokens()
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                return Tokens()

    def save(self, mailbox: str, bound_to: str, tokens: Tokens) -> None:
        """Replace what is kept; after a crash or a power cut there is the old file or the new one, whole."""
        with self._complaining("written", mailbox):
            self._make_root()
            _replace(self.path(mailbox), json.dumps({"bound_to": bound_to, **_record(tokens)}))

    @contextmanager
    def holding(self, mailbox: str) -> Iterator[None]:
        """Hold the mailbox's tokens against other processes: two renewals at once may void each other's token."""
        with self._complaining("locked", mailbox):
            self._make_root()
            descriptor = os.open(self.path(mailbox).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _make_root(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root.chmod(0o700)

    @contextmanager
    def _complaining(self, what: str, mailbox: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = (
                f"the kept sign-in {self.path(mailbox)} cannot be {what}: {error.strerror}; "
                "it must belong to the user that runs the service"
            )
            raise TransientError(PART, message, "state") from None


class KeptTokens:
    """A source that asks for a new token before the old one ends, and keeps it over a restart.

    What is on the disk is read before each renewal. So a ``clerkd login`` beside the running service counts at once,
    and a service that is started again and again does not ask for a token each time.
    """

    def __init__(
        self, store: TokenStore, mailbox: str, bound_to: str, renew: Callable[[str], Tokens], clock: Clock
    ) -> None:
        """``renew`` takes the refresh token, or nothing, and asks the provider."""
        self._store, self._mailbox, self._bound_to = store, mailbox, bound_to
        self._renew, self._clock = renew, clock
        self._mutex = threading.Lock()
        self._token: Token | None = None

    def __call__(self) -> Token:
        """Give the token in hand, the kept one, or a new one: the first that lasts for the margin."""
        with self._mutex:
            if self._token is None or not self._token.lasts(self._clock()):
                self._token = self._kept_or_new()
            return self._token

    def discard(self) -> None:
        """Forget the access token in hand and on the disk; the refresh token stays."""
        with self._mutex, self._store.holding(self._mailbox):
            token, self._token = self._token, None
            kept = self._store.load(self._mailbox, self._bound_to)
            if kept.access == token:
                self._store.save(self._mailbox, self._bound_to, Tokens(refresh=kept.refresh))

    def _kept_or_new(self) -> Token:
        with self._store.holding(self._mailbox):
            kept = self._store.load(self._mailbox, self._bound_to)
            if kept.access.lasts(self._clock()):
                return kept.access
            new = self._renew(kept.refresh)
            self._store.save(self._mailbox, self._bound_to, new)
            return new.access


class GivenTokens:
    """A source that reads the token anew each time: some other program keeps it fresh."""

    def __init__(self, read: Callable[[], str]) -> None:
        """``read`` fetches the token and raises FatalError where it cannot be had."""
        self._read = read

    def __call__(self) -> Token:
        """Read the token as it is now."""
        try:
            return Token(self._read())
        except FatalError as error:
            raise TransientError(PART, str(error), "secret") from None

    def discard(self) -> None:
        """Nothing is kept, so nothing is forgotten."""


def _tokens(kept: dict[str, str]) -> Tokens:
    ends = kept["expires_at"]
    access = Token(kept["access_token"], datetime.fromisoformat(ends) if ends else None)
    return Tokens(access, kept["refresh_token"])


def _record(tokens: Tokens) -> dict[str, str]:
    ends = tokens.access.expires_at
    return {
        "access_token": tokens.access.value,
        "expires_at": ends.isoformat() if ends else "",
        "refresh_token": tokens.refresh,
    }


def _replace(path: Path, text: str) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # of mode 0600 from the first moment
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make a rename last: until its directory is on the disk, a power cut may undo it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    latest = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > latest:
                message = f"another process has kept the sign-in locked for {LOCK_SECONDS:g} s"
                raise TransientError(PART, message, "state") from None
            time.sleep(LOOK_SECONDS)
        else:
            return
