"""The words of a text as they are compared: in lower case, without stop words, cut to their stems.

All of it is made here and once, so that every database finds the same (Snowball's stemmers, snowballstem.org).
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from snowballstemmer import stemmer
from stop_words import LANGUAGE_MAPPING, get_stop_words

WORD = re.compile(r"[^\W_]+")
# The library's English list has 1,333 words, among them "order", "open" and "problem": only what says nothing is here.
ENGLISH = frozenset(
    WORD.findall(
        "a about above after again all also am an and any are as at be because been before being below between both "
        "but by can could did do does doing done down during each either few for from further had has have having "
        "he her here hers him his how however i if in into is it its just let me might more most must my myself no "
        "nor not now of off on once only or other ought our ours out over own same shall she should so some such "
        "than that the their theirs them then there these they this those though through to too under until up us "
        "very was we were what when where whether which while who whom whose why will with would yes yet you your "
        "yours don t s ll ve re d m isn aren wasn didn doesn"
    )
)
LANGUAGES = ("ar", "ca", "da", "de", "en", "es", "fi", "fr", "hu", "id", "it", "nb", "nl", "pt", "ro", "ru", "sv", "tr")
FEWEST = 3  # stop words that must be found before a language is named
LONGEST_LOOK = 4_000  # characters that are looked at to tell the language
REMEMBERED = 50_000  # stems; one takes some 0.1 KB


def language_of(text: str, fewest: int = FEWEST) -> str:
    """Name the language by its stop words (ISO 639-1); empty where the text has too few of them to tell."""
    found = [word.casefold() for word in WORD.findall(text[:LONGEST_LOOK])]
    hits = {code: sum(word in stop_words(code) for word in found) for code in LANGUAGES}
    best = max(LANGUAGES, key=lambda code: hits[code])
    tied = [code for code in LANGUAGES if hits[code] == hits[best]]
    return best if hits[best] >= fewest and len(tied) == 1 else ""


def likely_language(text: str, usual: str = "") -> str:
    """Guess the language of a short text, for its stems alone: a wrong guess costs a word that is not found.

    ``usual`` is the language that its author writes in, empty where that is not known.
    """
    return language_of(text) or usual or language_of(text, 1) or "en"


def terms(text: str, language: str = "") -> list[str]:
    """Give the stems of a text's words in their order; without a language the words themselves."""
    return [stem(word, language) for word in _counting(text, language)]


def stems(text: str, language: str) -> dict[str, str]:
    """Give a text's words in lower case, each once, with their stems."""
    return {word: stem(word, language) for word in _counting(text, language)}


def content(text: str) -> list[str]:
    """Give the words of a text that say something, in lower case, by its own language."""
    return _counting(text, language_of(text) or "en")


def names(text: str) -> frozenset[str]:
    """Give what looks like a name or a number in a text: words with a capital or a digit, in lower case."""
    return frozenset(word.casefold() for word in WORD.findall(text) if word != word.lower() or word.isdigit())


@lru_cache(REMEMBERED)
def stem(word: str, language: str) -> str:
    """Cut a word to its stem."""
    return str(_stemmer(language).stemWord(word)) if language else word


@cache
def stop_words(language: str) -> frozenset[str]:
    """Give a language's stop words in lower case; those of English where there is no language."""
    if language in ("", "en"):
        return ENGLISH
    return frozenset(piece for word in get_stop_words(language) for piece in WORD.findall(word.casefold()))


def _counting(text: str, language: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [word for word in WORD.findall(plain) if _counts(word, language)]


def _counts(word: str, language: str) -> bool:
    return word not in stop_words(language) and (len(word) > 1 or word.isdigit())


@cache
def _stemmer(language: str) -> Any:  # noqa: ANN401 - the library is untyped
    return stemmer(LANGUAGE_MAPPING[language])
