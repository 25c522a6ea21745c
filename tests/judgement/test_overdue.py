"""What the employee is told of a handoff that nobody has answered in time."""

from dataclasses import replace

from daemon.judgement.briefing import Due, Known
from daemon.judgement.overdue import overdue, overdue_words
from tests.judgement.samples import NOW

KNOWN = Known(16, 4, NOW, 2, NOW, (), promises=(Due(9, "us", "the list", NOW.date(), 12),))


def test_it_is_told_which_handoff_it_is_and_how_far_our_letter_came() -> None:
    """In clerkd's words alone; then what else is open in the case, and what a draft would do."""
    words = overdue_words(3, 12, "books", NOW, "was sent")
    lines = overdue(words, 12, KNOWN).splitlines()
    assert lines[0] == "[message 16] [case 4] from clerkd itself, 2026-11-02 08:05 UTC"
    assert lines[1] == (
        "Handoff 3 of message 12, to the specialist books since 2026-11-02 08:05 UTC, is not answered yet. "
        "Our letter was sent."
    )
    assert any(line.strip().startswith("Promise 9, made by us") for line in lines)
    assert lines[-1].startswith("No mail is at hand. A draft would answer message 12. The handoff stays open.")


def test_a_session_that_begins_with_it_is_told_first_what_went_before() -> None:
    """As with any other message."""
    told = overdue("Handoff 3.", 12, replace(KNOWN, handover="What went before."))
    assert told.startswith("What went before.\n\n[message 16]")
