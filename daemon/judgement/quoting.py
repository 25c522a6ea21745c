"""How words that others wrote stand in what the model reads: in quotation marks, in one line, whatever they hold."""

import json


def quoted(words: str) -> str:
    """Quote words: no line break or quotation mark in them can end the line or the quotation."""
    return json.dumps(" ".join(words.split()), ensure_ascii=False)
