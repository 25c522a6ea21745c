"""Secrets are known by their shape, and those of this house in whatever dress."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.leaks import found

OURS = "corr3ct-horse"


def passages(text: str, at_hand: str = "") -> list[str]:
    """Find what is secret, or looks so."""
    return list(found(text, [OURS, "abc"], at_hand))


@pytest.mark.parametrize(
    "dressed",
    [
        OURS,
        OURS.upper(),
        " ".join(OURS),
        OURS[::-1],
        OURS.encode().hex(),
        base64.b64encode(OURS.encode()).decode(),
        base64.b32encode(OURS.encode()).decode(),
        "c.o.r.r.3.c.t - h_o_r_s_e",
    ],
)
def test_a_secret_of_ours_is_found_in_whatever_dress(dressed: str) -> None:
    """Spelt out, backwards, in hexadecimal or base 64: it is found, and the passage does not repeat it."""
    assert passages(f"It is {dressed}, keep it.")[0] == "(a secret of this house)"


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        "sk-" + "ant-api03-" + "a" * 20,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a" * 36,
        "xoxb-" + "1234567890-abcdef",
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
    ],
)
def test_the_shape_of_a_key_is_found(key: str) -> None:
    """Keys have the shapes that their makers gave them."""
    assert passages(f"Here: {key}")


@pytest.mark.parametrize("token", ["Zx9Qw3Er7Ty1Ui5Op2As", "3f9a8b7c2d1e0f5a6b4c7d8e", "QmFzZTY0IGVuY29kZWQgc2VjcmV0"])
def test_what_a_machine_drew_at_random_is_found(token: str) -> None:
    """A long string of letters and digits without a pattern may be a secret that nobody listed."""
    assert passages(f"Use {token} then") == [token]


def test_what_the_mail_at_hand_says_itself_is_no_secret() -> None:
    """A number that the sender wrote may be repeated to them."""
    token = "Zx9Qw3Er7Ty1Ui5Op2As"
    assert passages(f"About {token}", at_hand=f"my order {token}") == []


@pytest.mark.parametrize(
    "text",
    [
        "Donaudampfschifffahrtsgesellschaft",
        "invoice 12345678901234567890",
        "IBAN DE89370400440532013000",
        "customer_service_department_2026",
        "2026-11-28T11:25:24.123456",
        "/opt/clerkd/lib/python3/site-packages/x.py",
        "aaaaaaaaaaaaaaaaaaaaaaa1111111",
        "the abc of it",
    ],
)
def test_long_words_numbers_and_paths_are_no_secrets(text: str) -> None:
    """Words, numbers, paths and times pass, and a secret of less than six characters is not looked for."""
    assert passages(text) == []


@given(st.text(st.characters(exclude_categories=["L", "N"]), max_size=3), st.text(), st.text())
def test_no_dividers_ever_hide_a_secret_of_ours(divider: str, before: str, after: str) -> None:
    """Whatever signs are put between its letters, it is found."""
    text = f"{before} {divider.join(OURS)} {after}"
    assert "(a secret of this house)" in passages(text)


def test_a_random_identifier_is_found() -> None:
    """A UUID looks like a secret: whether it is one, a person says."""
    token = str(uuid.UUID("9b2e7c14-5a3d-4f86-b0e1-6d7c8a95f203"))
    assert passages(token) == [token]
