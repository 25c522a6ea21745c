"""The seal of an action: the hash of its exact bytes, to whom they go, and where; an approval is bound to it."""

import hashlib
import json
from collections.abc import Sequence


def digest(content: bytes, recipients: Sequence[str], kind: str, target: str) -> str:
    """Hash what an action will do."""
    frame = json.dumps([kind, target, list(recipients), len(content)]).encode()
    return hashlib.sha256(frame + b"\0" + content).hexdigest()
