"""A report that tells the shape of a mail, and nothing of what it says."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.redaction import Redactor

REDACTOR = Redactor("a salt")
NAME = re.compile(r"(person|domain)-[0-9a-f]{6}|example")
PEOPLE = st.from_regex(r"[A-Za-z0-9.+-]{1,20}@[A-Za-z0-9.-]{1,20}", fullmatch=True)


def test_letters_and_digits_are_replaced_and_the_shape_stays() -> None:
    """Length, case, punctuation and line breaks are what a reading goes wrong by."""
    assert REDACTOR.words("Dear Ada,\n\nInvoice HP-1207: 12,50 EUR!") == "Xxxx Xxx,\n\nXxxxxxx XX-0000: 00,00 XXX!"


def test_an_address_gets_names_in_place_of_its_parts() -> None:
    """That it is an address, and that person and domain are two things, can still be told."""
    shown = REDACTOR.words("write to <ada@quill.example>, please")
    assert re.fullmatch(r"xxxxx xx <person-[0-9a-f]{6}@domain-[0-9a-f]{6}\.example>, xxxxxx", shown)


def test_the_same_address_gets_the_same_name_in_any_case() -> None:
    """Who writes to whom can be followed through a report."""
    assert REDACTOR.words("Ada@Quill.example") == REDACTOR.words("ada@quill.EXAMPLE")


def test_two_people_of_one_domain_share_the_domain_s_name_alone() -> None:
    """Colleagues can be told from strangers, and from each other."""
    ada, bo = (REDACTOR.words(f"{name}@quill.example").split("@") for name in ("ada", "bo"))
    assert (ada[0] != bo[0], ada[1]) == (True, bo[1])


def test_another_report_gives_another_name() -> None:
    """With a fresh salt nobody can look an address up by its name, nor put two reports together."""
    assert REDACTOR.words("ada@quill.example") != Redactor("another salt").words("ada@quill.example")


@pytest.mark.parametrize("text", ["quill", "@quill.example", "ada@"])
def test_what_only_resembles_an_address_is_replaced_letter_by_letter(text: str) -> None:
    """Without a local part or a domain it is a word like others."""
    assert REDACTOR.words(text) == re.sub("[a-z]", "x", text)


def test_an_address_without_a_local_part_is_replaced_too() -> None:
    """A field may name anything as an address."""
    assert REDACTOR.address("quill.example") == "xxxxx.xxxxxxx"


@given(st.text())
def test_no_letter_and_no_number_is_ever_left(text: str) -> None:
    """In no script, and not as a mark on a letter, a fraction, a circled or a Roman one either."""
    left = NAME.sub("", REDACTOR.words(text))
    assert [character for character in left if _tells(character) and character not in "xX0"] == []


def _tells(character: str) -> bool:
    cased = character.isupper() or character.islower()
    return cased or unicodedata.category(character)[0] in "LMN"


@given(st.lists(PEOPLE, max_size=3), st.text(" ,<>;\n", min_size=1, max_size=3))
def test_no_address_is_ever_left(people: list[str], between: str) -> None:
    """Whatever stands around them: of each address only a name is left."""
    shown = re.findall(r"[^\s,<>;]+", REDACTOR.words(between.join(people)))
    assert [NAME.sub("", name) for name in shown] == ["@."] * len(people)


@given(st.text(st.characters(exclude_characters="@")))
def test_a_text_without_an_address_never_changes_its_length(text: str) -> None:
    """Where a text was cut, and where a line broke, stays to be seen."""
    assert len(REDACTOR.words(text)) == len(text)
