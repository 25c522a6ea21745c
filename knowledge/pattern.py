"""Patterns for LIKE."""


def containing(words: str) -> str:
    r"""Match what holds the words, taken literally (with ``\\`` as the escape character)."""
    return "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
