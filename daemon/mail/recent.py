"""Remembers the last mails read: each is read when it comes in and again when it is worked."""

import hashlib
from collections import OrderedDict

from daemon.judgement.message import Message

MOST_REMEMBERED = 256
LONGEST_REMEMBERED = 100_000  # bytes of JSON: at worst 26 MB are held


class Recent:
    """The messages used last, by the SHA-256 of their raw bytes. For one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._messages: OrderedDict[bytes, Message] = OrderedDict()

    def find(self, raw: bytes) -> Message | None:
        """Give the message where it is remembered."""
        digest = hashlib.sha256(raw).digest()
        if digest in self._messages:
            self._messages.move_to_end(digest)
        return self._messages.get(digest)

    def keep(self, raw: bytes, message: Message, size: int) -> None:
        """Remember a message that is ``size`` bytes long; forget what was used longest ago."""
        if size <= LONGEST_REMEMBERED:
            self._messages[hashlib.sha256(raw).digest()] = message
        if len(self._messages) > MOST_REMEMBERED:
            self._messages.popitem(last=False)
