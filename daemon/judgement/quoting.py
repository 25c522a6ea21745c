"""How words that others wrote are kept and told, whatever they hold."""

import json


def quoted(words: str) -> str:
    """Quote words: no line break or quotation mark in them can end the line or the quotation."""
    return json.dumps(" ".join(words.split()), ensure_ascii=False)


def whole(words: str) -> str:
    """Give words that can be written down: a half of a character, which JSON can hold, becomes a question mark."""
    return words.encode("utf-8", "replace").decode("utf-8")
