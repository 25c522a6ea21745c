"""Characters that a reader does not see: taken out of all that the model reads, and named for the reviewer.

They hide words from a person (tag characters spell out ASCII), turn the order of a line (bidirectional controls), or
break up a word that a rule looks for. Joiners within an emoji, or between letters of a script that needs them, and the
selectors of emoji stay: without them the text would read differently.
"""

import re
from collections import Counter

LONGEST_SAMPLE = 120

_PICTURES = (
    "\N{COPYRIGHT SIGN}\N{REGISTERED SIGN}\u203c\u2049\u2100-\u214f\u2190-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
# Arabic to Malayalam, Tibetan and Burmese, Khmer and Mongolian: scripts whose spelling uses the two joiners.
_JOINING = "\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
_KEPT = (
    rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
    rf"|(?:(?<=[{_PICTURES}])|(?<=[{_PICTURES}#*0-9]\ufe0f))\u200d(?=[{_PICTURES}])"
    rf"|(?<=[{_PICTURES}#*0-9])[\ufe0e\ufe0f]"
)
# Unassigned characters at large stay: an emoji that is newer than this Python's tables is one. Only those that Unicode
# reserves for being ignored, or for never being used, go.
_KINDS = {
    "bidirectional control": "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069",
    "zero-width character": "\u034f\u180e\u200b-\u200d\u2060-\u2064\ufeff",
    "soft hyphen": "\u00ad",
    "tag character": "\U000e0000-\U000e007f",
    "variation selector": "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef",
    "Hangul filler": "\u115f\u1160\u3164\uffa0",
    "private-use character": "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd",
    "other invisible character": (
        "\u17b4\u17b5\u2065\u206a-\u206f\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3"
        "\U0001d173-\U0001d17a\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
        + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    ),
}
_NAMES = tuple(_KINDS)
# Most texts hold none of them, and are told so by one class of characters at a tenth of the cost.
_ANY = re.compile(f"[{''.join(_KINDS.values())}]")
_UNSEEN = re.compile(f"{_KEPT}|" + "|".join(f"([{characters}])" for characters in _KINDS.values()))


class Unseen:
    """Takes unseen characters out of texts, and counts by kind and place what it took."""

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._letters: dict[tuple[str, str], str] = {}

    def strip(self, text: str, place: str) -> str:
        """Give the text without them; ``place`` names it for the reviewer, as in ``the subject``."""
        if text.isascii() or not _ANY.search(text):
            return text
        return _UNSEEN.sub(lambda match: self._take(match, place), text)

    def lines(self) -> tuple[str, ...]:
        """Say what was taken, one line for each kind and place, with the words that the characters spelt out."""
        return tuple(self._line(kind, place, count) for (kind, place), count in self._counts.items())

    def _take(self, match: re.Match[str], place: str) -> str:
        if match.lastindex is None:
            return match[0]
        key = _NAMES[match.lastindex - 1], place
        self._counts[key] += 1
        if letter := _smuggled(match[0]):
            self._letters[key] = f"{self._letters.get(key, '')}{letter}"[:LONGEST_SAMPLE]
        return ""

    def _line(self, kind: str, place: str, count: int) -> str:
        spelt = self._letters.get((kind, place), "")
        return f"{count} {kind}{'s' * (count > 1)} in {place}" + (f': "{spelt}"' if spelt else "")


def _smuggled(character: str) -> str:
    """Give the ASCII letter that a tag character or a supplementary variation selector stands for, where it does."""
    code = ord(character) - (0xE0100 - 16 if character >= "\U000e0100" else 0xE0000)
    return chr(code) if ord(" ") <= code <= ord("~") else ""
