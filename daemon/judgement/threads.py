"""To which case a mail belongs: by what it answers, by Outlook's conversation, and last by its subject.

Whoever is put into a case may be told of it, so only what a stranger can neither guess nor see joins by itself.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from daemon.judgement.message import Message
from daemon.judgement.subject import has_substance, is_marked, same_topic, subject_key

MOST_IDS = 50
CONVERSATION_BYTES, ANSWER_BYTES = 22, 5  # of Thread-Index: its root, and what each answer adds (MS-OXOMSG, 2.2.1.3)
SUBJECT_AGE = timedelta(days=30)


class Clue(StrEnum):
    """What leads from a mail to a case, the strongest first.

    OWN_ID is a Message-ID that we made: random, so whoever knows it was sent our mail. THEIR_ID is anybody else's.
    """

    OWN_ID = "own-id"
    THEIR_ID = "their-id"
    CONVERSATION = "conversation"
    SUBJECT = "subject"


@dataclass(frozen=True)
class Clues:
    """What a mail says of where it belongs.

    ``ids`` are the Message-IDs that it answers, the nearest first. ``conversation`` is the root of Outlook's
    Thread-Index as hex, empty where it is absent or malformed. ``subject`` is the key for comparing. ``is_reply`` says
    that the subject is marked, or that there are ids.
    """

    ids: tuple[str, ...]
    conversation: str
    subject: str
    is_reply: bool


@dataclass(frozen=True)
class Candidate:
    """A case that a clue led to.

    ``people`` are the addresses that wrote or received its mails, without our own; ``last_at`` is when its newest
    mail came.
    """

    case: int
    by: Clue
    subject: str
    people: frozenset[str]
    last_at: datetime


@dataclass(frozen=True)
class Joined:
    """The mail belongs to this case."""

    case: int
    why: str


@dataclass(frozen=True)
class Opened:
    """The mail opens a case; ``related`` is one that it names without belonging to it."""

    why: str
    related: int | None


Placement = Joined | Opened

REASONS = {
    Clue.OWN_ID: "it answers a mail of ours",
    Clue.THEIR_ID: "it names a mail of the case as what it answers",
    Clue.CONVERSATION: "it is of the same Outlook conversation",
    Clue.SUBJECT: "the same person answers under the same subject",
}


def clues(message: Message) -> Clues:
    """Gather what a mail says of where it belongs (RFC 5322, 3.6.4; the references are read from their end)."""
    ids = tuple(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))[:MOST_IDS]
    return Clues(ids, _conversation(message), subject_key(message.subject), bool(ids) or is_marked(message.subject))


def _conversation(message: Message) -> str:
    values = message.headers.get("thread-index", ())
    try:
        index = base64.b64decode("".join("".join(values[:1]).split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    whole = len(index) >= CONVERSATION_BYTES and (len(index) - CONVERSATION_BYTES) % ANSWER_BYTES == 0
    return index[:CONVERSATION_BYTES].hex() if whole else ""


def place(message: Message, found: Clues, candidates: Sequence[Candidate], now: datetime) -> Placement:
    """Choose the case of a mail among those that its clues led to; the nearest come first among equal clues.

    A candidate that is refused does not end the search: who changes the subject twice may come back to a case that
    lies further back among the references.
    """
    refused = []
    strongest_first = sorted(candidates, key=lambda candidate: list(Clue).index(candidate.by))
    for candidate in strongest_first:
        obstacle = _obstacle(message, found, candidate, now)
        if not obstacle:
            return Joined(candidate.case, REASONS[candidate.by] + _quiet(message, candidate, now))
        # That two subjects are alike relates nothing: anybody may write about anything.
        refused.append(Opened(obstacle, None if candidate.by is Clue.SUBJECT else candidate.case))
    return next(iter(refused), Opened("nothing in it leads to a known case", None))


def _obstacle(message: Message, found: Clues, candidate: Candidate, now: datetime) -> str:
    """Say what keeps a mail out of a case; empty where nothing does."""
    sender = message.sender
    if candidate.by is not Clue.OWN_ID and (sender is None or sender.email not in candidate.people):
        return "its sender takes no part in the case that it leads to"
    if not same_topic(message.subject, candidate.subject):
        return "it begins a new topic in an old thread"
    if candidate.by is Clue.SUBJECT:
        return _doubt(found, candidate, _age(message, candidate, now))
    return ""


def _doubt(found: Clues, candidate: Candidate, age: timedelta) -> str:
    """Say why a subject alone does not lead to a case; empty where it does."""
    if not found.is_reply:
        return "its subject is that of a case, but it is not marked as a reply"
    if found.subject != subject_key(candidate.subject):
        return "its subject only resembles that of a case"
    if not has_substance(found.subject):
        return "its subject is too common to tell its case"
    if abs(age) > SUBJECT_AGE:
        return f"its subject is that of a case, but more than {SUBJECT_AGE.days} days lie between"
    return ""


def _age(message: Message, candidate: Candidate, now: datetime) -> timedelta:
    """Give the time between the case's newest mail and this one; below zero where this one is older.

    The date that the sender claims is used as long as it does not lie in the future.
    """
    written = min(_aware(message.sent_at or now), _aware(now))
    return written - _aware(candidate.last_at)


def _aware(when: datetime) -> datetime:
    """Take a time without a zone for UTC, as the database gives it."""
    return when.replace(tzinfo=UTC) if when.utcoffset() is None else when


def _quiet(message: Message, candidate: Candidate, now: datetime) -> str:
    days = _age(message, candidate, now).days
    return f", {days} day{'s' if days > 1 else ''} after its last mail" if days > 0 else ""
