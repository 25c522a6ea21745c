"""What a reviewer's word teaches, as a draft."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.facts import LONGEST_FACT
from daemon.judgement.lessons import of_correction, of_edit, of_rejection


def test_a_rejection_teaches_its_reason() -> None:
    """For mail of that category."""
    assert of_rejection("complaint", "we never offer refunds") == (
        "In answers to mail filed as complaint: we never offer refunds"
    )


def test_a_rejection_without_a_reason_teaches_nothing() -> None:
    """Nobody could go by it."""
    assert of_rejection("complaint", " ") == ""


def test_a_correction_teaches_what_it_may_be_instead() -> None:
    """With the reason, in the reviewer's words alone."""
    assert of_correction("category", "question", "complaint", "whoever wants money back complains") == (
        "What looks like question (category) may be complaint: whoever wants money back complains"
    )


def test_a_correction_without_a_reason_teaches_nothing() -> None:
    """Nobody could go by it."""
    assert of_correction("category", "question", "complaint", "") == ""


@pytest.mark.parametrize(
    ("before", "after", "lesson"),
    [
        ("We close at six. Bye.", "We close at seven. Bye.",
         'In answers to mail filed as question, write: "We close at seven"'),
        ("We close at six.", "We close at six. We are closed on Sundays.",
         'In answers to mail filed as question, write: "We are closed on Sundays"'),
        ("Hello. We close at six.", "We close at six.", ""),
        ("We close at six.", "We  close\nat six.", ""),
    ],
    ids=["changed", "added", "taken out", "only the lines"],
)  # fmt: skip
def test_an_edit_teaches_what_the_reviewer_put_in(before: str, after: str, lesson: str) -> None:
    """Never what the model had written."""
    assert of_edit("question", before, after) == lesson


def test_of_several_changes_the_longest_sentence_is_taught() -> None:
    """A lesson is one sentence."""
    before, after = "Hi. We close at six. Bye.", "Hello. We close at seven o'clock on all working days. Bye."
    assert "seven o'clock" in of_edit("question", before, after)


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=50))
def test_a_draft_is_never_longer_than_a_lesson_may_be(before: str, after: str, category: str) -> None:
    """Whatever was changed."""
    drafts = [of_edit(category, before, after), of_rejection(category, after)]
    drafts.append(of_correction("category", category, category, after))
    assert all(len(draft) <= LONGEST_FACT for draft in drafts)
