"""Sums of money in a text, so that what is at stake does not rest on the model's word alone."""

import re

MARK = r"(?:€|\$|£|¥|₣|EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?|francs?|franken)"
NUMBER = r"\d[\d.,'\u2019 \u00a0\u202f]*"
# Each by itself: of "5 EUR 100" nobody knows which number the currency is of.
BEHIND = re.compile(rf"{MARK}[ \u00a0]?({NUMBER})", re.IGNORECASE)
BEFORE = re.compile(rf"({NUMBER}){MARK}", re.IGNORECASE)
CENTS = re.compile(r"[.,](\d{1,2})$")


def largest(text: str) -> float | None:
    """Give the largest sum that is named with a currency, whichever; None where there is none."""
    return max((_value(number) for form in (BEHIND, BEFORE) for number in form.findall(text)), default=None)


def _value(written: str) -> float:
    """Read a number as people write it: one or two digits behind the last dot or comma are cents."""
    number = written.strip(" .,'\u2019\u00a0\u202f")
    cents = CENTS.search(number)
    whole = "".join(filter(str.isdecimal, number[: cents.start()] if cents else number))
    return float(f"{whole or 0}.{cents[1] if cents else 0}")
