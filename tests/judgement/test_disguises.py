"""What is marked for a reviewer because it looks like something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.disguises import Piece, pieces


def marks(text: str) -> list[Piece]:
    """Give the pieces that are marked."""
    return [piece for piece in pieces(text) if piece.disguise]


@pytest.mark.parametrize(
    "text",
    ["When do you close?", "Привет, Ada", "Grüß Gott", "μ is a letter", "日本語 text", "👩‍👧 family", "می‌خواهم", ""],
)
def test_what_is_as_it_seems_is_not_marked(text: str) -> None:
    """Other scripts, emoji and the joiners that they need are no trick."""
    assert marks(text) == []


@pytest.mark.parametrize(
    ("text", "word", "scripts"),
    [
        ("p\u0430ypal now", "p\u0430ypal", "Cyrillic and Latin"),
        ("an \u03bfrder", "\u03bfrder", "Greek and Latin"),
        ("B\u0410N\u039a", "B\u0410N\u039a", "Cyrillic and Greek and Latin"),
        ("\u0430\u0440\u0440\u04cf\u0435.com", "\u0430\u0440\u0440\u04cf\u0435.com", "Cyrillic and Latin"),
        ("to \u0430da@quill.example", "\u0430da@quill.example", "Cyrillic and Latin"),
    ],
)
def test_a_word_of_several_scripts_is_marked(text: str, word: str, scripts: str) -> None:
    """Its letters pass for one another's."""
    assert marks(text) == [Piece(word, f"letters of {scripts} in one word")]


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u202e", "right-to-left override"),
        ("\u200b", "zero width space"),
        ("\x1b", "u+001b"),
        ("\ue000", "u+e000"),
        ("\u00ad", "soft hyphen"),
        ("\u3164", "hangul filler"),
        ("\u2800", "braille pattern blank"),
    ],
)
def test_a_character_that_is_not_seen_is_marked_by_name(character: str, name: str) -> None:
    """Whether it turns the line around, hides something, or steers a terminal."""
    (mark,) = marks(f"a {character} b")
    assert mark.text == character
    assert mark.disguise == f"a character that is not seen: {name}"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\U0001d429\U0001d41a\U0001d432\U0001d429\U0001d41a\U0001d425", "paypal"),
        ("\uff45\uff56\uff49\uff4c.example", "evil.example"),
    ],
)
def test_signs_that_stand_for_letters_are_marked(text: str, plain: str) -> None:
    """Mathematical letters anywhere, wide ones where they make an address: in Japanese they are what is written."""
    assert marks(f"see {text}") == [Piece(text, f"signs that stand for: {plain}")]


def test_wide_letters_in_a_text_are_no_trick() -> None:
    """They are written so in Japanese."""
    assert marks("\uff21\uff22\uff23 \u682a\u5f0f\u4f1a\u793e") == []


def test_line_breaks_and_tabs_are_not_marked() -> None:
    """They are what a text is made of."""
    assert marks("one\r\n\ttwo") == []


@given(st.text())
def test_the_pieces_are_always_the_text(text: str) -> None:
    """Nothing is lost, and nothing is put in."""
    assert "".join(piece.text for piece in pieces(text)) == text
