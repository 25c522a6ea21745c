"""Runs of words, by which one text is known again in another, however it is written."""

import unicodedata

from daemon.judgement.words import WORD


def runs(text: str, length: int) -> tuple[tuple[str, ...], ...]:
    """Give every run of so many words, in the order in which they stand."""
    words = WORD.findall(plain(text))
    return tuple(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def plain(text: str) -> str:
    """Write letters small, every script's digits as the same ten, and what nobody sees not at all."""
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in folded)
