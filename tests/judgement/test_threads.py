"""To which case a mail belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.threads import MOST_REFERENCES, bare_subject, related_ids
from tests.judgement.samples import message

IDS = st.lists(st.integers(0, 200).map(lambda number: f"<{number}@quill.example>"), max_size=120).map(tuple)


@pytest.mark.parametrize(
    ("in_reply_to", "references", "related"),
    [
        ((), (), ()),
        (("<b@q>",), (), ("<b@q>",)),
        ((), ("<a@q>", "<b@q>"), ("<b@q>", "<a@q>")),
        (("<b@q>",), ("<a@q>", "<b@q>"), ("<b@q>", "<a@q>")),
        (("<c@q>",), ("<a@q>", "<b@q>"), ("<c@q>", "<b@q>", "<a@q>")),
    ],
    ids=["none", "reply", "references", "both", "reply that the references lack"],
)
def test_it_gives_the_ids_that_a_mail_answers_the_nearest_first(
    in_reply_to: tuple[str, ...], references: tuple[str, ...], related: tuple[str, ...]
) -> None:
    """In-Reply-To comes first, then the references from the end."""
    assert related_ids(message(in_reply_to=in_reply_to, references=references)) == related


@given(IDS, IDS)
def test_it_never_gives_an_id_twice(in_reply_to: tuple[str, ...], references: tuple[str, ...]) -> None:
    """Each id is looked up once."""
    related = related_ids(message(in_reply_to=in_reply_to, references=references))
    assert len(related) == len(set(related))


@given(IDS, IDS)
def test_it_never_gives_more_ids_than_the_most(in_reply_to: tuple[str, ...], references: tuple[str, ...]) -> None:
    """A mail cannot make the database look up thousands of ids."""
    assert len(related_ids(message(in_reply_to=in_reply_to, references=references))) <= MOST_REFERENCES


def test_it_keeps_the_nearest_of_too_many_ids() -> None:
    """The oldest references are left out."""
    ids = tuple(f"<{number}@q>" for number in range(60))
    assert related_ids(message(references=ids)) == ids[:9:-1]


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Opening hours", "Opening hours"),
        ("Re: Opening hours", "Opening hours"),
        ("RE: re: Opening hours", "Opening hours"),
        ("AW: WG: Fwd: FW: Opening hours", "Opening hours"),
        ("Re[2]: Opening hours", "Opening hours"),
        ("  Sv :  Opening hours ", "Opening hours"),
        ("Antw:TR:VS:Opening hours", "Opening hours"),
        ("Regarding: Opening hours", "Regarding: Opening hours"),
        ("Opening hours Re: Saturday", "Opening hours Re: Saturday"),
        ("Re", "Re"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_it_takes_the_marks_of_replies_and_forwards_off_a_subject(subject: str, bare: str) -> None:
    """Marks are taken off the beginning, in several languages and as often as they stand there."""
    assert bare_subject(subject) == bare
