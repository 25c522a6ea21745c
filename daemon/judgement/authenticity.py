"""Whether the sender's domain vouches for a mail, as the operator's own border server found (RFC 8601).

Only fields that carry the configured authserv-id count; the operator has confirmed that the border server takes away
forged ones. A verdict is about a domain: that it may write in its name says nothing of who writes, or of their rights.
"""

from dataclasses import dataclass
from enum import StrEnum

from daemon.judgement.authentication_results import Result, results, writer
from daemon.judgement.message import Message

LONGEST_FIELD = 2_000  # characters: the parser cuts there, and what was cut away might have said "fail"
VOUCHED = "authenticated:"  # how the line of a mail begins whose domain vouches for it


class Verdict(StrEnum):
    """PASS: the domain vouches for the mail. FAIL: it says that the mail is not its own. UNKNOWN: anything else.

    UNREADABLE: the border server said something that cannot be read whole. A sender can bring that about (with dozens
    of signatures, for one), and whoever hides a "fail" so shall gain nothing by it.
    """

    PASS = "pass"  # noqa: S105 - a result of RFC 8601, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Authenticity:
    """The verdict with its reason, the results as the border server gave them, and the domain in From.

    ``spf``, ``dkim`` and ``dmarc`` are empty where nothing was said, and hold several results behind commas.
    """

    verdict: Verdict
    why: str
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    domain: str = ""

    @property
    def is_strangers(self) -> bool:
        """Say that whom the mail names as its sender counts for nothing."""
        return self.verdict in (Verdict.FAIL, Verdict.UNREADABLE)

    def line(self) -> str:
        """Say it in the briefing's words."""
        if self.verdict is Verdict.PASS:
            return f"{VOUCHED} the domain {self.domain} vouches for this mail ({self.why})"
        if self.verdict is Verdict.FAIL:
            return "FAILS authentication: may be forged"
        return "not authenticated"


def authenticity(message: Message, authserv_id: str) -> Authenticity:
    """Judge a mail by the fields of the border server called ``authserv_id``; UNKNOWN where there is any doubt."""
    domain = message.sender.domain.lower() if message.sender else ""
    wanted = authserv_id.strip().lower()
    if not wanted:
        return Authenticity(Verdict.UNKNOWN, "no authserv-id is configured", domain=domain)
    values = [value for value in message.headers.get("authentication-results", ()) if writer(value) == wanted]
    if not values:
        return Authenticity(Verdict.UNKNOWN, "the border server wrote no results into it", domain=domain)
    if any(len(value) >= LONGEST_FIELD for value in values):
        return Authenticity(Verdict.UNREADABLE, "the border server's results are too long to be read", domain=domain)
    try:
        found = [result for value in values for result in results(value)]
    except ValueError as error:
        return Authenticity(Verdict.UNREADABLE, f"the border server's results cannot be read: {error}", domain=domain)
    verdict, why = _verdict(found, domain)
    return Authenticity(verdict, why, _said(found, "spf"), _said(found, "dkim"), _said(found, "dmarc"), domain)


def _said(found: list[Result], method: str) -> str:
    return ", ".join(dict.fromkeys(result.result for result in found if result.method == method))


def _verdict(found: list[Result], domain: str) -> tuple[Verdict, str]:
    """Follow DMARC where it came to a result; only where the domain has none of it, a signature may speak."""
    policy = [result for result in found if result.method == "dmarc"]
    match sorted({result.result for result in policy}):
        case ["fail"]:
            return Verdict.FAIL, "dmarc"
        case _ if not domain:
            return Verdict.UNKNOWN, "the sender is ambiguous"
        case ["pass"]:
            return _passed(policy, domain)
        case [] | ["none"]:
            return _signed(found, domain)
        case [one]:
            return Verdict.UNKNOWN, f"dmarc came to no verdict ({one})"
        case _:
            return Verdict.UNKNOWN, "the results of dmarc disagree"


def _passed(policy: list[Result], domain: str) -> tuple[Verdict, str]:
    """Believe a pass only of the very domain in From; one that names no domain may be about another From."""
    if all(result.properties.get("header.from") == domain for result in policy):
        return Verdict.PASS, "dmarc"
    return Verdict.UNKNOWN, "dmarc passed for another domain than the one in From, or for none that is named"


def _signed(found: list[Result], domain: str) -> tuple[Verdict, str]:
    signers = (_signer(result) for result in found if (result.method, result.result) == ("dkim", "pass"))
    if any(_vouches(signer, domain) for signer in signers):
        return Verdict.PASS, "dkim aligned"
    return Verdict.UNKNOWN, "no signature of the sender's domain passed"


def _signer(result: Result) -> str:
    """Give the signing domain; header.i is of the same domain or below it (RFC 6376, 3.5), and often stands alone."""
    return result.properties.get("header.d") or result.properties.get("header.i", "").rpartition("@")[2]


def _vouches(signer: str, domain: str) -> bool:
    """Say whether the signer is the domain or stands above it; a top-level domain signs for nobody.

    A domain below the sender's does not vouch for it, other than in DMARC: it may be let to somebody else.
    """
    return "." in signer and (domain == signer or domain.endswith(f".{signer}"))
