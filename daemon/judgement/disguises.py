"""What looks like something else: words that mix scripts, and characters that are not seen or turn a line around."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# An address or a domain is one word: its pieces are read together.
WORD = re.compile(r"\w+(?:[.@]\w+)*")
# Scripts whose letters pass for one another's (Unicode Technical Standard 39, section 5.1: mixed-script confusables).
ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
NOT_SEEN = ("Cf", "Co")
BLANK = "\u034f\u115f\u1160\u2800\u3164\uffa0"  # letters and signs by their kind, and nothing to see
DRESSED = "MATHEMATICAL"
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
    words = {match.start(): (match.end(), why) for match in WORD.finditer(text) if (why := _disguise(match[0]))}
    at = 0
    while at < len(text):
        if word := words.get(at):
            yield at, *word
            at = word[0]
            continue
        if disguise := _hidden(text[at]):
            yield at, at + 1, disguise
        at += 1


def _disguise(word: str) -> str:
    scripts = sorted(_scripts(word))
    if len(scripts) > 1:
        return f"letters of {' and '.join(scripts)} in one word"
    plain = unicodedata.normalize("NFKC", word)
    if plain != word and plain.isascii() and (not word.isalnum() or DRESSED in unicodedata.name(word[0], "")):
        return f"signs that stand for: {plain}"
    return ""


def _scripts(word: str) -> set[str]:
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha())
    return {name.capitalize() for name in names if name in ALIKE}


def _hidden(character: str) -> str:
    kind = unicodedata.category(character)
    if character in BLANK or (character not in KEPT and (kind in NOT_SEEN or kind == "Cc")):
        return f"a character that is not seen: {unicodedata.name(character, f'U+{ord(character):04X}').lower()}"
    return ""
