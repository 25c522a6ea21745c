"""What a sender wrote, apart from what that sender quotes and signs with. The one adapter of quotequail.

Nothing is thrown away, and where it is not clear whose words follow, all of them stay in the text: a question that is
read twice does less harm than one that is not read.
"""

import re
from dataclasses import dataclass

import quotequail  # type: ignore[import-untyped]  # it has annotations, but no py.typed beside them

# quotequail's patterns cost up to the cube of a line's length (measured: 84 s for one of 33,000 characters, 6.4 s for
# one of 35,000 in another language). No introduction is longer than this, nor does it hold more than these addresses.
LONGEST_INTRODUCTION = 250
MOST_BRACKETS = 3
MOST_LINES = 1_000
# Only such lines end an introduction or are a separator; asking 30 patterns of every line took most of the time that a
# mail takes (measured: 330 mails a second against 690).
INTRODUCING = re.compile(r"[:>]$|---|^_{8}")
MOST_SIGNED_LINES = 25
LONGEST_FOOTER = 120
HEADER_NEAR = 8
FORWARDED = re.compile(
    r"forwarded|weitergeleitet|réexpédié|transféré|reenviad|vidarebefordrat|doorgestuurd|пересылаемое", re.IGNORECASE
)
FORWARDED_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|i|vb|enc|doorst)\s*:", re.IGNORECASE)
HEADER_FROM = re.compile(r"\*?(?:from|von|de|da|van|från|fra|от(?: кого)?)\s?:\*? ?\S", re.IGNORECASE)
HEADER_SUBJECT = re.compile(
    r"\*?(?:subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|emne|тема)\s?:", re.IGNORECASE
)
INTRODUCTION = re.compile(r"[\d@].*:\s*$")
FOOTER = re.compile(
    r"sent from (?:my|outlook|mail|yahoo|the|samsung)\b.*|get outlook for .*|sent with proton.*"
    r"|von meinem .{2,40} gesendet.*|gesendet (?:von|mit) .*|diese nachricht wurde von meinem .*"
    r"|envoyé (?:de|depuis) .*|télécharger outlook pour .*|enviado (?:desde|do|de) .*|obtener outlook para .*"
    r"|inviato da .*|verzonden vanaf .*|verstuurd vanaf .*|skickat från .*|sendt fra .*|отправлено .*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Split:
    """A mail's text in three, in the order in which a reader cares for them."""

    text: str
    quote: str = ""
    signature: str = ""


def split(text: str, subject: str) -> Split:
    """Split off what is quoted behind the sender's own words, and the signature under them.

    All stays together where words of the sender's own follow the quote or stand within it, where there are none before
    it, and where the mail passes another one on: then the quote is what it is about.
    """
    lines = text.split("\n")
    begins = _quote_begins(lines, subject)
    own, signature = _signed(lines[:begins])
    quote = lines[begins:]
    if not signature and _is_marked(quote):
        quote, signature = _signed(quote)
    if _is_answered(quote) or not "".join(own).strip():
        own, quote = [*own, *quote], []
    return Split(_joined(own), _joined(quote), _joined(signature))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _quote_begins(lines: list[str], subject: str) -> int:
    """Give the line with which the quote begins; the number of lines where there is none, or it is to be shown."""
    begins = min(_introduced(lines), _headed(lines), _marked(lines))
    if begins == len(lines) or FORWARDED.search(lines[begins]):
        return len(lines)
    passed_on = FORWARDED_SUBJECT.match(subject) and not _is_marked(lines[begins:])
    return len(lines) if passed_on else begins


def _introduced(lines: list[str]) -> int:
    """Give the line of "On ... wrote:" or of a separator, in the languages that quotequail knows."""
    for at in range(min(len(lines), MOST_LINES)):
        pair = lines[at : at + 2]
        if any(map(INTRODUCING.search, pair)) and all(map(_is_short, pair)) and lines[at]:
            before = quotequail.quote("\n".join(pair), quote_intro_line=True)[0][1]
            if not before and _introduces(lines, at):
                return at
    return len(lines)


def _is_short(line: str) -> bool:
    return len(line) <= LONGEST_INTRODUCTION and line.count("<") <= MOST_BRACKETS


def _introduces(lines: list[str], at: int) -> bool:
    """Say whether a quote follows: a rule stands above the fields of a mail, and who wrote is told with a date."""
    if set(lines[at].strip()) == {"_"}:
        below = lines[at + 1 : at + 1 + HEADER_NEAR]
        return _headed(below) < len(below)
    told = "".join(lines[at : at + 2])
    return "--" in told or any(character.isdigit() for character in told) or bool(FORWARDED.search(told))


def _headed(lines: list[str]) -> int:
    """Give the line of the ``From:`` field of a mail that Outlook quotes without any other sign."""
    for at, line in enumerate(lines[:MOST_LINES]):
        if HEADER_FROM.match(line) and any(map(HEADER_SUBJECT.match, lines[at + 1 : at + HEADER_NEAR])):
            return at
    return len(lines)


def _marked(lines: list[str]) -> int:
    """Give the first line marked with ``>``, or the line above that introduces it in a language of its own."""
    first = next((at for at, line in enumerate(lines) if line.startswith(">")), len(lines))
    above = next((at for at in range(first - 1, -1, -1) if lines[at].strip()), None)
    introduced = first < len(lines) and above is not None and INTRODUCTION.search(lines[above])
    return above if introduced and above is not None else first


def _is_marked(quote: list[str]) -> bool:
    """Say whether the quote is marked with ``>``, behind an introduction of two lines at most."""
    return any(line.startswith(">") for line in [line for line in quote if line.strip()][:3])


def _is_answered(quote: list[str]) -> bool:
    """Say whether there are words of the sender's own below or between the marked lines."""
    if not _is_marked(quote):
        return False
    first = next(at for at, line in enumerate(quote) if line.startswith(">"))
    return any(line.strip() and not line.startswith(">") for line in quote[first:])


def _signed(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split off what stands behind the last delimiter (RFC 3676, 4.3), or the footer that a telephone adds."""
    at = max((at for at, line in enumerate(lines) if line.rstrip() == "--"), default=len(lines))
    below = [line for line in lines[at + 1 :] if line.strip()]
    if below and len(below) <= MOST_SIGNED_LINES and not any(line.startswith(">") for line in below):
        return lines[:at], lines[at + 1 :]
    last = max((at for at, line in enumerate(lines) if line.strip()), default=0)
    footer = lines[last].strip() if lines else ""
    if len(footer) <= LONGEST_FOOTER and FOOTER.fullmatch(footer):
        return lines[:last], [footer]
    return lines, []
