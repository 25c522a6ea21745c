"""Words as the log is searched for them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.words import LONGEST_TEXT, begin_all, beginnings, lookups, words


def finds(text: str, wanted: str) -> bool:
    """Say whether a text is found by these words."""
    return begin_all(words(text), words(wanted))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Grinder (NEW)!", "the grinder new"),
        ("Order Q-1042, please.", "order q-1042 please"),
        ("Ada Quill <ada@quill.example>", "ada quill ada@quill.example"),
        ("naïve ŁÓDŹ Çelebi İzmir", "naive łodz celebi izmir"),
        ("Straße STRASSE", "strasse strasse"),
        ("ΟΔΟΣ Ёлка Й", "οδοσ елка и"),
        ("don\u2019t e\u2010mail co\u00adoperate", "don't e-mail cooperate"),
        ("ﬁne \uff11\uff12\uff13", "fine 123"),
        ("a--b ... -c- https://x.example/y", "a b c https x.example/y"),
        ("1,200.50 50% b_o", "1 200.50 50 b_o"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("한국어 텍스트", "한국어 텍스트"),
        ("東京で、会議。", "東京で 会議"),
        ("\ud800 % _ ", ""),
    ],
)
def test_a_text_is_its_words_as_they_are_compared(text: str, plain: str) -> None:
    """Without case, accents and signs; what signs tie stays together."""
    assert words(text) == plain


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The Grinder", "grin"),
        ("The Grinder", "GRINDER the"),
        ("about Q-1042", "q-1042"),
        ("about Q-1042", "1042"),
        ("about Q-1042", "Q-10"),
        ("ada@quill.example", "ada@quill.example"),
        ("ada@quill.example", "ada@q"),
        ("ada@quill.example", "quill.ex"),
        ("ada@quill.example", "@quill.example"),
        ("ada@quill.example", "example"),
        ("Müller", "muller"),
        ("Muller", "Müller"),
        ("東京で会議があります", "会議"),
        ("東京で会議があります", "東京で会議"),
        ("ขอบคุณครับ", "คุณ"),
        ("abc漢字def", "字"),
        ("abc漢字def", "def"),
        ("हिन्दी", "हिन्"),
        ("customer-service@pine.example", "customer-service@pine.ex"),
    ],
)
def test_a_word_is_found_by_how_it_begins(text: str, wanted: str) -> None:
    """Or by how one of its parts does."""
    assert finds(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The Grinder", "rinder"),
        ("The Grinder", "grinders"),
        ("The Grinder", "grinder late"),
        ("about Q-1042", "042"),
        ("about Q-1042", "q-1043"),
        ("about Q 1042", "q-1042"),
        ("bada@quill.example", "ada"),
        ("ada@quill.example", "ada@example"),
        ("東京で会議", "京東"),
        ("customer-service@pine.example", "customer-service@quill.example"),
    ],
)
def test_a_word_is_not_found_by_its_middle_or_by_more_than_it_is(text: str, wanted: str) -> None:
    """What stands within a word is no word."""
    assert not finds(text, wanted)


def test_of_a_long_text_the_beginning_is_searched() -> None:
    """A sender must not make the index as large as they like."""
    text = "a " * (LONGEST_TEXT // 2) + "end"
    assert finds("end", "end")
    assert not finds(text, "end")


LETTERS = st.sampled_from("abzZéßΣйक्ि漢字あไท1.@-_ '\u0301%")
TEXTS = st.text(LETTERS, max_size=40)


@given(TEXTS, TEXTS)
def test_whatever_is_found_is_looked_up(text: str, wanted: str) -> None:
    """The index never hides what is there: each beginning that is asked for begins one that was written down."""
    known = beginnings(words(text))
    if finds(text, wanted):
        for word in words(wanted).split():
            assert all(any(each.startswith(asked) for each in known) for asked in lookups(word))


@given(TEXTS)
def test_the_words_of_words_are_themselves(text: str) -> None:
    """What was made comparable once is."""
    assert words(words(text)) == words(text)


@given(st.text(st.sampled_from("abAB1 .,-@"), max_size=40), st.text(st.sampled_from("ab1"), min_size=1, max_size=3))
def test_a_plain_word_is_found_as_a_plain_look_finds_it(text: str, wanted: str) -> None:
    """Of letters and digits without more, there is nothing to it."""
    assert finds(text, wanted) == any(word.startswith(wanted) for word in re.findall("[a-z0-9]+", text.lower()))


def test_no_beginning_is_long() -> None:
    """Sixteen letters of a word, two where no blanks are written."""
    assert beginnings(words("abcdefghijklmnopqrstuvw")) == {"abcdefghijklmnop"}
    assert beginnings(words("東京都")) == {"東京", "京都", "都"}
