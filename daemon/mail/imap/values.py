"""The values that go in and out of an IMAP connection."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Pass:
    """What opens a mailbox: a password, or a token of OAuth2 that ends at ``expires_at``."""

    secret: str = field(repr=False)
    mechanism: str = "password"
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Account:
    """Where and how to sign in; ``entrance`` is called at each sign-in, so that a changed secret is picked up.

    ``refused`` is told where the server did not accept what ``entrance`` gave: a kept token is then worth nothing.
    """

    host: str
    port: int
    security: str
    user: str
    entrance: Callable[[], Pass]
    timeout: float
    ca_file: str | None = None
    refused: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Folder:
    """What SELECT said: UIDs count only together with the UIDVALIDITY (RFC 3501, 2.3.1.1)."""

    name: str
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True)
class Listed:
    """A mail as the server lists it, before it is fetched; ``size`` is in bytes."""

    uid: int
    size: int
    arrived_at: datetime


@dataclass(frozen=True)
class Fetched:
    """One mail as fetched; where it was larger than allowed, ``raw`` is only its header and ``whole`` false."""

    uid: int
    size: int
    raw: bytes
    arrived_at: datetime
    whole: bool = True
