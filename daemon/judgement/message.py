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
    """A part of the mail that is not its text.

    ``size`` is in bytes after decoding, ``sha256`` hashes these bytes. ``inline`` says that the part is shown within
    the text, as a logo is. ``text`` is what could be taken from it within the limits, and ``note`` says why there is
    none or not all of it; both are empty where nothing was tried.
    """

    name: str
    media_type: str
    size: int
    sha256: str = ""
    inline: bool = False
    text: str = ""
    note: str = ""


@dataclass(frozen=True)
class Delivery:
    """What a report says of one recipient (RFC 3464, 2.3): ``status`` is the code of RFC 3463, 5.1.1 for instance."""

    recipient: str
    action: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True)
class Report:
    """A machine's report on an earlier mail (``multipart/report``, RFC 6522).

    ``kind`` is its report type, ``original_id`` the Message-ID of the mail that it is about, as far as it says so.
    """

    kind: str
    original_id: str = ""
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True)
class Message:
    """One email as received and understood.

    ``text`` is what a reader would have seen of what this sender wrote, cut to the configured length (``cut`` says
    whether). ``quote`` and ``signature`` were split off behind it. ``removed`` names what a reader would not have seen
    and the model does not read either: hidden elements, invisible and bidirectional characters.
    ``headers`` holds every header field in lower case with all of its values, for the rules that screen.
    """

    message_id: str
    subject: str
    senders: tuple[Address, ...]
    text: str
    sent_at: datetime | None = None
    reply_to: tuple[Address, ...] = ()
    recipients: tuple[Address, ...] = ()
    copied: tuple[Address, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    quote: str = ""
    signature: str = ""
    attachments: tuple[Attachment, ...] = ()
    removed: tuple[str, ...] = ()
    media_type: str = "text/plain"
    calendar_method: str = ""
    report: Report | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cut: bool = False

    @property
    def sender(self) -> Address | None:
        """The one sender, or None where From names nobody or more than one."""
        return self.senders[0] if len(self.senders) == 1 else None
