"""Secrets in a text: those of this house in whatever dress, and whatever has the shape of a key."""

import base64
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator

SHORTEST_SECRET = 6  # characters; a shorter one would be found everywhere
# The shapes that their makers have given to keys, so that they are found where they leak.
SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bsk-[A-Za-z0-9_-]{16,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[oprsu]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}"
    r"|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\b[sr]k_(?:live|test)_\w{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bnpm_\w{30,}|\bpypi-[\w-]{30,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
)
TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{20,}")
LEAST_ENTROPY = 3.5  # bits a character: words of any language stay below, what a machine drew at random does not
DIVIDERS = re.compile(r"[\W_]+")
LONG_PART = 8  # characters: "python3" is a name
PARTS = re.compile(r"[_.~=/+-]+")


def found(text: str, ours: Collection[str], at_hand: str) -> Iterator[str]:
    """Yield the passages that are, or look like, secrets; what stands ``at_hand`` already looks like none."""
    if any(_is_in(text, secret) for secret in ours):
        yield "(a secret of this house)"
    yield from (match[0] for match in SHAPES.finditer(text))
    yield from (match[0] for match in TOKEN.finditer(text) if _is_random(match[0]) and match[0] not in at_hand)


def _is_in(text: str, secret: str) -> bool:
    """Look for a secret as it is, and as somebody would write it who does not want it found."""
    if len(secret) < SHORTEST_SECRET:
        return False
    joined = _joined(text)
    return secret in text or any(
        _joined(each) in joined or each in text for each in _dressed(secret) if len(_joined(each)) >= SHORTEST_SECRET
    )


def _dressed(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, secret[::-1], raw.hex())
    codings = (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode)
    yield from (coding(raw).decode("ascii").rstrip("=") for coding in codings)


def _joined(text: str) -> str:
    return DIVIDERS.sub("", text).casefold()


def _is_random(token: str) -> bool:
    """Tell what was drawn at random from names, paths and numbers: within one part it mixes letters and digits."""
    if not any(_is_mixed(part) for part in PARTS.split(token)):
        return False
    shares = [count / len(token) for count in Counter(token).values()]
    return -sum(share * math.log2(share) for share in shares) >= LEAST_ENTROPY


def _is_mixed(part: str) -> bool:
    return len(part) >= LONG_PART and not part.isdigit() and not part.isalpha()
