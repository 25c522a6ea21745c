"""What a mail tells of its sender beside the name: the organisation behind the address."""

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


def organisation_of(address: Address) -> str:
    """Name the organisation by its domain; empty for an address of a public provider."""
    return "" if address.domain in PUBLIC else address.domain
