"""Signing in with tokens to a real IMAP server, which checks each token's signature and end itself."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from daemon.clock import utc_now
from daemon.mail.signin import bound_to, token_source
from daemon.mail.tokens import Tokens, TokenSource, TokenStore
from tests import dovecot
from tests.conftest import need
from tests.dovecot_oauth import OAuthDovecot
from tests.token_server import TokenServer

LOOPBACK, USER, MAILBOX = "127.0.0.1", "support@harbourpine.example", "the mailbox"
MECHANISMS = ["xoauth2", "oauthbearer"]
WAYS = ["microsoft-app", "microsoft-device", "google-service-account", "google-user", "token"]


@pytest.fixture(scope="module")
def places() -> Iterator[tuple[TokenServer, OAuthDovecot]]:
    """Serve a provider, and a mailbox that trusts its tokens."""
    need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
    with (
        tempfile.TemporaryDirectory(prefix="dovecot-") as short,
        tempfile.TemporaryDirectory() as root,
        TokenServer(Path(root), USER) as provider,
    ):
        server = OAuthDovecot(Path(short), USER, "rehearsal", key=provider.key)
        server.start()
        try:
            yield provider, server
        finally:
            server.stop()


def enter(server: OAuthDovecot, mechanism: str, token: str) -> int:
    """Sign in, and give the number of mails in the INBOX."""
    client = IMAPClient(LOOPBACK, server.imap_port, ssl=False, timeout=10)
    try:
        present = {"xoauth2": client.oauth2_login, "oauthbearer": client.oauthbearer_login}[mechanism]
        present(USER, token)
        return int(client.select_folder("INBOX")[b"EXISTS"])
    finally:
        client.shutdown()


def source(provider: TokenServer, root: Path, way: str, later: float = 0) -> TokenSource:
    """Make a source as after a login, its clock so many seconds ahead."""
    store, sign_in = TokenStore(root / "tokens"), provider.sign_in(way)
    if not store.load(MAILBOX, bound_to(sign_in, USER)).refresh:
        store.save(MAILBOX, bound_to(sign_in, USER), Tokens(refresh=provider.refresh_token))
    return token_source(sign_in, USER, store, MAILBOX, lambda: utc_now() + timedelta(seconds=later))


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("way", WAYS)
def test_a_token_of_every_way_opens_the_mailbox(
    places: tuple[TokenServer, OAuthDovecot], tmp_path: Path, way: str, mechanism: str
) -> None:
    """By both mechanisms: Google's own (XOAUTH2) and the standard's (RFC 7628)."""
    provider, server = places
    assert enter(server, mechanism, source(provider, tmp_path, way)().value) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("flaw", ["has run out", "is of another mailbox", "has a forged signature"])
def test_a_token_that_is_not_good_is_refused_without_being_shown(
    places: tuple[TokenServer, OAuthDovecot], mechanism: str, flaw: str
) -> None:
    """The server says that the sign-in failed; the error does not repeat the token."""
    provider, server = places
    head, body, _signature = provider.access_token().split(".")
    token = {
        "has run out": provider.access_token(-10),
        "is of another mailbox": provider.access_token(email="other@harbourpine.example"),
        "has a forged signature": f"{head}.{body}.{'A' * 43}",
    }[flaw]
    with pytest.raises(LoginError, match="AUTHENTICATIONFAILED") as found:
        enter(server, mechanism, token)
    assert body not in str(found.value)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_that_ends_soon_is_replaced_by_one_that_opens_the_mailbox(
    places: tuple[TokenServer, OAuthDovecot], tmp_path: Path, mechanism: str
) -> None:
    """With four minutes left the old token is not handed out any more."""
    provider, server = places
    old = source(provider, tmp_path, "microsoft-device")()
    new = source(provider, tmp_path, "microsoft-device", later=3600 - 240)()
    assert new != old
    assert enter(server, mechanism, new.value) == 0


def test_a_refused_token_is_replaced_by_one_that_opens_the_mailbox(
    places: tuple[TokenServer, OAuthDovecot], tmp_path: Path
) -> None:
    """A kept token that the server does not take any more does not lock the mailbox for the rest of its hour."""
    provider, server = places
    give = source(provider, tmp_path, "microsoft-app")
    provider.coming = [(200, {"access_token": provider.access_token(-10), "expires_in": 3600})]
    with pytest.raises(LoginError):
        enter(server, "xoauth2", give().value)
    give.discard()
    assert enter(server, "xoauth2", give().value) == 0
