"""The plain values of a mail."""

import pytest

from daemon.judgement.message import Address
from tests.judgement.samples import ADA, message

BO = Address("bo@tern.example")


@pytest.mark.parametrize(
    ("address", "shown"), [(ADA, "Ada Quill <ada@quill.example>"), (BO, "bo@tern.example")], ids=["named", "bare"]
)
def test_it_shows_an_address_with_its_name_where_there_is_one(address: Address, shown: str) -> None:
    """An address without a name has no brackets."""
    assert str(address) == shown


@pytest.mark.parametrize(
    ("email", "domain"),
    [("ada@quill.example", "quill.example"), ('"a@b"@quill.example', "quill.example"), ("ada", "ada")],
)
def test_it_takes_the_domain_from_behind_the_last_at(email: str, domain: str) -> None:
    """A quoted local part may hold an @ of its own."""
    assert Address(email).domain == domain


@pytest.mark.parametrize(
    ("senders", "sender"), [((ADA,), ADA), ((), None), ((ADA, BO), None)], ids=["one", "nobody", "two"]
)
def test_it_knows_the_sender_only_where_there_is_exactly_one(
    senders: tuple[Address, ...], sender: Address | None
) -> None:
    """Nobody and more than one are both no sender."""
    assert message(senders=senders).sender == sender
