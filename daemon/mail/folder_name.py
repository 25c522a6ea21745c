"""How a folder's name is written on the wire and on the disk: modified UTF-7 (RFC 3501, 5.1.3)."""

import re
from base64 import b64encode

PLAIN = re.compile(r"([\x20-\x25\x27-\x7e]+|&)")


def encode(name: str) -> str:
    """Write a name in ASCII: what is printable stands for itself, but ``&`` is ``&-``, and the rest base64."""
    return "".join(_encode(part) for part in PLAIN.split(name) if part)


def _encode(part: str) -> str:
    if part == "&":
        return "&-"
    if PLAIN.fullmatch(part):
        return part
    return f"&{b64encode(part.encode('utf-16-be'), b'+,').decode().rstrip('=')}-"
