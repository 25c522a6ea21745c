"""Why a provider of OAuth2 refuses, in our own words, and what to do about it."""

from collections.abc import Mapping

from daemon.errors import TransientError

PART = "sign-in"
GOOGLE_DELEGATION = "give the service account domain-wide delegation for the scope https://mail.google.com/"
PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
LOGIN = "run: clerkd login"
ENDED = f"the stored sign-in has ended (revoked, run out, or the password was changed); {LOGIN}"
SECRET_WRONG = "the client secret is wrong or has run out; put a new one where client_secret points"  # noqa: S105 - words
ASK_ADMIN = "an administrator must allow this app to read the mailbox by IMAP"
# What to do, for each way and error code (RFC 6749, 5.2; RFC 8628, 3.5). Only these codes are ever repeated.
ADVICE = {
    "microsoft-app": {
        "invalid_client": SECRET_WRONG,
        "unauthorized_client": "client_id names no app of this tenant",
        "invalid_scope": ASK_ADMIN,
        "invalid_grant": ASK_ADMIN,
    },
    "microsoft-device": {
        "invalid_client": 'switch on "Allow public client flows" for this app at the provider',
        "unauthorized_client": "client_id names no app of this tenant",
        "invalid_grant": ENDED,
        "interaction_required": ENDED,
        "consent_required": ASK_ADMIN,
        "authorization_pending": f"the code was not used in time; {LOGIN}",
        "expired_token": f"the code was not used in time; {LOGIN}",
        "access_denied": f"the sign-in was declined; {LOGIN}",
        "authorization_declined": f"the sign-in was declined; {LOGIN}",
    },
    "google-service-account": {
        "unauthorized_client": GOOGLE_DELEGATION,
        "access_denied": GOOGLE_DELEGATION,
        "invalid_grant": "the key was revoked, the mailbox's user does not exist, or this machine's clock is wrong",
    },
    "google-user": {
        "invalid_client": SECRET_WRONG,
        "deleted_client": "client_id names no client any more",
        "invalid_grant": ENDED,
        # Where an organisation wants its people to sign in again, google-auth hands on no answer.
        "": f"Google wants a new sign-in, or something else answers in its place; {LOGIN}",
    },
}


def refusal(way: str, answer: Mapping[str, object]) -> TransientError:
    """Say in our own words why the provider refuses, and what to do."""
    code = str(answer.get("error", ""))
    if code in PASSING:
        return TransientError(PART, "the sign-in service is busy")
    advice = ADVICE[way].get(code, "the provider's own sign-in log says why")
    names = [code] if code and code in ADVICE[way] else []
    shown = f" ({', '.join(names + _numbers(answer))})" if names or _numbers(answer) else ""
    return TransientError(PART, f"the sign-in service refuses{shown}: {advice}", "authentication")


def _numbers(answer: Mapping[str, object]) -> list[str]:
    """Name Microsoft's own error codes, each of which its documentation explains."""
    numbers = answer.get("error_codes")
    if not isinstance(numbers, list):
        return []
    return [f"AADSTS{number}" for number in numbers if isinstance(number, int)]
