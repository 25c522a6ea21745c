"""What looks like something else: words that mix scripts, and characters that are not seen or turn a line around."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

WORD = re.compile(r"\w+")
# Scripts whose letters pass for one another's (Unicode Technical Standard 39, section 5.1: mixed-script confusables).
ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
NOT_SEEN = ("Cf", "Co")
# The two joiners: where they are no trick (in an emoji, in Persian), the reading of a mail leaves them.
KEPT = "\n\t\r\u200c\u200d"


@dataclass(frozen=True)
class Piece:
    """A piece of a text; ``disguise`` says what is wrong with it, and is empty where nothing is."""

    text: str
    disguise: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """Cut a text into what is as it seems and what is not; together they are the text."""
    if text.isascii() and text.isprintable():
        yield Piece(text)
        return
    start = 0
    for at, end, disguise in _found(text):
        if start < at:
            yield Piece(text[start:at])
        yield Piece(text[at:end], disguise)
        start = end
    if start < len(text):
        yield Piece(text[start:])


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start and end of each, in their order."""
    mixed = {match.start(): match for match in WORD.finditer(text) if len(_scripts(match[0])) > 1}
    at = 0
    while at < len(text):
        if word := mixed.get(at):
            yield at, word.end(), f"letters of {' and '.join(sorted(_scripts(word[0])))} in one word"
            at = word.end()
            continue
        if disguise := _hidden(text[at]):
            yield at, at + 1, disguise
        at += 1


def _scripts(word: str) -> set[str]:
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha())
    return {name.capitalize() for name in names if name in ALIKE}


def _hidden(character: str) -> str:
    kind = unicodedata.category(character)
    if character not in KEPT and (kind in NOT_SEEN or kind == "Cc"):
        return f"a character that is not seen: {unicodedata.name(character, f'U+{ord(character):04X}').lower()}"
    return ""
