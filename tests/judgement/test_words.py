"""The words of a text as they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.message import Address
from daemon.judgement.people import organisation_of
from daemon.judgement.words import LANGUAGES, content, language_of, likely_language, names, stem, terms

SAID = {
    "en": "Could you please tell me when you are open, and whether I can come with my dog?",
    "de": "Können Sie mir bitte sagen, wann Sie geöffnet haben und ob ich mit dem Hund kommen kann?",
    "fr": "Pouvez-vous me dire quand vous êtes ouverts et si je peux venir avec mon chien ?",
    "es": "¿Me puede decir cuándo está abierto y si puedo ir con mi perro y con los niños?",
    "it": "Mi può dire quando siete aperti e se posso venire con il cane e con i miei figli?",
    "nl": "Kunt u mij vertellen wanneer u open bent en of ik met mijn hond kan komen?",
    "ru": "Скажите, пожалуйста, когда вы открыты и могу ли я прийти, если дождь?",
}


@pytest.mark.parametrize("language", SAID)
def test_it_tells_the_language_of_a_mail(language: str) -> None:
    """By its stop words."""
    assert language_of(SAID[language]) == language


@pytest.mark.parametrize("text", ["", "OK", "HP-2044", "thanks!", "42 17 3"])
def test_it_names_no_language_of_a_text_that_is_too_short(text: str) -> None:
    """A wrong guess would stick to the person."""
    assert language_of(text) == ""


@pytest.mark.parametrize(
    ("text", "usual", "guess"),
    [
        ("Quotes for boats", "", "en"),
        ("Rechnungen und Boote", "", "de"),
        ("Rechnungen", "de", "de"),
        ("Rechnungen", "", "en"),
        (SAID["fr"], "de", "fr"),
    ],
)
def test_a_language_is_guessed_where_only_the_stems_hang_on_it(text: str, usual: str, guess: str) -> None:
    """By the text where it is long enough, then by what its author usually writes, then by a word or two."""
    assert likely_language(text, usual) == guess


def test_forms_of_a_word_are_one() -> None:
    """In the language of the text."""
    assert terms("Invoices, invoiced: an invoice!", "en") == ["invoic"] * 3
    assert terms("Die Rechnungen und eine Rechnung", "de") == ["rechnung"] * 2


def test_stop_words_and_single_letters_are_left_out_but_digits_are_not() -> None:
    """An order of one digit may be what is looked for."""
    assert terms("This is Ada's order 7 x", "en") == ["ada", "order", "7"]


def test_a_text_without_a_language_keeps_its_words() -> None:
    """Its stop words are taken to be English ones."""
    assert terms("The INVOICES") == ["invoices"]


def test_letters_that_look_alike_by_width_are_one() -> None:
    """Compatibility forms are folded (Unicode's NFKC)."""
    assert terms("\uff28\uff30 \ufb01nd") == ["hp", "find"]


def test_names_and_numbers_stand_out() -> None:
    """What begins with a capital, or has a digit."""
    assert names("Did Ada Quill order HP-2044 again") == {"did", "ada", "quill", "hp", "2044"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_stemmer_and_stop_words(language: str) -> None:
    """Those that can be named can be worked with."""
    assert stem("x", language)
    assert terms("mmm", language)


@given(st.text(max_size=200), st.sampled_from(["", *LANGUAGES]))
def test_no_text_is_too_strange(text: str, language: str) -> None:
    """Whatever it is, its terms hold no space."""
    assert all(term and " " not in term for term in terms(text, language))


@pytest.mark.parametrize(("address", "name"), [("ada@quill.example", "quill.example"), ("ada@gmail.com", "")])
def test_an_organisation_is_known_by_its_domain(address: str, name: str) -> None:
    """But for providers where anybody gets an address."""
    assert organisation_of(Address(address)) == name


def test_the_words_that_say_something_are_those_of_the_texts_own_language() -> None:
    """Whole and in lower case; a text too short to tell is taken for English."""
    assert content("The pumps are BLUE, and the boats are not.") == ["pumps", "blue", "boats"]
    assert content("Die Pumpe ist nicht blau, und das Boot ist es auch nicht.") == ["pumpe", "blau", "boot"]
    assert content("Blue pumps") == ["blue", "pumps"]
