"""What the judgement knows of one mail: plain values, made by ``daemon.mail.parse``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Address:
    """A mail address, lower-cased, with the display name that its owner chose."""

    email: str
    name: str = ""

    def __str__(self) -> str:
        """Show the name where there is one."""
        return f"{self.name} <{self.email}>" if self.name else self.email

    @property
    def domain(self) -> str:
        """The part behind the last ``@``."""
        return self.email.rpartition("@")[2]


@dataclass(frozen=True)
class Attachment:
    """A part of the mail that is not its text; ``size`` is in bytes after decoding."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Message:
    """One email as received and understood.

    ``text`` is what a reader would have seen, cut to the configured length (``cut`` says whether).
    ``headers`` holds every header field in lower case with all of its values, for the rules that screen.
    """

    message_id: str
    subject: str
    senders: tuple[Address, ...]
    text: str
    sent_at: datetime | None = None
    reply_to: tuple[Address, ...] = ()
    recipients: tuple[Address, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    media_type: str = "text/plain"
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cut: bool = False

    @property
    def sender(self) -> Address | None:
        """The one sender, or None where From names nobody or more than one."""
        return self.senders[0] if len(self.senders) == 1 else None
