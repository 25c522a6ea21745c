"""Subjects without the marks of replies and forwards: for showing, and for comparing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.subject import bare_subject, has_substance, is_marked, same_topic, subject_key

HOSTILE = ["Re: ", "[a] ", "Re[1", "[", "(was:", "(fwd)", "re ", " ", "\N{COMBINING ACUTE ACCENT}\N{COMBINING CEDILLA}"]
LONG_ENOUGH = 10  # seconds: a hang takes minutes
MARKS = st.lists(st.sampled_from(["Re: ", "AW: ", "Fwd:", "SV : ", "Re[2]: ", "[plants] Re: "]), min_size=1, max_size=9)
PLAIN = st.text("abcdefghijkl mnop", max_size=40).map(lambda text: " ".join(text.split())).filter(len)


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Opening hours", "Opening hours"),
        ("Re: Opening hours", "Opening hours"),
        ("RE: re: Opening hours", "Opening hours"),
        ("AW: WG: Fwd: FW: Opening hours", "Opening hours"),
        ("Re[2]: Opening hours", "Opening hours"),
        ("Re^2: Opening hours", "Opening hours"),
        ("RE(3): Opening hours", "Opening hours"),
        ("Re [2] : Opening hours", "Opening hours"),
        ("  Sv :  Opening hours ", "Opening hours"),
        ("Antw:TR:VS:Opening hours", "Opening hours"),
        ("Opening hours (fwd)", "Opening hours"),
        ("Re: Opening hours (Fwd)", "Opening hours"),
        ("Regarding: Opening hours", "Regarding: Opening hours"),
        ("Opening hours Re: Saturday", "Opening hours Re: Saturday"),
        ("Re", "Re"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_it_takes_the_marks_of_replies_and_forwards_off_a_subject(subject: str, bare: str) -> None:
    """Marks are taken off as often as they stand there, with their counts, and the one at the end."""
    assert bare_subject(subject) == bare


@pytest.mark.parametrize(
    "mark",
    [
        "SV:", "VS:", "VB:", "VL:", "Odp:", "PD:", "Ynt:", "İLT:", "RES:", "ENC:", "RIF:", "R:", "I:", "RV:", "TR:",
        "Antw:", "Doorst:", "Vá:", "Továbbítás:", "TS:", "BLS:", "ATB:", "Απ:", "ΠΡΘ:", "Отв:", "НА:", "Ответ:",  # noqa: RUF001 - Greek and Cyrillic letters are meant
        "回复\N{FULLWIDTH COLON}", "答复:", "转发\N{FULLWIDTH COLON}", "返信: ", "回信:", "轉寄:", "답장:", "رد:",
    ],
)  # fmt: skip
def test_it_knows_the_marks_of_many_languages(mark: str) -> None:
    """Mail programs write the mark in their user's language."""
    assert bare_subject(f"{mark} Opening hours") == "Opening hours"


@pytest.mark.parametrize(
    "subject",
    ["Invoice: 17 May", "i: Claudius", "r: the language", "I : am", "Ref: 1207", "Area: north", "Note: re: all"],
)
def test_it_leaves_words_with_a_colon_alone(subject: str) -> None:
    """What only resembles a mark is a part of the subject."""
    assert bare_subject(subject) == subject


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: [plants] Opening hours", "Opening hours"),
        ("[plants] Re: Opening hours", "Opening hours"),
        ("Re: [plants] AW: [EXTERN] Re: Opening hours", "Opening hours"),
        ("[plants] Opening hours", "[plants] Opening hours"),
        ("Re: [plants]", "[plants]"),
        ("Re: [Ticket#17] Re: [Ticket#17] Opening hours", "[Ticket#17] Opening hours"),
        ("Re: [ Opening hours", "[ Opening hours"),
    ],
    ids=["behind", "before", "between", "no mark", "nothing else", "a number", "no tag"],
)
def test_it_takes_list_tags_off_among_the_marks(subject: str, bare: str) -> None:
    """A list's tag goes with the marks; one with a number tells matters apart and stays."""
    assert bare_subject(subject) == bare


@given(MARKS, PLAIN)
def test_marks_never_change_the_bare_subject(marks: list[str], plain: str) -> None:
    """However often a subject goes back and forth, it stays the same."""
    assert bare_subject("".join(marks) + plain) == plain


@given(st.text(max_size=60))
def test_it_never_raises_on_any_subject(subject: str) -> None:
    """Any text is a subject; a bare one is never longer."""
    assert len(bare_subject(subject)) <= len(subject)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_subject_costs_no_more_than_its_length(piece: str) -> None:
    """A hundred thousand marks, brackets or blanks are no hang."""
    began = time.monotonic()
    subject = "a" + piece * 100_000 + "x"
    same_topic(subject, bare_subject(piece * 100_000 + "y"))
    assert time.monotonic() - began < LONG_ENOUGH


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Re: Opening  HOURS?!", "opening hours"),
        ("[plants] Opening hours", "opening hours"),
        ("Straße", "strasse"),
        ("Vacation plan (was: Opening hours)", "vacation plan"),
        ("Re: [Ticket#17] Printer", "ticket 17 printer"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_a_key_holds_the_words_without_case_and_punctuation(subject: str, key: str) -> None:
    """Two subjects with the same key are the same to a reader."""
    assert subject_key(subject) == key


@given(st.text(max_size=2_000))
def test_a_key_is_never_long(subject: str) -> None:
    """The database indexes keys; one character may become eighteen of them when it is unfolded (Unicode)."""
    assert len(subject_key(subject)) <= 400 * 18 * 2


@pytest.mark.parametrize(
    ("subject", "marked"),
    [
        ("Re: Hours", True),
        ("[plants] AW: Hours", True),
        ("Hours (fwd)", True),
        ("[plants] Hours", False),
        ("Re", False),
    ],
)
def test_it_says_whether_a_subject_is_marked(subject: str, marked: bool) -> None:  # noqa: FBT001 - a table of cases
    """A tag alone is no mark."""
    assert is_marked(subject) is marked


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Opening hours", "RE: opening hours!"),
        ("Opening hours", "Re: Opening hours on Sunday"),
        ("Opening hours on Sunday", "Opening hours"),
        ("Re: [Ticket#17] Printer", "Printer [Ticket#18]"),
        ("Opening hours", ""),
        ("", "Re:"),
    ],
)
def test_it_knows_the_same_topic(one: str, other: str) -> None:
    """One subject within the other is the same topic, whatever the tags say; an empty one is none of its own."""
    assert same_topic(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Opening hours", "Invoice 1207"), ("Re: Invoice 1207", "Invoice 1208"), ("Invoice (was: Hours)", "Hours")],
)
def test_it_knows_another_topic(one: str, other: str) -> None:
    """Neither subject holds the other; a former one in brackets does not count."""
    assert not same_topic(one, other)


@pytest.mark.parametrize("key", ["heating element", "devis réparation", "ticket 17 printer", "開店時間の件"])
def test_a_key_of_its_own_words_has_substance(key: str) -> None:
    """Words that not everybody writes tell a matter."""
    assert has_substance(key)


@pytest.mark.parametrize("key", ["", "question", "hello", "anfrage", "urgent request", "abc", "2026 11 02"])
def test_a_key_that_anybody_writes_has_no_substance(key: str) -> None:
    """Short, generic and purely numeric subjects tell nothing."""
    assert not has_substance(key)
