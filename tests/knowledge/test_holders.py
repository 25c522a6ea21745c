"""Whose something is: what of others stands in the tables, as far as it could be told by a mark."""

from collections.abc import Callable

import pytest

from knowledge import holders, passages
from knowledge.database import Database
from knowledge.tables import Passage, Person
from knowledge.whose import Whose
from tests.knowledge.rows import NOW, screened


def written(whose: Whose, text: str) -> Passage:
    """Make a passage of an owner."""
    person, organisation = whose.person_id, whose.organisation
    return Passage(person_id=person, organisation=organisation, speaker="Ada", said_at=NOW, text=text, stems="a",
                   label="", recorded_at=NOW)  # fmt: skip


@pytest.fixture
def written_down(db: Database) -> Callable[..., None]:
    """Write passages of two people and two organisations, some with a mark and some without."""

    def write(*texts: tuple[Whose, str]) -> None:
        with db.write() as session:
            session.add_all(Person(id=number, first_seen_at=NOW, last_seen_at=NOW) for number in (1, 2))
            session.flush()
            passages.add(session, [written(whose, text) for whose, text in texts])

    return write


def test_what_others_wrote_is_given_with_its_owner(db: Database, written_down: Callable[..., None]) -> None:
    """Not what the person at hand wrote, and not what holds neither a digit nor an address."""
    written_down((Whose(1), "order 10"), (Whose(2), "order 20"), (Whose(2), "no mark"), (Whose(2), "b@c"))
    assert list(holders.texts_of_others(db, 1, None)) == [(Whose(2), "order 20"), (Whose(2), "b@c")]


def test_what_is_known_of_other_organisations_is_given(db: Database, written_down: Callable[..., None]) -> None:
    """Members of one are told what is its own."""
    quill, tern = Whose(organisation="quill.example"), Whose(organisation="tern.example")
    written_down((quill, "PO 1"), (tern, "PO 2"), (tern, "no mark"))
    assert list(holders.texts_of_others(db, 1, "quill.example")) == [(tern, "PO 2")]


def test_to_whom_belongs_to_no_organisation_all_of_them_are_others(
    db: Database, written_down: Callable[..., None]
) -> None:
    """Nothing of any is theirs."""
    quill = Whose(organisation="quill.example")
    written_down((quill, "PO 1"), (Whose(), "for everyone 3"))
    assert list(holders.texts_of_others(db, 1, None)) == [(quill, "PO 1")]


def test_a_subject_belongs_to_its_sender(db: Database) -> None:
    """Of whoever is not known, everything is another's."""
    screened(db, 1, subject="Order 77")
    assert [text for _whose, text in holders.texts_of_others(db, None, None)] == ["Order 77"]
