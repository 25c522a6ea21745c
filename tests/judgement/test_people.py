"""The organisation behind an address, and the one that a person names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.message import Address
from daemon.judgement.people import PUBLIC, organisation_named, organisation_of


@pytest.mark.parametrize("words", ["quill.example", " Quill.EXAMPLE\n", "mail.quill.example", "münchen-2.example"])
def test_an_organisation_is_named_by_its_domain(words: str) -> None:
    """As it stands in the addresses of its people: in lower case."""
    assert organisation_named(words) == words.strip().lower()


@pytest.mark.parametrize(
    "words", ["", " ", "Quill", "Quill Ltd", "ada@quill.example", "@quill.example", "a..b", "a.b."]
)
def test_what_is_no_domain_names_no_organisation(words: str) -> None:
    """Nobody would ever be of it, and what is written of it would be told in no turn."""
    with pytest.raises(ValueError, match=r"is no domain, such as quill\.example"):
        organisation_named(words)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_provider_is_no_organisation(name: str) -> None:
    """Anybody gets an address there: what is written of it would be told to strangers."""
    with pytest.raises(ValueError, match=f"anybody gets an address at {name}"):
        organisation_named(name.upper())


@given(st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z]{2,9}){1,3}", fullmatch=True))
def test_whoever_writes_from_the_domain_is_of_the_organisation(domain: str) -> None:
    """The name that a person gives, and the one that is read off an address, are the same."""
    assert organisation_of(Address(f"ada@{domain}")) == organisation_named(domain)
