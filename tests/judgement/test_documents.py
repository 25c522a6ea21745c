"""Which files are documents, and how a text is cut into passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.documents import (
    DEEPEST,
    LONGEST_TITLE,
    MOST_PASSAGES,
    Form,
    Piece,
    divided,
    form_of,
    known,
    objection,
    pieces_of,
)
from daemon.judgement.recall import LONGEST_PASSAGE, document_source

PRICES = """Valid from May.

# Prices

## Pumps

The blue pump costs $3.50.

## Shipping
### Abroad
To Norway it is 40 euros.
"""
LINES = st.sampled_from(
    ["# ", "## a", "###### deep # ", "#no", "####### seven", "```", "~~~", "", " ", "C# is #1", "# C#"]
)
TEXTS = st.lists(LINES | st.text(max_size=30) | st.text("ab. \n", max_size=1500), max_size=12).map("\n".join)


def without_marks(words: str) -> str:
    """Leave out white space and the marks of headings."""
    return "".join(words.split()).replace("#", "")


def test_a_passage_stands_under_all_the_headings_above_it() -> None:
    """The outermost first; what comes before the first heading stands under none."""
    assert pieces_of(PRICES) == [
        Piece((), "Valid from May."),
        Piece(("Prices", "Pumps"), "The blue pump costs $3.50."),
        Piece(("Prices", "Shipping", "Abroad"), "To Norway it is 40 euros."),
    ]


@given(TEXTS)
def test_no_word_of_a_document_is_left_out(text: str) -> None:
    """It stands in a passage or in the headings above one, but for the marks of headings."""
    pieces = pieces_of(text)
    titles = without_marks(" ".join(title for piece in pieces for title in piece.headings))
    passages = without_marks(" ".join(piece.text for piece in pieces))
    assert [word for word in map(without_marks, text.split()) if word not in titles and word not in passages] == []


@given(st.text())
def test_a_text_without_headings_is_told_in_its_order(text: str) -> None:
    """Nothing is added, and no word is divided that is not too long for a passage."""
    plain = text.replace("#", "")
    assert " ".join(piece.text for piece in pieces_of(plain)).split() == plain.split()


@given(TEXTS)
def test_no_passage_is_longer_than_there_is_room_for_or_empty(text: str) -> None:
    """Whatever the text."""
    assert all(0 < len(piece.text) <= LONGEST_PASSAGE for piece in pieces_of(text))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\n".join(f"| pump {number} | {number}.50 |" for number in range(99)), "|"),
        (" ".join(f"It costs {number}.50 euros today." for number in range(99)), "today."),
        (" ".join(f"word{number}" for number in range(999)), ""),
        ("x" * 2000, ""),
    ],
    ids=["rows", "sentences", "words", "one word"],
)
def test_a_long_text_is_divided_where_it_hurts_least(text: str, parts: str) -> None:
    """Between the rows of a table, then between sentences, then between words; an amount is never torn."""
    pieces = [piece.text for piece in pieces_of(text)]
    assert len(pieces) > 1
    assert all(piece.endswith(parts) for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_what_is_short_is_joined() -> None:
    """A list of one-line answers is one passage."""
    assert pieces_of("One.\n\nTwo.\n\nThree.") == [Piece((), "One.\n\nTwo.\n\nThree.")]
    long = "x" * 592
    assert [piece.text for piece in pieces_of(f"One.\n\nTwo.\n\n{long}")] == ["One.\nTwo.", long]


def test_a_heading_with_nothing_under_it_is_a_passage() -> None:
    """It says something by itself: closed on Sundays."""
    assert pieces_of("# Hours\n## Closed on Sundays\n# Prices") == [
        Piece(("Hours", "Closed on Sundays"), "Closed on Sundays"),
        Piece(("Prices",), "Prices"),
    ]


@pytest.mark.parametrize(
    "line", ["#1 in pumps", "####### too deep", "#", f"# {'x' * LONGEST_TITLE}", "a # b"], ids=range(5)
)
def test_a_line_that_is_no_heading_is_text(line: str) -> None:
    """Too deep, too long, or without a blank."""
    assert [piece.headings for piece in pieces_of(line)] == [()]


@pytest.mark.parametrize(("line", "title"), [("## Pumps ##", "Pumps"), ("# C#", "C#"), ("  # C # D", "C # D")])
def test_the_marks_that_close_a_heading_are_no_part_of_it(line: str, title: str) -> None:
    """But those within are."""
    assert pieces_of(f"{line}\ntext") == [Piece((title,), "text")]


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_what_stands_in_a_code_block_is_no_heading(fence: str) -> None:
    """A comment of a script begins in the same way; the other kind of fence does not end the block."""
    other = "~~~" if fence == "```" else "```"
    (piece, last) = pieces_of(f"{fence}sh\n# a comment\n{other}\n{fence}\n# After\ntext")
    assert "# a comment" in piece.text
    assert last == Piece(("After",), "text")


def test_a_deeper_heading_may_come_first() -> None:
    """And one on the same level takes its place."""
    assert [piece.headings for piece in pieces_of("### a\nx\n# b\nx\n# c\nx")] == [("a",), ("b",), ("c",)]
    assert DEEPEST == 6


def test_a_document_of_too_many_passages_is_known_to_be_known_in_part() -> None:
    """The first ones stand, and a person is told."""
    pieces = [Piece((), "x")] * (MOST_PASSAGES + 1)
    assert known(pieces[1:], "note") == (pieces[1:], "note")
    kept, note = known(pieces, "")
    assert (len(kept), note) == (MOST_PASSAGES, "only its first 2,000 passages are known: divide it")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.md", Form.TEXT),
        ("b/A.TXT", Form.TEXT),
        ("a.b.HTM", Form.HTML),
        ("a.pdf", Form.PDF),
        ("a.doc", None),
        ("md", None),
    ],
)
def test_the_form_of_a_file_is_told_by_its_name(name: str, form: Form | None) -> None:
    """In capitals, too."""
    assert form_of(name) == form


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "names a folder"),
        ("docs/", "'docs/' names a folder; name the files in it, such as 'docs/*.md'"),
        ("docs/..", "names a folder"),
        ("docs/**", "'docs/**' names a folder; name the files in it, such as 'docs/**/*.md'"),
        ("docs/**.md", "'docs/**.md': ** must stand alone between slashes"),
        ("docs/*/../*.md", "'docs/*/../*.md': .. cannot stand behind a wildcard"),
        ("/**/*.md", "'/**/*.md' reaches through the whole machine"),
        ("/*/a.md", "reaches through the whole machine"),
        ("/proc/*.md", "reaches through the whole machine"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str, said: str) -> None:
    """What is wrong with it, and what is allowed."""
    assert said in (objection(pattern) or "")


@pytest.mark.parametrize("pattern", ["a.md", "*.md", "**/*.md", "../a/*.md", "/srv/**/*.md", "docs/[ab].pdf"])
def test_a_pattern_that_can_be_meant_is_none_to_object_to(pattern: str) -> None:
    """Relative ones count from the config file."""
    assert objection(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "folder", "wanted"),
    [
        ("/srv/docs/a.md", "/srv/docs", "a.md"),
        ("/srv/docs/**/*.md", "/srv/docs", "**/*.md"),
        ("/srv/d?/a/b.md", "/srv", "d?/a/b.md"),
    ],
)
def test_a_pattern_is_divided_at_its_first_wildcard(pattern: str, folder: str, wanted: str) -> None:
    """Names of documents count from there."""
    assert divided(pattern) == (folder, wanted)


@given(st.text(), st.text())
def test_no_name_or_heading_makes_a_second_line_or_a_long_one(name: str, heading: str) -> None:
    """Whoever wrote them."""
    source = document_source(name, heading)
    assert len(source.splitlines()) == 1
    assert document_source("x" * 9_999, "y" * 9_999) == f'document {"x" * 120}, "{"y" * 200}"'


def test_a_passage_under_no_heading_is_named_by_its_document_alone() -> None:
    """There is nothing more to say."""
    assert document_source("price-list.pdf", "") == "document price-list.pdf"
    assert document_source("faq.md", "Shipping > Abroad") == 'document faq.md, "Shipping > Abroad"'
