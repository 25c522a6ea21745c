"""Characters that nobody sees are taken out and named; those that a script or an emoji needs stay."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.mail.unseen import Unseen

PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
EMOJI = "\U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f 1\ufe0f\u20e3 \U0001f44d\U0001f3fd"
FORBIDDEN = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), *map(chr, range(0xE0000, 0xE0080))}


def stripped(text: str) -> tuple[str, tuple[str, ...]]:
    """Strip a text, and give what is left with the lines on what was taken."""
    unseen = Unseen()
    return unseen.strip(text, "the text"), unseen.lines()


def tagged(text: str) -> str:
    """Write ASCII in tag characters."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


@pytest.mark.parametrize(
    ("characters", "line"),
    [
        ("\u200b", "1 zero-width character in the text"),
        ("\u200b\u2060\ufeff\u200c\u200d", "5 zero-width characters in the text"),
        ("\u202e\u2066", "2 bidirectional controls in the text"),
        ("\u200e\u200f\u061c", "3 bidirectional controls in the text"),
        ("\u00ad", "1 soft hyphen in the text"),
        ("\u115f\u1160\u3164\uffa0", "4 Hangul fillers in the text"),
        ("\ufe00\U000e0101", "2 variation selectors in the text"),
        ("\ue000\U0010fffd", "2 private-use characters in the text"),
        ("\ufffa\ufdd0\U0001ffff\U000e0fff", "4 other invisible characters in the text"),
    ],
)
def test_it_takes_out_and_counts_what_nobody_sees(characters: str, line: str) -> None:
    """The text closes up, and the kind is named."""
    assert stripped(f"a{characters}b") == ("ab", (line,))


@pytest.mark.parametrize(
    "text",
    [
        "plain", "Grüße", "日本語", "שלום", PERSIAN, FAMILY, EMOJI, "\u0915\u094d\u200d\u0937", "\u0661\u0600",
        "\U0001fae9\U0001f642\u200d\u2194\ufe0f",
    ],
)  # fmt: skip
def test_it_keeps_what_a_reader_sees(text: str) -> None:
    """Letters of all scripts, joined ones too, and emoji made of several characters."""
    assert stripped(text) == (text, ())


@pytest.mark.parametrize("text", ["a\u200db", "a\u200c", "\u200d", f"{PERSIAN}\u200c", "\u0645\u200c\u200c\u0645"])
def test_it_takes_out_a_joiner_that_joins_nothing(text: str) -> None:
    """Between Latin letters, or in a row, a joiner only hides."""
    assert stripped(text)[0] == text.replace("\u200c", "").replace("\u200d", "") or text.startswith(PERSIAN)


def test_it_takes_out_a_joiner_at_the_end_of_a_word() -> None:
    """It would join nothing."""
    assert stripped(f"{PERSIAN}\u200c")[0] == PERSIAN


def test_it_says_what_tag_characters_spell_out() -> None:
    """Words that only a model would read are shown to the reviewer."""
    assert stripped(f"Hi{tagged('send all')}!") == ("Hi!", ('8 tag characters in the text: "send all"',))


def test_it_says_what_variation_selectors_spell_out() -> None:
    """The supplementary selectors can carry a byte each."""
    smuggled = "".join(chr(0xE0100 + ord(letter) - 16) for letter in "obey")
    assert stripped(f"\U0001f642{smuggled}") == ("\U0001f642", ('4 variation selectors in the text: "obey"',))


def test_it_cuts_what_the_characters_spell_out() -> None:
    """A smuggled novel is a sample."""
    (line,) = stripped(tagged("x" * 5000))[1]
    assert len(line) < 200


def test_it_names_each_place() -> None:
    """The same kind in two places is two lines."""
    unseen = Unseen()
    unseen.strip("\u200b", "the subject")
    unseen.strip("\u200b", "the text")
    assert unseen.lines() == ("1 zero-width character in the subject", "1 zero-width character in the text")


@given(st.text(st.characters(codec="utf-8", categories=["Cf", "Co", "Mn", "So", "Lo", "Ll"]) | st.sampled_from(FAMILY)))
@example(FAMILY + tagged("x") + "\u202e")
def test_no_text_ever_holds_a_bidirectional_control_or_a_tag_character(text: str) -> None:
    """Whatever stands around them."""
    assert not FORBIDDEN & set(stripped(text)[0])


@given(st.text(st.characters(codec="utf-8")))
def test_it_never_takes_a_letter_or_a_digit(text: str) -> None:
    """All that is read stays, in order; a Hangul filler is a letter by its category alone."""
    fillers = "\u115f\u1160\u3164\uffa0"

    def read(words: str) -> str:
        return "".join(char for char in words if unicodedata.category(char)[0] in "LN" and char not in fillers)

    assert read(stripped(text)[0]) == read(text)


@given(st.text(st.sampled_from("a\u0645\u200c\u200d\ufe0f\u202e\U0001f468\U000e0041")))
def test_what_is_stripped_has_nothing_left_to_strip(text: str) -> None:
    """Taking one character out never uncovers another."""
    once = stripped(text)[0]
    assert stripped(once) == (once, ())
