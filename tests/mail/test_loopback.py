"""A sign-in in the browser: only the answer to our own question is taken."""

import http.client
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon.errors import FatalError, TransientError
from daemon.mail.loopback import BrowserSignIn, Listener, elsewhere

AUTH_URL = "https://accounts.example/auth"


def ask(address: str) -> int:
    """Call an address as a browser does, and give the status of the answer."""
    parts = urlsplit(address)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        return connection.getresponse().status
    finally:
        connection.close()


def redirect(begun: BrowserSignIn, **answer: str) -> str:
    """Write the address that a provider sends the browser back to."""
    return f"{begun.redirect_uri}/?{urlencode({'state': begun.state, **answer})}"


def test_the_code_comes_back_by_the_browser() -> None:
    """The page tells the person to go back, and the code is the one that was sent."""
    with Listener() as listener:
        begun = BrowserSignIn(listener.redirect_uri)
        listener.expect(begun)
        status = ask(redirect(begun, code="the-code"))
        assert (status, begun.code_in(listener.wait(10))) == (200, "the-code")


def test_what_any_other_page_sends_is_not_taken() -> None:
    """A page that guesses the port cannot end the sign-in, nor put a code of its own into it."""
    with Listener() as listener:
        begun = BrowserSignIn(listener.redirect_uri)
        listener.expect(begun)
        strange = BrowserSignIn(listener.redirect_uri)
        assert [ask(redirect(strange, code="theirs")), ask(listener.redirect_uri)] == [404, 404]
        ask(redirect(begun, code="ours"))
        assert begun.code_in(listener.wait(10)) == "ours"


def test_nobody_who_signs_in_is_not_waited_for_without_end() -> None:
    """The words say how to begin again."""
    with Listener() as listener:
        listener.expect(BrowserSignIn(listener.redirect_uri))
        with pytest.raises(TransientError, match=r"within 0.01 s; begin again with: clerkd login"):
            listener.wait(0.01)


def test_the_port_is_open_to_this_machine_alone() -> None:
    """No other host can send a code."""
    with Listener() as listener:
        assert urlsplit(listener.redirect_uri).hostname == "127.0.0.1"


@given(st.text(), st.text())
def test_a_pasted_address_of_another_sign_in_is_never_taken(state: str, code: str) -> None:
    """Whatever it holds (RFC 6749, 10.12)."""
    begun = BrowserSignIn("http://127.0.0.1:50000")
    assume(state != begun.state)
    with pytest.raises(FatalError, match="does not belong to this sign-in"):
        begun.code_in(f"http://127.0.0.1:50000/?{urlencode({'state': state, 'code': code})}")


@pytest.mark.parametrize("words", ["", "http://[", "\udcff", "not an address", "http://127.0.0.1:50000/?state=%FF"])
def test_what_is_no_address_is_refused_in_words(words: str) -> None:
    """Whatever is pasted by mistake."""
    with pytest.raises(FatalError, match="begin again with: clerkd login"):
        BrowserSignIn("http://127.0.0.1:50000").code_in(words)


def test_an_address_copied_in_part_says_what_is_missing() -> None:
    """The state is there, the code is not."""
    begun = BrowserSignIn("http://127.0.0.1:50000")
    with pytest.raises(FatalError, match="give the whole address"):
        begun.code_in(redirect(begun))


def test_a_person_who_declines_is_told_apart() -> None:
    """RFC 6749, 4.1.2.1: the provider's words are not repeated."""
    begun = BrowserSignIn("http://127.0.0.1:50000")
    with pytest.raises(TransientError, match="has declined the sign-in; begin again") as found:
        begun.code_in(redirect(begun, error="access_denied", error_description="open-sesame"))
    assert (found.value.kind, "open-sesame" in str(found.value)) == ("authentication", False)


def test_no_two_sign_ins_share_what_proves_them() -> None:
    """State and verifier are drawn anew, and neither the verifier nor its bare self goes to the browser."""
    one, other = (BrowserSignIn(elsewhere()) for _ in range(2))
    assert (one.state == other.state, one.verifier == other.verifier) == (False, False)
    assert one.verifier not in one.url(AUTH_URL)


def test_the_verifier_is_as_long_as_the_standard_wants() -> None:
    """RFC 7636, 4.1: 43 to 128 characters; the challenge is a SHA-256."""
    begun = BrowserSignIn(elsewhere())
    asked = parse_qs(urlsplit(begun.url(AUTH_URL)).query)
    assert 43 <= len(begun.verifier) <= 128
    assert (len(asked["code_challenge"][0]), asked["code_challenge_method"]) == (43, ["S256"])
