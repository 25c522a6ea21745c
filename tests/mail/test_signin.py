"""Tokens from a provider on loopback: asked for rightly, renewed in time, refused in words that show no secret."""

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from daemon.clock import utc_now
from daemon.errors import TransientError
from daemon.mail import signin
from daemon.mail.loopback import BrowserSignIn
from daemon.mail.signin import bound_to, browser_address, redeem, sign_in_by_device, token_source
from daemon.mail.tokens import Token, Tokens, TokenSource, TokenStore
from daemon.oauth import GoogleUser, MicrosoftDevice
from tests.token_server import CLIENT, CLIENT_SECRET, PRIVATE_KEY, SCOPE, SERVICE_KEY, TENANT, TokenServer

USER, MAILBOX = "support@harbourpine.example", "support@harbourpine.example@imap.example.com"
ONLINE = ["microsoft-app", "microsoft-device", "google-service-account", "google-user"]
BY_LOGIN = ["microsoft-device", "google-user"]
REFRESH = "the-refresh-token"
BROKEN = "out of reach: the connection failed"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[TokenServer]:
    """Serve a provider of OAuth2."""
    with TokenServer(tmp_path, USER) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """Keep tokens in a directory that is not there yet."""
    return TokenStore(tmp_path / "state" / "tokens")


def source(provider: TokenServer, store: TokenStore, way: str, later: float = 0, **keys: object) -> TokenSource:
    """Make a source as after a login, its clock so many seconds ahead."""
    sign_in = provider.sign_in(way, **keys)
    if way in BY_LOGIN and not store.load(MAILBOX, bound_to(sign_in, USER)).refresh:
        store.save(MAILBOX, bound_to(sign_in, USER), Tokens(refresh=REFRESH))
    return token_source(sign_in, USER, store, MAILBOX, lambda: utc_now() + timedelta(seconds=later))


def refusal(act: Callable[[], object]) -> TransientError:
    """Give the error with which it fails."""
    with pytest.raises(TransientError) as found:
        act()
    return found.value


# What the providers are asked


@pytest.mark.parametrize("way", ONLINE)
def test_every_way_gives_a_token_that_says_when_it_ends(provider: TokenServer, store: TokenStore, way: str) -> None:
    """The end is the provider's, counted from now."""
    token = source(provider, store, way)()
    assert token.expires_at is not None
    assert timedelta(minutes=58) < token.expires_at - utc_now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("microsoft-app", {
            "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": CLIENT_SECRET,
            "scope": "https://outlook.office365.com/.default",
        }),
        ("google-user", {
            "grant_type": "refresh_token", "client_id": CLIENT, "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH, "scope": SCOPE,
        }),
        ("microsoft-device", {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": REFRESH}),
    ],
)  # fmt: skip
def test_the_provider_is_asked_for_the_mailbox_alone(
    provider: TokenServer, store: TokenStore, way: str, expected: dict[str, str]
) -> None:
    """Grant, client and scope are those of the provider's documentation."""
    source(provider, store, way)()
    (asked,) = provider.asked
    assert {key: asked.get(key) for key in expected} == expected


def test_a_device_asks_for_imap_in_the_persons_name_and_for_a_refresh_token(
    provider: TokenServer, store: TokenStore
) -> None:
    """Without ``offline_access`` the sign-in would end within the hour."""
    source(provider, store, "microsoft-device")()
    scopes = set(provider.asked[0]["scope"].split())
    assert {"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"} <= scopes


def test_a_service_account_acts_for_the_mailboxs_user(provider: TokenServer, store: TokenStore) -> None:
    """The assertion names user and scope, and is signed with the key of the file (RFC 7523)."""
    source(provider, store, "google-service-account")()
    assertion = provider.asked[0]["assertion"]
    said = jwt.decode(
        assertion, SERVICE_KEY.public_key(), algorithms=["RS256"], audience="https://oauth2.googleapis.com/token"
    )
    assert (said["sub"], said["scope"], said["iss"]) == (USER, SCOPE, "clerkd@harbourpine.example")


def test_a_person_signs_in_with_a_code_on_another_device(provider: TokenServer) -> None:
    """The code is shown, the person is waited for, and what comes is kept with its refresh token."""
    provider.device_answers = ["authorization_pending"]
    shown: list[tuple[str, str]] = []
    sign_in = provider.sign_in("microsoft-device")
    assert isinstance(sign_in, MicrosoftDevice)
    tokens = sign_in_by_device(sign_in, lambda address, code: shown.append((address, code)))
    assert (shown, tokens.refresh) == ([(f"{provider.url}/device", "WXYZ-1234")], REFRESH)


def by_browser(provider: TokenServer) -> Tokens:
    """Sign in as a person does in the browser."""
    sign_in = provider.sign_in("google-user")
    assert isinstance(sign_in, GoogleUser)
    begun = BrowserSignIn("http://127.0.0.1:50000")
    redirect = provider.sign_in_as_person(browser_address(sign_in, USER, begun))
    return redeem(sign_in, begun, begun.code_in(redirect))


def test_a_person_signs_in_with_a_browser(provider: TokenServer) -> None:
    """The code is turned into tokens; the provider has checked that it was we who began (RFC 7636)."""
    assert by_browser(provider).refresh == REFRESH


def test_the_sign_in_page_is_asked_for_a_stay(provider: TokenServer) -> None:
    """Google gives a refresh token only where it is asked for one, and consented to anew."""
    by_browser(provider)
    asked = provider.asked[0]
    names = ["access_type", "prompt", "scope", "code_challenge_method", "login_hint"]
    assert [asked[name] for name in names] == ["offline", "consent", SCOPE, "S256", USER]


@pytest.mark.parametrize(("scope", "refresh"), [("openid", REFRESH), (SCOPE, "")])
def test_a_person_who_did_not_allow_enough_is_asked_again(provider: TokenServer, scope: str, refresh: str) -> None:
    """A box left unticked, or no refresh token: said at once, not when the mail stops coming."""
    provider.scope, provider.refresh_token = scope, refresh
    assert "tick every box" in str(refusal(lambda: by_browser(provider)))


# Renewal


@pytest.mark.parametrize("way", ONLINE)
def test_a_token_in_hand_is_used_again(provider: TokenServer, store: TokenStore, way: str) -> None:
    """Within its time the provider is asked once."""
    give = source(provider, store, way)
    assert (give(), len(provider.asked)) == (give(), 1)


@pytest.mark.parametrize("way", ONLINE)
def test_a_restart_asks_for_no_new_token(provider: TokenServer, store: TokenStore, way: str) -> None:
    """A service that starts again and again stays under the provider's rate limits."""
    first = source(provider, store, way)()
    assert (source(provider, store, way)(), len(provider.asked)) == (first, 1)


@pytest.mark.parametrize("way", ONLINE)
def test_a_token_is_renewed_before_it_ends(provider: TokenServer, store: TokenStore, way: str) -> None:
    """With less than five minutes left there is a new one, although the old one is good yet."""
    first = source(provider, store, way)()
    assert source(provider, store, way, later=3600 - 299)() != first


def test_a_refresh_token_that_the_provider_replaces_is_kept(provider: TokenServer, store: TokenStore) -> None:
    """Some providers void the old one at each renewal: the next renewal goes with the new one."""
    provider.coming = [(200, {"access_token": "first", "expires_in": 3600, "refresh_token": "the-second-one"})]
    source(provider, store, "microsoft-device")()
    provider.refresh_token = "the-second-one"
    assert source(provider, store, "microsoft-device", later=3600)().value != "first"


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one(provider: TokenServer, store: TokenStore) -> None:
    """RFC 6749, 6: the old one stays good."""
    provider.coming = [(200, {"access_token": "first", "expires_in": 3600})]
    source(provider, store, "google-user")()
    kept = store.load(MAILBOX, bound_to(provider.sign_in("google-user"), USER))
    assert kept.refresh == REFRESH


def test_a_token_without_an_end_is_asked_for_at_each_sign_in(provider: TokenServer, store: TokenStore) -> None:
    """Nobody knows how long it lasts, so none is kept for later."""
    provider.coming = [(200, {"access_token": name}) for name in ("first", "second")]
    give = source(provider, store, "microsoft-app")
    assert [give().value, give().value] == ["first", "second"]


@pytest.mark.parametrize("way", ONLINE)
def test_a_refused_token_is_not_used_again(provider: TokenServer, store: TokenStore, way: str) -> None:
    """After ``discard`` the provider is asked, also by a service that starts anew."""
    give = source(provider, store, way)
    first = give()
    give.discard()
    assert source(provider, store, way)() != first


def test_threads_and_processes_share_one_renewal(provider: TokenServer, store: TokenStore) -> None:
    """Whoever comes while a renewal is under way waits for it, and takes what it brought."""
    provider.gate.clear()
    one, other = source(provider, store, "microsoft-app"), source(provider, store, "microsoft-app")
    found: list[Token] = []
    threads = [threading.Thread(target=lambda give=give: found.append(give())) for give in (one, one, other)]
    for thread in threads:
        thread.start()
    provider.gate.set()
    for thread in threads:
        thread.join(30)
    assert (len(found), len(set(found)), len(provider.asked)) == (3, 1, 1)


def test_a_login_beside_a_running_service_counts_at_once(provider: TokenServer, store: TokenStore) -> None:
    """The service that could not go on goes on, without a restart."""
    sign_in = provider.sign_in("google-user")
    give = token_source(sign_in, USER, store, MAILBOX)
    refusal(give)
    store.save(MAILBOX, bound_to(sign_in, USER), by_browser(provider))
    assert give().value


# Refusals


@pytest.mark.parametrize("way", BY_LOGIN)
def test_before_the_first_login_it_says_what_to_do(provider: TokenServer, store: TokenStore, way: str) -> None:
    """Nothing is asked of the provider, and the command is named."""
    error = refusal(token_source(provider.sign_in(way), USER, store, MAILBOX))
    assert (str(error), error.kind) == ("nobody has signed in yet; run: clerkd login", "authentication")


@pytest.mark.parametrize("way", BY_LOGIN)
def test_a_revoked_sign_in_asks_for_a_login(provider: TokenServer, store: TokenStore, way: str) -> None:
    """The person who reads the pause knows the command."""
    provider.refresh_token = "another"
    error = refusal(source(provider, store, way))
    assert ("(invalid_grant)" in str(error), "run: clerkd login" in str(error), error.kind) == (
        True, True, "authentication",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("way", "status", "answer", "words"),
    [
        ("microsoft-app", 401, {"error": "invalid_client", "error_codes": [7000222]},
         "(invalid_client, AADSTS7000222): the client secret is wrong or has run out"),
        ("microsoft-app", 400, {"error": "unauthorized_client"}, "client_id names no app of this tenant"),
        ("microsoft-device", 401, {"error": "invalid_client"}, 'switch on "Allow public client flows"'),
        ("microsoft-device", 400, {"error": "interaction_required"}, "run: clerkd login"),
        ("google-service-account", 401, {"error": "unauthorized_client"}, "domain-wide delegation"),
        ("google-service-account", 400, {"error": "invalid_grant"}, "the key was revoked"),
        ("google-user", 401, {"error": "invalid_client"}, "the client secret is wrong or has run out"),
        ("google-user", 400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, "Google wants a new sign-in"),
        ("google-user", 400, {"error": "made-up"}, "refuses: the provider's own sign-in log says why"),
        ("microsoft-app", 200, {"token_type": "Bearer"}, "refuses: the provider's own sign-in log says why"),
        ("microsoft-app", 200, {"access_token": "a\x01b", "expires_in": 60}, "gives no usable answer"),
        ("microsoft-app", 200, "<html>", "gives no usable answer"),
        ("google-user", 200, [], "gives no usable answer"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(
    provider: TokenServer, store: TokenStore, way: str, status: int, answer: Any, words: str
) -> None:
    """Each way has its own advice, and all of them are refusals, not blips."""
    provider.coming = [(status, answer)] * 3
    error = refusal(source(provider, store, way))
    assert (words in str(error), error.kind) == (True, "authentication"), str(error)


def test_an_unknown_tenant_is_told_as_a_mistake_in_the_config(provider: TokenServer, store: TokenStore) -> None:
    """The words name the keys that may be wrong."""
    error = refusal(source(provider, store, "microsoft-app", tenant="nowhere.example"))
    assert "is what the config says of it right (tenant, address)?" in str(error)


def test_a_wrong_client_secret_is_refused_and_a_mended_one_counts_at_once(
    provider: TokenServer, store: TokenStore
) -> None:
    """Nothing remembers the refusal: msal would, for a minute."""
    give = source(provider, store, "microsoft-app")
    secret = provider.root / "client-secret"
    secret.write_text("wrong", encoding="utf-8")
    assert "put a new one where client_secret points" in str(refusal(give))
    secret.write_text(CLIENT_SECRET, encoding="utf-8")
    assert give().value


# The way there


@pytest.mark.parametrize("way", ONLINE)
def test_a_provider_that_is_down_is_out_of_reach(provider: TokenServer, store: TokenStore, way: str) -> None:
    """That is told apart from a refusal: it may pass by itself."""
    give = source(provider, store, way)
    provider.__exit__()
    error = refusal(give)
    assert (BROKEN in str(error), error.kind) == (True, "unreachable"), str(error)


@pytest.mark.parametrize("way", ["microsoft-app", "google-user"])
def test_a_provider_that_does_not_answer_is_given_up(
    provider: TokenServer, store: TokenStore, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is waited for without a bound."""
    monkeypatch.setattr(signin, "ANSWER_SECONDS", 0.2)
    provider.gate.clear()
    error = refusal(source(provider, store, way))
    assert ("it did not answer in time" in str(error), error.kind) == (True, "unreachable")


@pytest.mark.parametrize("way", ONLINE)
def test_a_certificate_that_is_not_trusted_ends_it(provider: TokenServer, store: TokenStore, way: str) -> None:
    """Without ``ca_file`` the system's certificates count, and nothing is sent."""
    error = refusal(source(provider, store, way, ca_file=None))
    assert ("its certificate is not trusted" in str(error), provider.asked) == (True, [])


def test_the_configured_certificates_go_before_the_environments(
    provider: TokenServer, store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library prefers $REQUESTS_CA_BUNDLE by itself."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert source(provider, store, "microsoft-app")().value


def test_a_missing_file_of_certificates_is_named_as_the_cause(provider: TokenServer, store: TokenStore) -> None:
    """It is the operator's to mend, so it is no blip."""
    error = refusal(source(provider, store, "microsoft-app", ca_file="/nowhere.pem"))
    assert ("ca_file" in str(error), error.kind) == (True, "secret")


@pytest.mark.parametrize("way", ["microsoft-app", "google-user"])
def test_a_secret_follows_no_redirect(provider: TokenServer, store: TokenStore, way: str) -> None:
    """It is sent to the configured address and to no other."""
    provider.coming = [(307, f"{provider.url}/elsewhere")]
    error = refusal(source(provider, store, way))
    assert ("a secret goes only to the configured address" in str(error), len(provider.asked)) == (True, 1)


def test_a_key_file_cannot_send_us_onto_an_open_line(provider: TokenServer, store: TokenStore) -> None:
    """An address without TLS in it is not asked."""
    give = source(provider, store, "google-service-account")
    key = provider.root / "key.json"
    key.write_text(key.read_text(encoding="utf-8").replace("https://", "http://"), encoding="utf-8")
    assert "it sends us elsewhere" in str(refusal(give))


@pytest.mark.parametrize("status", [500, 503])
def test_a_provider_in_trouble_may_recover(provider: TokenServer, store: TokenStore, status: int) -> None:
    """That is no refusal."""
    provider.coming = [(status, "trouble")]
    error = refusal(source(provider, store, "microsoft-app"))
    assert ("is in trouble of its own" in str(error), error.kind) == (True, "unreachable")


def test_a_busy_provider_may_recover(provider: TokenServer, store: TokenStore) -> None:
    """The standard's own word for it is understood (RFC 6749, 4.1.2.1)."""
    provider.coming = [(400, {"error": "temporarily_unavailable"})]
    error = refusal(source(provider, store, "microsoft-app"))
    assert (str(error), error.kind) == ("the sign-in service is busy", "unreachable")


# Secrets from files


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("{}", "no"), ("no JSON", "no")])
def test_a_key_file_that_is_none_is_named(
    provider: TokenServer, store: TokenStore, content: str | None, words: str
) -> None:
    """The error says which file, and shows nothing of it."""
    give = source(provider, store, "google-service-account")
    key = provider.root / "key.json"
    key.unlink() if content is None else key.write_text(content, encoding="utf-8")
    error = refusal(give)
    assert (f"the key file {key} cannot be used" in str(error), error.kind) == (True, "secret")
    assert words in str(error)


@pytest.mark.parametrize("way", ["microsoft-app", "google-user", "token"])
def test_a_missing_secret_is_named_by_its_source(provider: TokenServer, store: TokenStore, way: str) -> None:
    """As for a password: which file, and why."""
    give = source(provider, store, way)
    for name in ("client-secret", "given-token"):
        (provider.root / name).unlink()
    error = refusal(give)
    assert ("cannot be read: No such file" in str(error), error.kind) == (True, "secret")


def test_a_given_token_is_read_at_each_sign_in(provider: TokenServer, store: TokenStore) -> None:
    """Another program replaces it; nothing is kept."""
    give = source(provider, store, "token")
    (provider.root / "given-token").write_text("first\n", encoding="utf-8")
    first = give()
    (provider.root / "given-token").write_text("second\n", encoding="utf-8")
    assert (first, give()) == (Token("first"), Token("second"))


@pytest.mark.parametrize("words", ["two words", "a\x01auth=Bearer b", "über"])
def test_a_given_token_that_could_break_the_sign_in_is_refused(
    provider: TokenServer, store: TokenStore, words: str
) -> None:
    """Only what RFC 6750, 2.1, allows gets into the message to the server; the rest is not shown."""
    give = source(provider, store, "token")
    (provider.root / "given-token").write_text(words, encoding="utf-8")
    error = refusal(give)
    assert ("is no access token" in str(error), words in str(error)) == (True, False)


# Secrets stay secret


@pytest.mark.parametrize("way", ONLINE)
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_grant", "error_description": "open-sesame", "suberror": "open-sesame"}),
        (400, {"error": "open-sesame"}),
        (400, "open-sesame"),
        (200, "open-sesame"),
        (200, {"access_token": "open-sesame \x01", "expires_in": 3600}),
        (200, {"access_token": "open-sesame", "expires_in": "open-sesame"}),
    ],
)
def test_no_failure_shows_a_secret(
    provider: TokenServer, store: TokenStore, caplog: pytest.LogCaptureFixture, way: str, status: int, answer: Any
) -> None:
    """Neither the error with all that led to it, nor any library's log above debug holds a word that is secret."""
    caplog.set_level(logging.INFO)
    provider.coming = [(status, answer)] * 3
    error = refusal(source(provider, store, way))
    shown = "".join(traceback.format_exception(error)) + caplog.text
    assert [word for word in ("open-sesame", CLIENT_SECRET, REFRESH, PRIVATE_KEY[100:140]) if word in shown] == []


def test_tokens_are_not_shown(provider: TokenServer, store: TokenStore) -> None:
    """What is printed of a token, of what is kept, and of a source holds no token."""
    give = source(provider, store, "google-user")
    token = give()
    shown = repr((token, Tokens(token, REFRESH), give, store, BrowserSignIn("http://127.0.0.1:1")))
    assert (token.value in shown, REFRESH in shown) == (False, False)


def test_a_token_is_kept_for_one_user_alone(provider: TokenServer, store: TokenStore) -> None:
    """With another user in the config, the kept token is not used."""
    first = source(provider, store, "microsoft-app")()
    other = token_source(provider.sign_in("microsoft-app"), f"other@{TENANT}", store, MAILBOX)()
    assert other != first
