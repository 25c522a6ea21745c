"""What a person made of a draft, told from the mails that may be what became of it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.drafts import CLOCK_SLACK, LONGEST_DIFFERENCE, TOO_LARGE, Fate, Outcome, Seen, difference, outcome
from tests.judgement.samples import NOW

DRAFTED = "Dear Ada,\n\nwe close at six.\n\nRobin"
CHANGED = "Dear Ada,\n\nwe close at seven.\n\nRobin"
WORDS_OF_IT = st.text("abcdef", min_size=1, max_size=5)
LATER = NOW + timedelta(hours=1)
SEEN = st.builds(Seen, st.text(max_size=30), st.booleans(), st.sampled_from([NOW - timedelta(days=1), NOW, LATER]))


def seen(text: str = DRAFTED, *, sent: bool = False, minutes: float = 1) -> Seen:
    """Find a mail so many minutes after the draft was made."""
    return Seen(text, sent, NOW + timedelta(minutes=minutes))


def test_a_draft_that_lies_untouched_has_no_outcome_yet() -> None:
    """As long as the draft is there as it was made, there is nothing to tell."""
    assert outcome(DRAFTED, NOW, [seen()], missed=False) is None


@pytest.mark.parametrize(("missed", "fate"), [(False, Fate.MISSING), (True, Fate.DELETED)])
def test_a_draft_that_is_nowhere_twice_was_deleted(missed: bool, fate: Fate) -> None:  # noqa: FBT001 - a parameter
    """Neither among the drafts nor in what was sent; once may be the moment in which it is being sent."""
    assert outcome(DRAFTED, NOW, [], missed=missed) == Outcome(fate)


@pytest.mark.parametrize(
    ("sent", "expected"), [(True, Outcome(Fate.SENT, TOO_LARGE)), (False, Outcome(Fate.EDITED, TOO_LARGE))]
)
def test_a_mail_too_large_to_be_compared_counts_all_the_same(sent: bool, expected: Outcome) -> None:  # noqa: FBT001
    """Somebody has attached a film: it was sent, or it is there still, and the difference is not known."""
    assert outcome(DRAFTED, NOW, [Seen(None, sent, LATER)], missed=False) == expected


def test_a_draft_with_other_words_was_edited() -> None:
    """The difference to what was drafted is kept."""
    found = outcome(DRAFTED, NOW, [seen(CHANGED)], missed=False)
    assert found == Outcome(Fate.EDITED, difference(DRAFTED, CHANGED))


def test_of_several_versions_the_newest_among_the_drafts_counts() -> None:
    """Mail programs store a new version before they remove the old one."""
    found = outcome(DRAFTED, NOW, [seen(), seen(CHANGED, minutes=2)], missed=False)
    assert found == Outcome(Fate.EDITED, difference(DRAFTED, CHANGED))


@pytest.mark.parametrize(("text", "changes"), [(DRAFTED, ""), (CHANGED, difference(DRAFTED, CHANGED))])
def test_a_draft_among_the_sent_mail_was_sent(text: str, changes: str) -> None:
    """With or without changes, and these are kept."""
    assert outcome(DRAFTED, NOW, [seen(text, sent=True)], missed=False) == Outcome(Fate.SENT, changes)


def test_what_was_sent_counts_before_a_copy_among_the_drafts() -> None:
    """Mail programs leave copies behind: the draft was sent all the same."""
    assert outcome(DRAFTED, NOW, [seen(CHANGED), seen(sent=True)], missed=False) == Outcome(Fate.SENT)


def test_a_person_s_older_answer_is_none_to_our_draft() -> None:
    """A mail that was sent before the draft was made cannot be what became of it."""
    assert outcome(DRAFTED, NOW, [seen("Later!", sent=True, minutes=-60), seen()], missed=False) is None


def test_the_clocks_of_server_and_daemon_may_differ_a_little() -> None:
    """A mail that the server stamped just before the draft was made is still taken for what became of it."""
    stamped = Seen(DRAFTED, sent=True, stored_at=NOW - CLOCK_SLACK)
    assert outcome(DRAFTED, NOW, [stamped], missed=False) == Outcome(Fate.SENT)


@given(st.lists(SEEN, max_size=4))
def test_it_never_takes_a_draft_for_deleted_while_anything_of_it_is_there(found: list[Seen]) -> None:
    """A single mail of the draft's time, among the drafts or sent, says that it is not gone."""
    told = outcome(DRAFTED, NOW, found, missed=True)
    is_there = any(mail.stored_at >= NOW - CLOCK_SLACK for mail in found)
    assert (told is not None and told.fate is Fate.DELETED) is not is_there


def test_a_difference_shows_what_was_taken_out_and_what_was_put_in() -> None:
    """Each paragraph that changed stands behind its sign."""
    shown = difference(DRAFTED, CHANGED).splitlines()
    assert [line for line in shown if line.startswith(("-", "+"))] == ["-we close at six.", "+we close at seven."]


def test_a_difference_shows_one_paragraph_around_a_change_and_not_all() -> None:
    """In a long letter a reviewer finds the place, without reading the letter."""
    paragraphs = [f"paragraph {number}" for number in range(9)]
    shown = difference("\n\n".join(paragraphs), "\n\n".join([*paragraphs[:4], "new", *paragraphs[5:]]))
    assert [line.strip() for line in shown.splitlines()[1:]] == [
        "paragraph 3", "-paragraph 4", "+new", "paragraph 5",
    ]  # fmt: skip


@given(
    st.lists(st.lists(WORDS_OF_IT, min_size=1, max_size=6), max_size=4), st.sampled_from(["\n", "\r\n", "  ", " \n "])
)
def test_other_line_breaks_within_a_paragraph_are_never_a_difference(paragraphs: list[list[str]], blank: str) -> None:
    """Mail programs break lines anew when they store a draft; a person has changed nothing by that."""
    drafted, found = ("\n\n".join(between.join(words) for words in paragraphs) for between in (" ", blank))
    assert difference(drafted, found) == ""


@given(st.text(), st.text())
def test_a_difference_is_never_longer_than_its_bound(drafted: str, found: str) -> None:
    """What is kept of a change is bounded, whatever a person pasted."""
    assert len(difference(drafted, f"{found}{'long ' * LONGEST_DIFFERENCE}")) <= LONGEST_DIFFERENCE
