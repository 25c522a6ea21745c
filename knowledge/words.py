"""The words of a text as people search for them: as they are typed, from a word's beginning on.

All of it is made here and once, so that every database finds the same. Neither case nor accents count. What signs tie
into one (``ada@quill.example``, ``Q-1042``) is one word, and each of its parts begins one, too. Some scripts, as those
of China, Japan and Thailand, put no blanks between words: there, each letter begins one.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby
from typing import NamedTuple

LONGEST_TEXT = 2_000  # characters of one text that can be searched: a subject or a reason has no more
REACH = 16  # letters of a beginning that are looked up; what comes behind them is compared
REACH_WITHOUT_BLANKS = 2  # there, with more nearly each beginning would be a word of its own in the index
REMEMBERED = 20_000  # words with their beginnings, of some 0.3 KB each: most words of a text are common ones
TIES = "@._+/'&-"
ACCENTS = re.compile("[\u0300-\u036f]")
ALIKE = {0x00AD: None, 0x2010: "-", 0x2019: "'"}  # a hyphen that may be, other hyphens, the printer's apostrophe
# Thai, Lao, Burmese, Khmer, and what Chinese and Japanese are written with.
WITHOUT_BLANKS = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Patterns(NamedTuple):
    """What a word is, a part of one, and the letter behind which another part begins."""

    word: re.Pattern[str]
    part: re.Pattern[str]
    seam: re.Pattern[str]


ASCII = Patterns(re.compile(rf"[a-z0-9]+(?:[{TIES}][a-z0-9]+)*"), re.compile("[a-z0-9]+"), re.compile("[^a-z0-9]"))


def words(text: str) -> str:
    """Give the words of a text in their order, as they are compared, with blanks between them."""
    plain = _folded(text[:LONGEST_TEXT])
    return " ".join(_patterns(plain).word.findall(plain))


def beginnings(plain: str) -> set[str]:
    """Give what each word, and each part of one, begins with, as far as that is looked up; ``plain`` is words."""
    return {beginning for word in set(plain.split()) for beginning in _beginnings(word)}


def lookups(word: str) -> set[str]:
    """Give beginnings that must all be there where a word is that begins so."""
    first, *_others = found = _beginnings(word)
    return {first} if first == word else set(found)


def begin_all(plain: str, wanted: str) -> bool:
    """Say whether for each wanted word there is one, or a part of one, that begins so; both are words."""
    return all(_begins(plain, word) for word in wanted.split())


def _begins(plain: str, word: str) -> bool:
    seam = _patterns(plain).seam
    at = plain.find(word)
    while at > 0 and not seam.match(plain, at - 1):
        at = plain.find(word, at + 1)
    return at >= 0


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold().translate(ALIKE))
    return unicodedata.normalize("NFC", bare)


@lru_cache(REMEMBERED)
def _beginnings(word: str) -> tuple[str, ...]:
    """Give what a word and each of its parts begins with, in their order."""
    starts = (part.start() for part in _patterns(word).part.finditer(word))
    return tuple(word[start : start + _reach(word[start])] for start in starts)


def _reach(letter: str) -> int:
    return REACH_WITHOUT_BLANKS if re.match(WITHOUT_BLANKS, letter) else REACH


def _patterns(plain: str) -> Patterns:
    return ASCII if plain.isascii() else _every_script()


@cache
def _every_script() -> Patterns:
    """Make the patterns when they are needed first: to find out which signs are marks takes 10 ms."""
    letter = rf"[^\W_]++[{''.join(_marks())}]*+"
    plain = rf"(?!{WITHOUT_BLANKS})[^\W_][{''.join(_marks())}]*+"
    return Patterns(
        word=re.compile(rf"(?:{letter})++(?:[{TIES}](?:{letter})++)*"),
        part=re.compile(rf"{WITHOUT_BLANKS}|(?:{plain})++"),
        seam=re.compile(rf"(?![^\W_]|[{''.join(_marks())}]).|{WITHOUT_BLANKS}|.{WITHOUT_BLANKS}"),
    )


def _marks() -> Iterator[str]:
    """Give the ranges of the signs that belong to the letter before them: the vowels of India's scripts, for one."""
    marks = [code for code in range(0x0300, 0x1E950) if unicodedata.category(chr(code))[0] == "M"]
    for _key, run in groupby(enumerate(marks), lambda item: item[1] - item[0]):
        codes = [code for _place, code in run]
        yield f"{chr(codes[0])}-{chr(codes[-1])}"
