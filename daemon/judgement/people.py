"""What a mail tells of its sender beside the name: the organisation behind the address."""

import re

from daemon.judgement.message import Address

# Providers where anybody gets an address: their domain tells nothing of who writes.
PUBLIC = frozenset(
    {
        "126.com", "163.com", "alice.it", "aol.com", "aon.at", "arcor.de", "att.net", "bellsouth.net", "bigpond.com",
        "bk.ru", "bluewin.ch", "bol.com.br", "btinternet.com", "charter.net", "chello.at", "comcast.net", "cox.net",
        "daum.net", "docomo.ne.jp", "duck.com", "email.de", "ezweb.ne.jp", "fastmail.com", "fastmail.fm",
        "foxmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.li",
        "gmx.net", "gmx.us", "googlemail.com", "hanmail.net", "hey.com", "hispeed.ch", "hotmail.co.uk", "hotmail.com",
        "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it", "hushmail.com", "icloud.com", "inbox.ru",
        "interia.pl", "kabelmail.de", "kpnmail.nl", "laposte.net", "libero.it", "list.ru", "live.co.uk", "live.com",
        "live.de", "live.fr", "live.nl", "mac.com", "mail.com", "mail.ru", "mailbox.org", "me.com", "msn.com",
        "naver.com", "neuf.fr", "ntlworld.com", "o2.pl", "onet.pl", "optusnet.com.au", "orange.fr", "outlook.at",
        "outlook.com", "outlook.de", "outlook.es", "outlook.fr", "outlook.it", "planet.nl", "pm.me", "posteo.de",
        "proton.me", "protonmail.ch", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com", "rocketmail.com",
        "rogers.com", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.com", "sky.com", "skynet.be",
        "sohu.com", "sunrise.ch", "sympatico.ca", "t-online.de", "talktalk.net", "telenet.be", "terra.com.br",
        "tin.it", "tiscali.it", "tuta.com", "tuta.io", "tutanota.com", "ukr.net", "uol.com.br", "verizon.net",
        "virgilio.it", "virginmedia.com", "vodafone.de", "wanadoo.fr", "web.de", "wp.pl", "xs4all.nl", "ya.ru",
        "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.au", "yahoo.com.br",
        "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru", "yeah.net", "ymail.com",
        "ziggo.nl", "zoho.com",
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
