"""Authenticity: what the border server's Authentication-Results say of the sender's domain."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.authenticity import Authenticity, Verdict, authenticity
from daemon.judgement.message import Address
from tests.judgement.samples import ADA, message

SERVER = "mx.harbourpine.example"
PASSED = f"{SERVER}; dmarc=pass header.from=quill.example"
LONG_ENOUGH = 10  # seconds: a hang takes minutes
PIECES = st.sampled_from(
    [
        SERVER, "mx.evil.example", "1", ";", "=", " ", "(", ")", '"', "\\", ".", "/", "dmarc", "dkim", "spf", "pass",
        "fail", "none", "header.from", "header.d", "header.i", "quill.example", "@quill.example", "evil.example",
        "reason", "\x00", "ü",
    ]
)  # fmt: skip
FIELDS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80)
FOREIGN = FIELDS.map(lambda field: f"mx.evil.example; {field}") | st.sampled_from(
    [
        PASSED.replace(SERVER, f"{SERVER}.evil.example"),
        PASSED.replace(SERVER, f"x{SERVER}"),
        PASSED.replace(SERVER, f"({SERVER})"),
        PASSED.replace(SERVER, f'"{SERVER} "'),
        PASSED.replace(SERVER, f"mx.evil.example ({SERVER}"),
        PASSED.replace(SERVER, f"{SERVER} {SERVER}"),
        "dmarc=pass header.from=quill.example",
        "dmarc=fail header.from=quill.example",
        "; dmarc=fail",
        "",
    ]
)


def judged(*fields: str, senders: tuple[Address, ...] = (ADA,), authserv_id: str = SERVER) -> Authenticity:
    """Judge Ada's mail with these Authentication-Results."""
    return authenticity(message(senders=senders, headers={"authentication-results": fields}), authserv_id)


def results(statements: str) -> Authenticity:
    """Judge Ada's mail by what the border server says of it."""
    return judged(f"{SERVER}; {statements}")


@pytest.mark.parametrize("authserv_id", ["", " "])
def test_without_a_configured_server_nothing_is_known(authserv_id: str) -> None:
    """Anybody can write the field; none counts by itself."""
    assert judged(PASSED, authserv_id=authserv_id) == Authenticity(
        Verdict.UNKNOWN, "no authserv-id is configured", domain="quill.example"
    )


def test_a_mail_without_results_is_unknown() -> None:
    """The border server may not have looked."""
    assert judged() == Authenticity(
        Verdict.UNKNOWN, "the border server wrote no results into it", domain="quill.example"
    )


def test_it_reads_all_results() -> None:
    """Comments, quoted strings and several methods in one field (RFC 8601, 2.2)."""
    field = (
        f"{SERVER} 1; spf=pass (192.0.2.7 (their relay) is allowed; really) smtp.mailfrom=quill.example;"
        ' dkim=pass reason="2048-bit; rsa" header.d=quill.example header.b="a=/+"; dmarc=pass header.from=quill.example'
    )
    assert judged(field) == Authenticity(Verdict.PASS, "dmarc", "pass", "pass", "pass", "quill.example")


@pytest.mark.parametrize(
    "field",
    [
        PASSED,
        PASSED.upper(),
        PASSED.replace(";", " 1;"),
        PASSED.replace(SERVER, f'"{SERVER}"'),
        PASSED.replace(SERVER, f"(ours) {SERVER} (version) 1"),
        PASSED.replace("dmarc=pass", "dmarc/1 = (p=none \\) sp=none) pass"),
        PASSED.replace("quill.example", '"quill\\.example"'),
        f"{PASSED};",
        f"{PASSED}; dkim=pass header.b=ab=c== header.d=x.example",
    ],
)
def test_a_pass_for_the_domain_in_from_passes(field: str) -> None:
    """Case, versions, comments, quotes and a last semicolon change nothing."""
    assert judged(field).verdict is Verdict.PASS


def test_a_failure_fails() -> None:
    """The domain says that it does not send so."""
    judgement = results("spf=pass smtp.mailfrom=evil.example; dkim=none; dmarc=fail header.from=quill.example")
    assert judgement == Authenticity(Verdict.FAIL, "dmarc", "pass", "none", "fail", "quill.example")


@pytest.mark.parametrize("senders", [(), (ADA, Address("eve@evil.example"))], ids=["nobody", "two"])
def test_an_ambiguous_sender_never_passes(senders: tuple[Address, ...]) -> None:
    """It is not plain for whom the domain would vouch."""
    assert judged(PASSED, senders=senders).why == "the sender is ambiguous"


def test_an_ambiguous_sender_may_fail() -> None:
    """A failure needs no sender."""
    assert judged(f"{SERVER}; dmarc=fail", senders=()).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("dmarc=pass", "dmarc passed for another domain than the one in From, or for none that is named"),
        (
            "dmarc=pass header.from=evil.example",
            "dmarc passed for another domain than the one in From, or for none that is named",
        ),
        (
            "dmarc=pass header.from=quill.example; dmarc=pass header.from=evil.example",
            "dmarc passed for another domain than the one in From, or for none that is named",
        ),
        ("dmarc=pass header.from=quill.example; dmarc=fail", "the results of dmarc disagree"),
        ("dmarc=temperror; dkim=pass header.d=quill.example", "dmarc came to no verdict (temperror)"),
        ("dmarc=bestguesspass header.from=quill.example", "dmarc came to no verdict (bestguesspass)"),
        ("spf=pass smtp.mailfrom=ada@quill.example", "no signature of the sender's domain passed"),
        ("none", "no signature of the sender's domain passed"),
        ("", "no signature of the sender's domain passed"),
    ],
)
def test_what_is_not_certain_is_unknown(statements: str, why: str) -> None:
    """SPF alone speaks of the envelope, a pass without a domain of nobody."""
    judgement = results(statements)
    assert (judgement.verdict, judgement.why) == (Verdict.UNKNOWN, why)


def test_several_fields_of_the_server_must_agree() -> None:
    """Where one says pass and another fail, neither is believed."""
    judgement = judged(PASSED, f"{SERVER}; dmarc=fail header.from=quill.example")
    assert (judgement.verdict, judgement.dmarc) == (Verdict.UNKNOWN, "pass, fail")


def test_several_fields_of_the_server_are_read_together() -> None:
    """Each filter of a server may write a field of its own."""
    judgement = judged(f"{SERVER}; dkim=pass header.d=quill.example", PASSED)
    assert (judgement.verdict, judgement.dkim) == (Verdict.PASS, "pass")


@pytest.mark.parametrize(
    "statements",
    [
        "dkim=pass header.d=quill.example",
        "dkim=pass header.i=@quill.example",
        "dmarc=none; dkim=fail header.d=quill.example; dkim=pass header.d=Quill.example",
    ],
)
def test_a_signature_of_the_sender_s_domain_passes_where_there_is_no_dmarc(statements: str) -> None:
    """The domain has signed; it only publishes no policy."""
    judgement = results(statements)
    assert (judgement.verdict, judgement.why) == (Verdict.PASS, "dkim aligned")


def test_a_signature_of_the_organisation_above_passes() -> None:
    """Quill signs for its departments."""
    mail = (Address("ada@mail.quill.example"),)
    assert judged(f"{SERVER}; dkim=pass header.d=quill.example", senders=mail).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "statements",
    [
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=notquill.example",
        "dkim=pass header.d=example",
        "dkim=pass header.d=mail.quill.example",
        "dkim=pass",
        "dkim=fail header.d=quill.example",
        "arc=pass header.d=quill.example",
    ],
)
def test_a_signature_of_another_domain_says_nothing(statements: str) -> None:
    """A top-level domain, a domain below and one that only ends alike do not vouch."""
    assert results(statements).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "statements",
    [
        "dkim=pass header.d=quill.example (never closed; dmarc=fail",
        'dkim=pass header.d=quill.example reason="never closed; dmarc=fail',
        "dkim=pass header.d=quill.example ); dmarc=pass header.from=quill.example",
        "dkim=pass header.d=quill.example header.d=evil.example",
        "dmarc pass; dkim=pass header.d=quill.example",
        "dmarc=; dkim=pass header.d=quill.example",
        "=pass; dkim=pass header.d=quill.example",
    ],
)
def test_results_that_can_be_read_in_two_ways_are_unknown(statements: str) -> None:
    """What follows a broken comment might have said fail."""
    judgement = results(statements)
    assert judgement.why.startswith("the border server's results cannot be read")
    assert (judgement.verdict, judgement.is_strangers) == (Verdict.UNREADABLE, True)


def test_results_that_may_have_been_cut_are_a_strangers() -> None:
    """A sender can put so many signatures before the failure that it does not fit."""
    field = f"{SERVER}; dkim=pass header.d=quill.example {'x' * 2_000}"[:2_000]
    judgement = judged(field)
    assert judgement.why == "the border server's results are too long to be read"
    assert (judgement.verdict, judgement.is_strangers) == (Verdict.UNREADABLE, True)


def test_an_injected_result_never_passes_beside_the_true_one() -> None:
    """A server that copies the sender's words without quotes still says its own."""
    judgement = results("spf=pass smtp.mailfrom=a; dmarc=pass header.from=quill.example; dmarc=fail")
    assert judgement.verdict is not Verdict.PASS


@given(st.lists(FOREIGN, max_size=4), st.sampled_from([PASSED, f"{SERVER}; dmarc=fail", f"{SERVER}; none"]))
def test_a_field_of_another_server_never_changes_the_verdict(foreign: list[str], own: str) -> None:
    """Anybody can write them, before ours and behind it."""
    assert judged(*foreign, own, *foreign) == judged(own)


@given(st.lists(FOREIGN, max_size=4))
def test_fields_of_other_servers_alone_are_never_a_verdict(foreign: list[str]) -> None:
    """A forged field is as none."""
    assert judged(*foreign) == judged()


@given(st.lists(FIELDS | FIELDS.map(lambda field: f"{SERVER};{field}"), max_size=4))
def test_judging_never_raises(fields: list[str]) -> None:
    """Whatever the fields hold, there is a verdict with a line."""
    assert judged(*fields).line()


@pytest.mark.parametrize("piece", ["(", ")", "()", '"', '""', "\\", ";", "=", "a=b ", "a=b;", " ", "(\\", '"\\'])
def test_a_hostile_field_costs_no_more_than_its_length(piece: str) -> None:
    """A hundred thousand brackets are no hang, in the name of the server or behind it."""
    began = time.monotonic()
    judged(piece * 100_000, f"{SERVER} {piece * 100_000}", f"{SERVER}; a={piece * 900}")
    assert time.monotonic() - began < LONG_ENOUGH


@pytest.mark.parametrize(
    ("statements", "line"),
    [
        (
            "dmarc=pass header.from=quill.example",
            "authenticated: the domain quill.example vouches for this mail (dmarc)",
        ),
        (
            "dkim=pass header.d=quill.example",
            "authenticated: the domain quill.example vouches for this mail (dkim aligned)",
        ),
        ("dmarc=fail", "FAILS authentication: may be forged"),
        ("none", "not authenticated"),
    ],
)
def test_its_line_says_the_verdict(statements: str, line: str) -> None:
    """The model reads it in the briefing."""
    assert results(statements).line() == line
