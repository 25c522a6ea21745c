"""The ways to sign in to a mailbox with OAuth2 instead of a password: ``[mailbox.sign_in]``."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from daemon.fields import Section, Words
from daemon.secret import Secret

SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})


def _one_organisation(tenant: str) -> str:
    if tenant.lower() in SHARED_TENANTS:
        message = f"must name one organisation, by its id or its domain; an app cannot sign in to {tenant!r}"
        raise ValueError(message)
    return tenant


Mechanism = Literal["xoauth2", "oauthbearer"]
# Codes, secrets and refresh tokens go to these addresses, so they must be TLS (RFC 6749, 3.1 and 3.2).
Https = Annotated[str, Field(pattern=r"^https://[^/\s?#@][^\s?#@]*$", max_length=500)]
Tenant = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=200)]
OwnTenant = Annotated[Tenant, AfterValidator(_one_organisation)]


class Way(Section):
    """What all ways have in common."""

    mechanism: Mechanism = "xoauth2"
    needs_login: ClassVar[bool] = False

    @property
    def bound_to(self) -> str:
        """What a kept token belongs to, without any secret: a token of another client or account is of no use."""
        return self.model_dump_json(exclude={"mechanism", "ca_file", "client_secret", "token"})


class Online(Way):
    """What the ways that ask a provider for tokens have in common."""

    ca_file: Path | None = None


class MicrosoftApp(Online):
    """Microsoft 365, as an app of its own: client credentials (RFC 6749, 4.4)."""

    way: Literal["microsoft-app"]
    tenant: OwnTenant
    client_id: Words
    client_secret: Secret
    authority: Https = "https://login.microsoftonline.com"


class MicrosoftDevice(Online):
    """Microsoft 365, in a person's name: ``clerkd login`` shows a code once (RFC 8628)."""

    way: Literal["microsoft-device"]
    tenant: Tenant
    client_id: Words
    authority: Https = "https://login.microsoftonline.com"
    needs_login: ClassVar[bool] = True


class GoogleServiceAccount(Online):
    """Google Workspace, as a service account that may act for the mailbox's user (RFC 7523)."""

    way: Literal["google-service-account"]
    key_file: Path


class GoogleUser(Online):
    """Gmail, in a person's name: ``clerkd login`` opens a sign-in in the browser once (RFC 8252)."""

    way: Literal["google-user"]
    client_id: Words
    client_secret: Secret
    auth_url: Https = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url: Https = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a password
    needs_login: ClassVar[bool] = True


class GivenToken(Way):
    """Any other provider: some other program keeps an access token fresh, and this says where."""

    way: Literal["token"]
    token: Secret


SignIn = Annotated[
    MicrosoftApp | MicrosoftDevice | GoogleServiceAccount | GoogleUser | GivenToken, Field(discriminator="way")
]
