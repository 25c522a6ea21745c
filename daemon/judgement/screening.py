"""What may be said of a mail without asking the model: who wrote it, and whether a machine did."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from daemon.judgement import signs
from daemon.judgement.message import Message


class AutomatedKind(StrEnum):
    """What an automated mail is. OWN is our own mail, DUPLICATE a copy of one that is known, MACHINE any other."""

    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    LIST = "list"
    CALENDAR = "calendar"
    RECEIPT = "receipt"
    MACHINE_REPORT = "machine-report"
    OWN = "own"
    DUPLICATE = "duplicate"
    MACHINE = "machine"


@dataclass(frozen=True)
class Work:
    """Put the mail to the model."""


@dataclass(frozen=True)
class File:
    """A machine wrote it: record it under this rule, never answer it; ``for_a_person`` says that one must see it."""

    rule: str
    why: str
    kind: AutomatedKind
    for_a_person: bool = False


@dataclass(frozen=True)
class Hold:
    """A person must look first."""

    reason: str


@dataclass(frozen=True)
class Answer:
    """A specialist who is a person answers our letter on a handoff: ``words`` are the report, unless it is ``late``."""

    handoff: int
    words: str
    late: bool


Screening = Work | File | Hold | Answer
Sign = Callable[[Message], bool]


def screen(message: Message, own_addresses: frozenset[str]) -> Screening:
    """Judge a mail by its envelope, its headers and its form alone, never by what its text says.

    Our own addresses come first and machines second, so that only what a person may have written is held.
    """
    sender = message.sender
    if sender and sender.email in own_addresses:
        return File("own-address", "it comes from one of our own addresses", AutomatedKind.OWN)
    for rule, why, holds in RULES:
        if holds(message):
            return File(rule, why, _kind(message), for_a_person=signs.invitation(message))
    if sender is None:
        count = len(message.senders)
        return Hold(f"the sender is ambiguous: From names {count or 'no'} address{'es' if count > 1 else ''}")
    return Work()


def _kind(message: Message) -> AutomatedKind:
    return next((kind for kind, holds in KINDS if holds(message)), AutomatedKind.MACHINE)


# The evidence, the plainest first: the rule that holds first is the one that the log names.
RULES: tuple[tuple[str, str, Sign], ...] = (
    ("report", "it is a machine's report on an earlier mail (multipart/report)", signs.report),
    ("calendar", "a calendar program sent it: an invitation, or an answer to one", signs.calendar),
    ("failed-recipients", "it names recipients that could not be reached, as a bounce does", signs.failed_recipients),
    ("receipt", "its Content-Class is that of a receipt", signs.receipt_class),
    ("tls-report", "it carries the headers of a TLS report", signs.tls_report),
    ("dmarc-report", "its subject and its file are those of a DMARC report", signs.dmarc_report),
    ("cron", "it carries the headers of a cron job", signs.cron),
    ("auto-submitted", "its Auto-Submitted header says that a machine sent it", signs.auto_submitted),
    ("null-return-path", "its return path is empty, as in a bounce", signs.null_return_path),
    ("mailing-list", "it carries the headers of a mailing list", signs.mailing_list),
    ("bulk", "its Precedence header is that of a mass mailing or an automatic reply", signs.bulk),
    ("robot-header", "it carries the header of an automatic responder", signs.robot_header),
    ("out-of-office", "its subject and Exchange's headers are those of an out-of-office reply", signs.exchange_absence),
    ("robot-sender", "the sender's name is that of a machine", signs.robot_sender),
)

# What it is, apart from how that was seen: a bounce is one however many of the rules hold.
KINDS: tuple[tuple[AutomatedKind, Sign], ...] = (
    (AutomatedKind.BOUNCE, signs.bounce),
    (AutomatedKind.RECEIPT, signs.receipt),
    (AutomatedKind.CALENDAR, signs.calendar),
    (AutomatedKind.MACHINE_REPORT, signs.machine_report),
    (AutomatedKind.AUTO_REPLY, signs.auto_reply),
    (AutomatedKind.LIST, signs.to_a_list),
)
