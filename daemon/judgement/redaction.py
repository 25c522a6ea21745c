"""Takes what is private out of a mail's reading, and leaves its shape: for a report to people who must not read it."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]+@[^\s<>()\[\],;:\"'@]+")


@dataclass(frozen=True)
class Redactor:
    """Replaces words. ``salt`` is fresh for each report: the same address gets the same name in it, and only there."""

    salt: str

    def words(self, text: str) -> str:
        """Replace letters by x and digits by 0; addresses get names that can still be told apart."""
        pieces = []
        end = 0
        for match in ADDRESS.finditer(text):
            pieces += [_shape(text[end : match.start()]), self.address(match[0])]
            end = match.end()
        return "".join([*pieces, _shape(text[end:])])

    def address(self, address: str) -> str:
        """Replace local part and domain, each by a name made of its hash."""
        local, _, domain = address.rpartition("@")
        return f"{self._name('person', local)}@{self._name('domain', domain)}.example" if local else _shape(address)

    def _name(self, kind: str, text: str) -> str:
        return f"{kind}-{hashlib.sha256(f'{self.salt}{text.lower()}'.encode()).hexdigest()[:6]}"


def _shape(text: str) -> str:
    """Keep length, case, punctuation and line breaks."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    """Replace what can spell a word or a number: marks on letters, fractions and circled letters can as well."""
    if character.isupper():
        return "X"
    kind = unicodedata.category(character)[0]
    if kind == "N":
        return "0"
    return "x" if kind in "LM" or character.islower() else character
