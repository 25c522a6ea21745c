"""The one place that knows msal, google-auth and requests: it asks the providers of OAuth2 for tokens.

No text of an error holds a token, a secret or what a provider has answered: only what went wrong, and what to do.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped] # it ships no types
import requests
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google.oauth2.service_account import Credentials as ServiceAccount
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped] # as above

from daemon.clock import Clock, utc_now
from daemon.errors import FatalError, TransientError
from daemon.mail.loopback import BrowserSignIn
from daemon.mail.refusals import LOGIN, PART, refusal
from daemon.mail.tokens import GivenTokens, KeptTokens, Token, Tokens, TokenSource, TokenStore
from daemon.oauth import GivenToken, GoogleServiceAccount, GoogleUser, MicrosoftApp, MicrosoftDevice, SignIn
from daemon.secret import Secret

# How long one answer may take. A renewal is a few answers: google-auth asks three times where a server is busy.
ANSWER_SECONDS = 20
APP_SCOPE = "https://outlook.office365.com/.default"
DEVICE_SCOPE = "https://outlook.office.com/IMAP.AccessAsUser.All"
GOOGLE_SCOPE = "https://mail.google.com/"
# RFC 6750, 2.1. Anything else could end the SASL message early and add words to it.
BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
# msal logs an answer that it cannot read, whole.
logging.getLogger("msal").setLevel(logging.CRITICAL)


def token_source(sign_in: SignIn, user: str, store: TokenStore, mailbox: str, clock: Clock = utc_now) -> TokenSource:
    """Give the source of a mailbox's tokens; nothing is asked before the first is wanted."""
    if isinstance(sign_in, GivenToken):
        return GivenTokens(lambda: _given(sign_in.token))
    return KeptTokens(store, mailbox, bound_to(sign_in, user), lambda refresh: _renew(sign_in, user, refresh), clock)


def bound_to(sign_in: SignIn, user: str) -> str:
    """Say what a kept token belongs to: the client as it is configured, and the user."""
    return f"{user} {sign_in.bound_to}"


def sign_in_by_device(sign_in: MicrosoftDevice, show: Callable[[str, str], None]) -> Tokens:
    """Have a person type a code on another screen (RFC 8628): ``show`` gets address and code. Waits until it is done.

    Raise TransientError where the provider is out of reach, the person declines, or the code runs out.
    """
    with _microsoft(sign_in) as app:
        flow = app.initiate_device_flow([DEVICE_SCOPE])
        if "user_code" not in flow:
            raise refusal(sign_in.way, flow)
        show(str(flow["verification_uri"]), str(flow["user_code"]))
        return _tokens(sign_in.way, app.acquire_token_by_device_flow(flow))


def browser_address(sign_in: GoogleUser, user: str, begun: BrowserSignIn) -> str:
    """Write the address of the provider's sign-in page; ``offline`` with ``consent`` asks for a refresh token."""
    return begun.url(
        sign_in.auth_url, client_id=sign_in.client_id, scope=GOOGLE_SCOPE, access_type="offline", prompt="consent",
        login_hint=user,
    )  # fmt: skip


def redeem(sign_in: GoogleUser, begun: BrowserSignIn, code: str) -> Tokens:
    """Turn the code of a browser sign-in into tokens (RFC 6749, 4.1.3; RFC 7636, 4.5).

    Raise TransientError where that fails, or where the person has not allowed all that was asked for.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect_uri,
        "code_verifier": begun.verifier,
        "client_id": sign_in.client_id,
        "client_secret": _secret(sign_in.client_secret),
    }
    with _session(sign_in.ca_file) as session, _told(_host(sign_in.token_url)):
        answer = session.post(sign_in.token_url, data=form).json()
        tokens = _tokens(sign_in.way, answer)
        if not tokens.refresh or GOOGLE_SCOPE not in answer.get("scope", GOOGLE_SCOPE).split():
            message = f"the sign-in did not allow reading the mailbox for good; tick every box, and again {LOGIN}"
            raise TransientError(PART, message, "authentication")
    return tokens


def _renew(sign_in: SignIn, user: str, refresh: str) -> Tokens:
    match sign_in:
        case MicrosoftApp():
            return _as_microsoft_app(sign_in)
        case MicrosoftDevice():
            return _as_microsoft_user(sign_in, _stored(refresh))
        case GoogleServiceAccount():
            return _as_service_account(sign_in, user)
        case GoogleUser():
            return _as_google_user(sign_in, _stored(refresh))
        case GivenToken():
            return Tokens(Token(_given(sign_in.token)))


def _as_microsoft_app(sign_in: MicrosoftApp) -> Tokens:
    with _microsoft(sign_in, _secret(sign_in.client_secret)) as app:
        return _tokens(sign_in.way, app.acquire_token_for_client([APP_SCOPE]))


def _as_microsoft_user(sign_in: MicrosoftDevice, refresh: str) -> Tokens:
    with _microsoft(sign_in) as app:
        answer = app.acquire_token_by_refresh_token(refresh, [DEVICE_SCOPE])
        return _tokens(sign_in.way, answer, refresh)


def _as_service_account(sign_in: GoogleServiceAccount, user: str) -> Tokens:
    try:
        account = ServiceAccount.from_service_account_file(  # type: ignore[no-untyped-call] # it has no types
            str(sign_in.key_file), scopes=[GOOGLE_SCOPE], subject=user
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a service account's JSON key"
        message = f"the key file {sign_in.key_file} cannot be used: {why}"
        raise TransientError(PART, message, "secret") from None
    return _refreshed(sign_in, account, "Google")


def _as_google_user(sign_in: GoogleUser, refresh: str) -> Tokens:
    user = Credentials(  # type: ignore[no-untyped-call] # it has no types
        None, refresh_token=refresh, token_uri=sign_in.token_url, client_id=sign_in.client_id,
        client_secret=_secret(sign_in.client_secret), scopes=[GOOGLE_SCOPE],
    )  # fmt: skip
    tokens = _refreshed(sign_in, user, _host(sign_in.token_url))
    return Tokens(tokens.access, user.refresh_token or refresh)


def _refreshed(sign_in: GoogleServiceAccount | GoogleUser, credentials: Any, host: str) -> Tokens:  # noqa: ANN401 - their common class has no types
    with _session(sign_in.ca_file) as session, _told(host):
        try:
            credentials.refresh(Request(session))
        except RefreshError as error:
            raise refusal(sign_in.way, _answer_in(error)) from None
        ends = credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else None
        return Tokens(Token(_bearer(credentials.token), ends))


def _answer_in(error: RefreshError) -> Mapping[str, object]:
    """Find the provider's answer in the error; where it is busy, say so as RFC 6749, 4.1.2.1 does."""
    if error.retryable:
        return {"error": "temporarily_unavailable"}
    return next((part for part in error.args if isinstance(part, Mapping)), {})


@contextmanager
def _microsoft(sign_in: MicrosoftApp | MicrosoftDevice, secret: str | None = None) -> Iterator[Any]:
    """Give msal's client, made anew for each renewal: it remembers refusals, and would repeat them after a mending."""
    kind = msal.PublicClientApplication if secret is None else msal.ConfidentialClientApplication
    with _session(sign_in.ca_file) as session, _told(_host(sign_in.authority)):
        # The authority stands in the operator's own file, so Microsoft is not asked whether it knows it.
        yield kind(
            sign_in.client_id, client_credential=secret, authority=f"{sign_in.authority.rstrip('/')}/{sign_in.tenant}",
            instance_discovery=False, http_client=session,
        )  # fmt: skip


class _Bounded(requests.adapters.HTTPAdapter):
    """Bounds each answer in time, and trusts the configured certificates whatever the environment says."""

    def __init__(self, ca_file: Path | None) -> None:
        super().__init__()
        self._ca_file = ca_file

    def send(self, request: requests.PreparedRequest, *_by_position: object, **options: Any) -> requests.Response:  # noqa: ANN401 - the library's own
        options["timeout"] = ANSWER_SECONDS
        if self._ca_file:
            options["verify"] = str(self._ca_file)
        return super().send(request, **options)


def _session(ca_file: Path | None) -> requests.Session:
    """Make a session that sends secrets nowhere but where it was told to, and never in the open."""
    session = requests.Session()
    session.max_redirects = 0
    session.adapters.clear()
    session.mount("https://", _Bounded(ca_file))
    return session


@contextmanager
def _told(host: str) -> Iterator[None]:
    """Turn what goes wrong on the way, or an answer that makes no sense, into a TransientError."""
    service = f"the sign-in service at {host}"
    try:
        yield
    except (requests.RequestException, TransportError) as error:
        message = f"{service} is out of reach: {_why(error)}"
        raise TransientError(PART, message) from None
    except OSError as error:
        message = f"{service} cannot be asked: the certificates in ca_file cannot be read ({type(error).__name__})"
        raise TransientError(PART, message, "secret") from None
    except MsalServiceError:
        message = f"{service} is in trouble of its own"
        raise TransientError(PART, message) from None
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        # The libraries reach into whatever came, so nonsense ends in any of these; so does an unknown tenant in msal.
        message = f"{service} gives no usable answer; is what the config says of it right (tenant, address)?"
        raise TransientError(PART, message, "authentication") from None


def _why(error: Exception) -> str:
    cause = error.args[0] if isinstance(error, TransportError) and error.args else error
    match cause:
        case requests.Timeout():
            return "it did not answer in time"
        case requests.exceptions.SSLError():
            return "its certificate is not trusted, or it does not speak TLS"
        case requests.TooManyRedirects() | requests.exceptions.InvalidSchema():
            return "it sends us elsewhere, and a secret goes only to the configured address"
        case requests.exceptions.JSONDecodeError():
            return "it does not answer in JSON"
    return "the connection failed"


def _tokens(way: str, answer: Mapping[str, Any] | None, refresh: str = "") -> Tokens:
    """Read a token answer (RFC 6749, 5.1); without a new refresh token in it, the old one stays good."""
    if not answer or "access_token" not in answer:
        raise refusal(way, answer or {})
    lasts = timedelta(seconds=int(answer["expires_in"])) if "expires_in" in answer else None
    token = Token(_bearer(answer["access_token"]), utc_now() + lasts if lasts else None)
    return Tokens(token, str(answer.get("refresh_token") or refresh))


def _bearer(value: str) -> str:
    if not BEARER.fullmatch(value):
        message = "this is no bearer token (RFC 6750, 2.1)"
        raise ValueError(message)
    return value


def _given(secret: Secret) -> str:
    value = secret.read()
    if not BEARER.fullmatch(value):
        message = f"the secret from {secret} is no access token (RFC 6750, section 2.1)"
        raise FatalError(message)
    return value


def _secret(secret: Secret) -> str:
    try:
        return secret.read()
    except FatalError as error:
        raise TransientError(PART, str(error), "secret") from None


def _stored(refresh: str) -> str:
    if not refresh:
        message = f"nobody has signed in yet; {LOGIN}"
        raise TransientError(PART, message, "authentication")
    return refresh


def _host(address: str) -> str:
    return urlsplit(address).netloc
