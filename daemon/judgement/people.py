"""What a mail tells of its sender beside the name: the organisation behind the address."""

import re

from daemon.judgement.message import Address

# Providers where anybody gets an address: their domain tells nothing of who writes.
PUBLIC = frozenset(
    {
        "126.com", "163.com", "aol.com", "bluewin.ch", "comcast.net", "fastmail.com", "free.fr", "freenet.de",
        "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.com",
        "hotmail.fr", "icloud.com", "laposte.net", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru",
        "mailbox.org", "me.com", "msn.com", "naver.com", "orange.fr", "outlook.com", "pm.me", "posteo.de",
        "proton.me", "protonmail.com", "qq.com", "sbcglobal.net", "t-online.de", "tutanota.com", "verizon.net",
        "wanadoo.fr", "web.de", "yahoo.co.uk", "yahoo.com", "yahoo.fr", "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip
DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")


def organisation_of(address: Address) -> str:
    """Name the organisation by its domain; empty for an address of a public provider."""
    return "" if address.domain in PUBLIC else address.domain


def organisation_named(words: str) -> str:
    """Read the name of an organisation, its domain; raise ValueError where nobody can be of it."""
    name = words.strip().lower()
    if not DOMAIN.fullmatch(name):
        message = f"{words!r} is no domain, such as quill.example"
        raise ValueError(message)
    if name in PUBLIC:
        message = f"anybody gets an address at {name}, so it is no organisation; name a person"
        raise ValueError(message)
    return name
