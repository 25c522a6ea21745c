"""What goes over the pipes between the daemon and its reading child: frames with their length in front.

The answer is JSON and checked against the dataclass, never pickle: a child that a mail has taken over can lie about
mails, but it cannot run code in the daemon.
"""

import struct
from enum import IntEnum

from pydantic import TypeAdapter

from daemon.judgement.documents import DocumentText
from daemon.judgement.message import Message

REQUEST = struct.Struct("!BQ")  # a Wanted, the bytes of the mail or document that follows
ANSWER = struct.Struct("!BI")  # a Kind, the bytes that follow
MESSAGES = TypeAdapter(Message)
DOCUMENTS = TypeAdapter(DocumentText)


class Wanted(IntEnum):
    """What is to be read: a mail, without the text of its attachments or with it, or a document of this form."""

    MAIL = 0
    MAIL_AND_ATTACHMENTS = 1
    TEXT = 2
    HTML = 3
    PDF = 4


class Kind(IntEnum):
    """What the child says."""

    READY = 1
    """It has started; sent once, unasked, with nothing behind it."""
    MESSAGE = 2
    """The mail was read; its Message follows as JSON."""
    REFUSED = 3
    """The mail cannot be read; the reason follows in words."""
    EXHAUSTED = 4
    """The memory was not enough; the child has ended."""
    DOCUMENT = 5
    """A document was read; its DocumentText follows as JSON."""
