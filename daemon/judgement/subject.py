"""A subject without what mail programs put around it: for showing, and for comparing.

Every pattern here is tried once for each place in the subject and looks a bounded way ahead, so that a hostile subject
costs no more than its length.
"""

import re
import unicodedata
from dataclasses import dataclass

# Of replies and forwards alike: Western and Northern Europe, Turkish, Polish, Hungarian, Indonesian, Welsh,
# then by their own letters.
LATIN_MARKS = [
    "re",
    "fw",
    "fwd",
    "aw",
    "wg",
    "sv",
    "vs",
    "vb",
    "vl",
    "fs",
    "svar",
    "antw",
    "antwoord",
    "doorst",
    "tr",
    "rép",
    "rv",
    "res",
    "enc",
    "rif",
    "odp",
    "pd",
    "ynt",
    "ilt",
    "i̇lt",
    "vá",
    "továbbítás",
    "bls",
    "trs",
    "atb",
    "yml",
    "ts",
]
GREEK_MARKS = ["απ", "σχετ", "πρθ"]
CYRILLIC_MARKS = ["отв", "ответ", "на", "пересл"]
EASTERN_MARKS = [
    "回复",
    "回覆",
    "答复",
    "答覆",
    "回信",
    "返信",
    "转发",
    "轉寄",
    "轉發",
    "転送",
    "답장",
    "회신",
    "전달",
    "رد",
    "תגובה",
]
WORDS = "|".join(map(re.escape, (*LATIN_MARKS, *GREEK_MARKS, *CYRILLIC_MARKS, *EASTERN_MARKS)))
COLON = "[:\N{FULLWIDTH COLON}]"
COUNT = r"(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4})"
# Italian programs write R: and I:, always as capitals and with the colon close by; anything looser would eat words.
MARK = rf"(?:(?:{WORDS}) ?(?:{COUNT} ?)?{COLON}|(?-i:[RI]){COLON})"
TAG = r"\[[^\[\]]{1,60}\]"
LEAD = re.compile(rf"(?:{MARK}|(?P<tag>{TAG})) ?", re.IGNORECASE)
TAGS = re.compile(TAG)
MARK_AT_END = re.compile(r" ?\(fwd?\)$", re.IGNORECASE)
FORMER = re.compile(r"\((?:was|war) ?:.*", re.IGNORECASE)
WORD = re.compile(r"\w+")
LONGEST_KEY = 400  # of the subject's characters; putting more in canonical order costs the square of its length
LEAST_LETTERS = 4
GENERIC = frozenset(
    [
        "hello",
        "hi",
        "hallo",
        "dear",
        "sir",
        "madam",
        "question",
        "questions",
        "frage",
        "fragen",
        "anfrage",
        "request",
        "inquiry",
        "enquiry",
        "query",
        "info",
        "information",
        "informations",
        "help",
        "hilfe",
        "support",
        "contact",
        "kontakt",
        "urgent",
        "dringend",
        "wichtig",
        "important",
        "test",
        "problem",
        "issue",
        "message",
        "nachricht",
        "mail",
        "email",
        "order",
        "bestellung",
        "invoice",
        "rechnung",
        "bonjour",
        "question",
        "demande",
        "facture",
        "commande",
        "hola",
        "consulta",
        "pedido",
        "factura",
        "ciao",
        "domanda",
        "richiesta",
        "ordine",
        "fattura",
        "no",
        "none",
        "subject",
        "kein",
        "betreff",
        "ohne",
        "objet",
        "sans",
        "asunto",
        "sin",
        "thanks",
        "thank",
        "you",
        "danke",
        "merci",
        "gracias",
        "grazie",
        "update",
        "reminder",
        "follow",
        "up",
        "meeting",
        "document",
        "documents",
    ]
)


@dataclass(frozen=True)
class _Parts:
    """A subject taken apart: is it marked, the tags to keep, and what stands behind marks and tags."""

    marked: bool
    tags: tuple[str, ...]
    rest: str

    @property
    def bare(self) -> str:
        return " ".join((*self.tags, self.rest)).strip()


def bare_subject(subject: str) -> str:
    """Take the marks of replies and forwards off a subject, and the list tags among them.

    A tag that holds a number stays, for it tells two matters apart; so does any tag where nothing else would be left.
    A subject without a mark is shown as it is, with its white space folded.
    """
    parts = _taken_apart(subject)
    return parts.bare if parts.marked else _folded(subject)


def subject_key(subject: str) -> str:
    """Give what two subjects must share to be the same: the words of the bare one, without case and punctuation.

    A former subject in brackets, "(was: Opening hours)", is left out. At most 400 characters are looked at.
    """
    bare = FORMER.sub("", _taken_apart(subject).bare)[:LONGEST_KEY]
    return " ".join(WORD.findall(unicodedata.normalize("NFKC", bare).casefold()))


def is_marked(subject: str) -> bool:
    """Say whether a subject carries the mark of a reply or a forward."""
    return _taken_apart(subject).marked


def same_topic(one: str, other: str) -> bool:
    """Say whether one subject is the other, or holds it; an empty one is no topic of its own."""
    here, there = (subject_key(TAGS.sub(" ", _folded(subject))) for subject in (one, other))
    return here in there or there in here


def has_substance(key: str) -> bool:
    """Say whether a key tells matters apart: at least four letters, and not only words that anybody writes."""
    return sum(map(str.isalpha, key)) >= LEAST_LETTERS and not GENERIC.issuperset(key.split())


def _taken_apart(subject: str) -> _Parts:
    words = _folded(subject)
    end = MARK_AT_END.search(words)
    body = words[: end.start()] if end else words
    marked, tags, at = bool(end), [], 0
    while found := LEAD.match(body, at):
        at = found.end()
        marked = marked or not found["tag"]
        tags += [found["tag"]] if found["tag"] else []
    rest = body[at:]
    kept = [tag for tag in tags if any(map(str.isdigit, tag))] if rest else tags
    return _Parts(marked, tuple(dict.fromkeys(kept)), rest)


def _folded(subject: str) -> str:
    return " ".join(subject.split())
