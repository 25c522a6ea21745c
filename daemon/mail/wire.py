"""What goes over the pipes between the daemon and its reading child: frames with their length in front.

The answer is JSON and checked against the dataclass, never pickle: a child that a mail has taken over can lie about
mails, but it cannot run code in the daemon.
"""

import struct
from enum import IntEnum

from pydantic import TypeAdapter

from daemon.judgement.message import Message

REQUEST = struct.Struct("!?Q")  # whether the attachments' text is wanted, the bytes of the mail that follows
ANSWER = struct.Struct("!BI")  # a Kind, the bytes that follow
MESSAGES = TypeAdapter(Message)


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
