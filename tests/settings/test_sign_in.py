"""``[mailbox.sign_in]``: read as it is written, or refused with what is wrong and what is allowed."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from daemon.oauth import SignIn

WAYS: TypeAdapter[SignIn] = TypeAdapter(SignIn)
SECRET = {"env": "A_SECRET"}
MICROSOFT = {"tenant": "harbourpine.example", "client_id": "the-client"}
GOOD: dict[str, dict[str, Any]] = {
    "microsoft-app": {**MICROSOFT, "client_secret": SECRET},
    "microsoft-device": MICROSOFT,
    "google-service-account": {"key_file": "/etc/clerkd/google.json"},
    "google-user": {"client_id": "the-client", "client_secret": SECRET},
    "token": {"token": SECRET},
}
REQUIRED = [(way, key) for way, keys in GOOD.items() for key in keys]
OPTIONAL = {
    "microsoft-app": ["mechanism", "ca_file", "authority"],
    "microsoft-device": ["mechanism", "ca_file", "authority"],
    "google-service-account": ["mechanism", "ca_file"],
    "google-user": ["mechanism", "ca_file", "auth_url", "token_url"],
    "token": ["mechanism"],
}
KEYS = REQUIRED + [(way, key) for way, keys in OPTIONAL.items() for key in keys]


def read(way: str, **keys: Any) -> SignIn:
    """Read a section as the settings do: from TOML's types, strictly."""
    return WAYS.validate_json(json.dumps({"way": way, **GOOD.get(way, {}), **keys}), strict=True)


def refusal(way: str, **keys: Any) -> str:
    """Give the words with which a section is refused."""
    with pytest.raises(ValidationError) as found:
        read(way, **keys)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found.value.errors())


@pytest.mark.parametrize("way", GOOD)
def test_every_way_is_read_with_its_required_keys_alone(way: str) -> None:
    """What is optional has a default."""
    assert read(way).way == way


def test_an_unknown_way_is_answered_with_all_that_there_are() -> None:
    """The error names the five."""
    words = refusal("imap")
    assert [way for way in GOOD if f"'{way}'" not in words] == []


def test_a_section_without_a_way_is_refused() -> None:
    """The key that is missing is named."""
    with pytest.raises(ValidationError, match="'way'"):
        WAYS.validate_json("{}", strict=True)


@pytest.mark.parametrize(("way", "key"), REQUIRED)
def test_a_missing_key_is_named(way: str, key: str) -> None:
    """Nothing that must be known is guessed."""
    keys = {name: value for name, value in GOOD[way].items() if name != key}
    with pytest.raises(ValidationError) as found:
        WAYS.validate_json(json.dumps({"way": way, **keys}), strict=True)
    assert [(item["loc"][-1], item["type"]) for item in found.value.errors()] == [(key, "missing")]


@pytest.mark.parametrize("way", GOOD)
def test_an_unknown_key_is_named(way: str) -> None:
    """A misspelt key is not passed over."""
    assert f"{way}.clientid: Extra inputs are not permitted" in refusal(way, clientid="x")


@pytest.mark.parametrize("value", [12, True, ["a"]], ids=["a number", "yes or no", "a list"])
@pytest.mark.parametrize(("way", "key"), KEYS)
def test_a_value_of_the_wrong_kind_is_refused_at_its_key(way: str, key: str, value: object) -> None:
    """For every key of every way."""
    assert f"{way}.{key}" in refusal(way, **{key: value})


@pytest.mark.parametrize(("way", "key"), [(way, key) for way, key in KEYS if key not in ("key_file", "ca_file")])
def test_an_empty_value_is_refused_at_its_key(way: str, key: str) -> None:
    """An empty path is the current directory, which whoever reads the file refuses."""
    assert f"{way}.{key}" in refusal(way, **{key: ""})


@pytest.mark.parametrize("way", GOOD)
def test_the_mechanism_is_one_of_the_two(way: str) -> None:
    """The error says which there are."""
    assert "Input should be 'xoauth2' or 'oauthbearer'" in refusal(way, mechanism="plain")


@pytest.mark.parametrize(("way", "key"), [
    ("microsoft-app", "client_secret"), ("google-user", "client_secret"), ("token", "token"),
])  # fmt: skip
def test_a_secret_in_the_open_is_refused_and_not_repeated(way: str, key: str) -> None:
    """As for a password: only where it comes from stands in the file."""
    words = refusal(way, **{key: "open-sesame"})
    assert ("a secret never stands in the TOML itself" in words, "open-sesame" in words) == (True, False)


@pytest.mark.parametrize(("way", "key"), [
    ("microsoft-app", "authority"), ("microsoft-device", "authority"),
    ("google-user", "auth_url"), ("google-user", "token_url"),
])  # fmt: skip
@pytest.mark.parametrize(
    "address", ["http://login.example", "https://", "https://user:word@login.example", "login.example",
                "https://login.example/?x=1", "https://login.example/ x"],
)  # fmt: skip
def test_an_address_that_secrets_go_to_is_tls_and_bare(way: str, key: str, address: str) -> None:
    """RFC 6749, 3.2: never in the open, and no password or query in it."""
    assert "String should match pattern" in refusal(way, **{key: address})


@pytest.mark.parametrize("tenant", ["common", "Organizations", "consumers"])
def test_an_app_needs_a_tenant_of_its_own(tenant: str) -> None:
    """The shared names are for people; an app that used them would sign in to whichever tenant."""
    assert "must name one organisation" in refusal("microsoft-app", tenant=tenant)


def test_a_person_may_use_a_shared_tenant() -> None:
    """Private accounts have no other."""
    assert read("microsoft-device", tenant="consumers")


@given(st.text("ab1.-/?#@:%\\ \n", max_size=6))
def test_a_tenant_never_leads_elsewhere_in_the_address(tenant: str) -> None:
    """It becomes one part of the path that the secret is sent to, or it is refused."""
    try:
        read("microsoft-device", tenant=tenant)
    except ValidationError:
        return
    assert urlsplit(f"https://login.example/{tenant.strip()}").path.split("/") == ["", tenant.strip()]
    assert tenant.strip() not in (".", "..")


@pytest.mark.parametrize("way", GOOD)
def test_what_a_token_is_bound_to_names_no_secret_and_no_mere_habit(way: str) -> None:
    """Another mechanism or another place for the secret costs no login."""
    sign_in = read(way)
    assert "A_SECRET" not in sign_in.bound_to
    assert read(way, mechanism="oauthbearer").bound_to == sign_in.bound_to


def test_what_a_token_is_bound_to_changes_with_the_client() -> None:
    """A refresh token works with its own client alone."""
    assert read("google-user", client_id="another").bound_to != read("google-user").bound_to


def test_the_real_addresses_are_the_default() -> None:
    """They are those that Microsoft and Google document."""
    user = read("google-user")
    assert user.way == "google-user"
    assert (user.auth_url, user.token_url) == (
        "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token",
    )  # fmt: skip


def test_a_path_may_be_written_as_text() -> None:
    """TOML has no paths."""
    account = read("google-service-account", ca_file="/etc/clerkd/ca.pem")
    assert account.way == "google-service-account"
    assert account.key_file == Path("/etc/clerkd/google.json")
