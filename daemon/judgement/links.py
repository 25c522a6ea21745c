"""The links in a text, as any mail program could make one of them: addresses of pages, bare domains, mail addresses.

In plain text nothing is a link until a mail program makes one, and programs differ. So whatever looks like one to any
of them is one here: in Markdown, in HTML, by a scheme, or by a name that ends in a top-level domain.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from publicsuffixlist import PublicSuffixList

FULL_STOPS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})  # a browser takes these for a dot (UTS 46)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}:(?://)?[^\s<>\"'`\\^{|}]+", re.IGNORECASE)
# A name of at least two parts, what stands before it as in a sign-in, and what is asked for there.
NAME = re.compile(
    r"(?:[\w.+%-]+@)?(?<![\w@.-])?((?:\w(?:[\w-]*\w)?\.)+[^\W\d_](?:[\w-]*[^\W_])?)\.?(?::\d+)?(?:[/?#][^\s<>\"'`\\^{|}]*)?"
)
NUMERIC = re.compile(r"(?:https?://)?(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?[/?#][^\s<>\"']*", re.IGNORECASE)
ENDS = ".,;:!?)]}>'\"*_"
# Names that are reserved (RFC 2606, RFC 6762, RFC 7686) and lead somewhere in some house or network.
RESERVED = frozenset({"example", "test", "invalid", "localhost", "local", "internal", "lan", "home", "corp", "onion"})
PAGES = ("http", "https", "ftp")
# What a word before a colon may be, other than a scheme: "Note:this".
SCHEMES = frozenset(
    {*PAGES, "mailto", "tel", "sms", "callto", "file", "javascript", "vbscript", "data", "cid", "ftps", "sftp", "smb",
     "ldap", "ws", "wss", "skype", "whatsapp", "tg", "market", "intent", "magnet", "webcal", "ms-word", "ms-excel",
     "ms-settings", "search-ms", "view-source", "git", "ssh"}
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """Where a text leads: ``written`` as it stands there, ``target`` as it is compared, and the ``host``.

    A mail address has itself as its target. The host is empty where there is none, as in ``tel:``.
    """

    written: str
    target: str
    host: str

    @property
    def is_bare(self) -> bool:
        """Say whether it names a host and asks it for nothing that could tell it anything."""
        return self.target == self.host


def links(text: str) -> Iterator[Link]:
    """Find all of them, in the order in which they stand."""
    plain = _plain(text)
    found = [*SCHEME.finditer(plain), *NAME.finditer(plain), *NUMERIC.finditer(plain)]
    end = 0
    for match in sorted(found, key=lambda each: (each.start(), -each.end())):
        if match.start() < end:
            continue
        written = match[0].rstrip(ENDS)
        link = _link(written)
        if link:
            end = match.start() + len(link.written)
            yield link
        elif ":" in written:  # what stands before the colon is no scheme: look behind it
            end = match.end()
            yield from links(match[0].partition(":")[2])


def _plain(text: str) -> str:
    """Take away what is not seen, and write each character as the one that a browser takes it for."""
    seen = "".join(
        each
        for each in text.translate(FULL_STOPS)
        if unicodedata.category(each) not in ("Cf", "Cc", "Mn") or each in "\n\t\r"
    )
    return unicodedata.normalize("NFKC", seen).translate(FULL_STOPS)


def _link(written: str) -> Link | None:
    scheme, colon, rest = written.partition(":")
    if colon and scheme.lower() in SCHEMES:
        return _by_scheme(written, scheme.lower(), rest)
    if colon and "//" in rest[:2]:
        return Link(written, written.lower(), _host(rest[2:]))
    return _by_name(written)


def _by_scheme(written: str, scheme: str, rest: str) -> Link | None:
    bare = rest.lstrip("/")
    if not bare:
        return None
    if scheme == "mailto":
        address = bare.partition("?")[0].lower()
        return Link(written, bare.lower() if "?" in bare else address, address.rpartition("@")[2])
    if scheme in PAGES:
        return Link(written, _target(bare), _host(bare))
    return Link(written, written, _host(bare) if rest.startswith("//") else "")


def _by_name(written: str) -> Link | None:
    """Take a name for a link if it ends as one does; one of digits alone is a number."""
    if NUMERIC.fullmatch(written):
        return Link(written, _target(written), _host(written))
    host = _host(written)
    if not _is_domain(host):
        return None
    if "@" in written.partition("/")[0]:
        return Link(written, written.lower(), host)
    return Link(written, _target(written), host)


def _target(written: str) -> str:
    """Write a page's address as it is compared: its host in small letters, without a last slash."""
    host = re.split(r"[/?#]", written, maxsplit=1)[0]
    return (host.lower().rstrip(".") + written[len(host) :]).rstrip("/")


def _host(written: str) -> str:
    """Give the host of what stands behind a scheme: without sign-in, port and path."""
    authority = re.split(r"[/?#]", written, maxsplit=1)[0]
    return authority.rpartition("@")[2].partition(":")[0].lower().rstrip(".")


def _is_domain(host: str) -> bool:
    first, _, last = host.rpartition(".")
    return bool(first) and (last in RESERVED or _suffixes().publicsuffix(_ascii(host)) is not None)


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


@cache
def _suffixes() -> PublicSuffixList:
    """Load the list of top-level domains that comes with the package (publicsuffix.org); nothing is fetched."""
    return PublicSuffixList(accept_unknown=False)
