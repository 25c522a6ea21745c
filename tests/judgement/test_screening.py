"""Screening by headers and sender: a case for each rule of RFC 3834, and honest mail that passes."""

from typing import Any

import pytest

from daemon.judgement.message import Address
from daemon.judgement.screening import File, Hold, Screening, Work, screen
from tests.judgement.samples import ADA, OWN, message


def screened(headers: dict[str, str] | None = None, **changes: Any) -> Screening:
    """Screen Ada's mail with these headers, and some things otherwise."""
    fields = {name: (value,) for name, value in (headers or {}).items()}
    return screen(message(headers=fields, **changes), OWN)


def rule(screening: Screening) -> str:
    """Give the rule under which a mail is filed, or an empty word."""
    return screening.rule if isinstance(screening, File) else ""


@pytest.mark.parametrize("value", ["auto-generated", "auto-replied", "auto-notified", "Auto-Replied; x=no", "yes"])
def test_it_files_mail_that_says_that_a_machine_sent_it(value: str) -> None:
    """Any Auto-Submitted but no is a machine's (RFC 3834, 5)."""
    assert rule(screened({"auto-submitted": value})) == "auto-submitted"


@pytest.mark.parametrize("value", ["no", "No", " no ", "no; owner-email=x", "", "no (sent by a person)"])
def test_it_works_mail_that_says_that_a_person_sent_it(value: str) -> None:
    """Auto-Submitted: no is a person's, with parameters and comments too (RFC 3834, 5)."""
    assert screened({"auto-submitted": value}) == Work()


@pytest.mark.parametrize("value", ["<>", " <> "])
def test_it_files_mail_with_an_empty_return_path(value: str) -> None:
    """An empty return path is a bounce's (RFC 3834, 2)."""
    assert rule(screened({"return-path": value})) == "null-return-path"


@pytest.mark.parametrize(
    "name", ["list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-archive"]
)
def test_it_files_mail_of_a_mailing_list(name: str) -> None:
    """Each header of RFC 2369 and RFC 2919 makes a mailing list, even when it is empty."""
    assert rule(screened({name: ""})) == "mailing-list"


@pytest.mark.parametrize("value", ["bulk", "list", "junk", "Bulk", " junk "])
def test_it_files_bulk_mail(value: str) -> None:
    """The Precedence of a mass mailing is known in any case (RFC 3834, 2)."""
    assert rule(screened({"precedence": value})) == "bulk"


@pytest.mark.parametrize("name", ["x-autoreply", "x-autorespond", "x-loop", "x-auto-response-suppress"])
def test_it_files_mail_of_an_automatic_responder(name: str) -> None:
    """The common headers of responders are known."""
    assert rule(screened({name: "yes"})) == "robot-header"


def test_it_files_a_delivery_report() -> None:
    """A multipart/report is a machine's (RFC 3464, 2)."""
    assert screened(media_type="multipart/report") == File(
        "report", "a delivery or disposition report (multipart/report)"
    )


@pytest.mark.parametrize("address", sorted(OWN))
def test_it_files_mail_from_an_own_address(address: str) -> None:
    """The employee never answers itself."""
    assert screened(senders=(Address(address),)) == File("own-address", "it comes from one of our own addresses")


@pytest.mark.parametrize(
    "name",
    [
        "mailer-daemon",
        "postmaster",
        "noreply",
        "no-reply",
        "donotreply",
        "do-not-reply",
        "do-notreply",
        "owner-plants",
        "plants-owner",
        "plants-request",
        "bounce",
        "bounces",
        "bounce+ada=quill.example",
        "bounces-17",
    ],
)
def test_it_files_mail_from_a_machine_s_name(name: str) -> None:
    """Names that no person has are not answered (RFC 3834, 2)."""
    assert rule(screened(senders=(Address(f"{name}@quill.example"),))) == "robot-sender"


@pytest.mark.parametrize(
    "name", ["ada", "owner", "request", "bouncer", "noreplyx", "ownership", "my-postmaster", "noah"]
)
def test_it_works_mail_from_a_name_that_only_resembles_a_machine_s(name: str) -> None:
    """Honest names are not mistaken for machines."""
    assert screened(senders=(Address(f"{name}@quill.example"),)) == Work()


@pytest.mark.parametrize(
    ("senders", "reason"),
    [
        ((), "the sender is ambiguous: From names no address"),
        ((ADA, Address("bo@tern.example")), "the sender is ambiguous: From names 2 addresses"),
    ],
    ids=["nobody", "two"],
)
def test_it_holds_a_mail_whose_sender_is_ambiguous(senders: tuple[Address, ...], reason: str) -> None:
    """A person must look where it is not plain who wrote."""
    assert screened(senders=senders) == Hold(reason)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"return-path": "<ada@quill.example>"},
        {"return-path": ""},
        {"precedence": "first-class"},
        {"precedence": ""},
        {"x-mailer": "Harrier Mail 4.1", "user-agent": "Mutt"},
        {"subject": "Auto-Submitted: auto-replied", "received": "by list-id bulk"},
    ],
)
def test_it_works_honest_mail(headers: dict[str, str]) -> None:
    """Ordinary headers are no reason to file a mail."""
    assert screened(headers) == Work()


def test_the_headers_go_before_the_sender() -> None:
    """A bounce without a sender is filed, not held."""
    assert rule(screened({"return-path": "<>"}, senders=())) == "null-return-path"


def test_it_says_why_it_files_a_mail() -> None:
    """The reason is a phrase for the log."""
    assert screened({"precedence": "bulk"}) == File("bulk", "its Precedence header says bulk, list or junk")
