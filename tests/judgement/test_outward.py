"""What can belong to somebody, and to whom it is tied."""

from daemon.judgement.outward import COMMON, marks_of, tied


def test_the_marks_of_a_text_are_its_addresses_and_its_numbers() -> None:
    """Numbers as they stand and with their groups put together; what has two digits is nobody's."""
    text = "Call 030 44-11, order HP-2044 (12 of 13), or Ada@Quill.example."
    assert marks_of(text) == {"030", "0304411", "2044", "ada@quill.example", "204412"}


def test_a_number_is_tied_to_few_and_common_from_three_persons_on() -> None:
    """A year, a price or an article is nobody's."""
    holders = {"1": [7], "2": range(COMMON - 1), "3": range(COMMON), "4": []}
    assert tied(holders) == {"1", "2"}
