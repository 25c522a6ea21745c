"""What became of actions later."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from knowledge import feedback
from knowledge.database import Database
from knowledge.tables import Feedback, Message
from tests.knowledge.rows import MAILBOX, NOW, action_row, after, filed, received

FINAL = ("draft_sent", "draft_deleted")


def note(db: Database, action: int = 1, **changes: Any) -> bool:
    """Note that a person edited the draft."""
    return feedback.note(db, Feedback(**{"action_id": action, "kind": "draft_edited", "noted_at": NOW, **changes}))


def drafted(db: Database, uid: int, *, mailbox: str = MAILBOX, **changes: Any) -> Message:
    """Receive a mail and store a draft that answers it."""
    message = received(db, uid, mailbox=mailbox)
    filed(db, message, action_row(message, **{"kind": "draft", "state": "sent", **changes}))
    return message


def open_drafts(db: Database, seconds: float = 0) -> list[int]:
    """Give the uids of the messages whose drafts are still looked after, of those so new."""
    found = feedback.open_drafts(db, MAILBOX, drafts=["draft"], stored="sent", final=FINAL, since=after(seconds))
    return [feedback.draft_of(db, number)[1].uid for number in found]


# Noting


def test_feedback_is_noted(db: Database) -> None:
    """Kind, difference and time are kept."""
    message = drafted(db, 1)
    note(db, detail="-Yes\n+No", noted_at=after(5))
    (row,) = feedback.of_message(db, message.id or 0)
    assert (row.action_id, row.kind, row.detail, row.noted_at) == (1, "draft_edited", "-Yes\n+No", after(5))


def test_the_same_feedback_is_noted_once(db: Database) -> None:
    """Whoever looks again finds the draft as it was seen before."""
    message = drafted(db, 1)
    told = [note(db, detail="x", noted_at=after(seconds)) for seconds in (0, 60)]
    assert (told, len(feedback.of_message(db, message.id or 0))) == ([True, False], 1)


@pytest.mark.parametrize(
    "changes", [{"detail": "y"}, {"kind": "draft_sent"}, {"action": 2}], ids=["detail", "kind", "action"]
)
def test_other_feedback_is_noted_too(db: Database, changes: dict[str, Any]) -> None:
    """A draft may be edited twice, and sent then."""
    for uid in (1, 2):
        drafted(db, uid)
    note(db, detail="x")
    assert note(db, **{"detail": "x", **changes})


def test_feedback_belongs_to_an_action(db: Database) -> None:
    """There is none on what was never done."""
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        note(db, action=99)


def test_it_lists_the_feedback_on_a_message_the_oldest_first(db: Database) -> None:
    """That on other messages is not among it."""
    message = drafted(db, 1)
    drafted(db, 2)
    for action, detail in ((1, "a"), (2, "b"), (1, "c")):
        note(db, action, detail=detail)
    assert [row.detail for row in feedback.of_message(db, message.id or 0)] == ["a", "c"]


def test_there_is_no_feedback_at_first(db: Database) -> None:
    """A draft that was just stored has none."""
    assert feedback.of_message(db, drafted(db, 1).id or 0) == []


# Which drafts are looked after


def test_stored_drafts_are_looked_after_the_oldest_first(db: Database) -> None:
    """Each comes with the message that it answers."""
    for uid in (1, 2):
        drafted(db, uid)
    assert open_drafts(db) == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [{"kind": "flag"}, {"state": "planned"}, {"state": "held"}, {"mailbox": "other@imap.example"}],
    ids=["no draft", "not stored yet", "held", "another mailbox"],
)
def test_nothing_but_the_mailbox_s_stored_drafts_is_looked_after(db: Database, changes: dict[str, Any]) -> None:
    """What is not in the mailbox cannot be edited there."""
    drafted(db, 1, **changes)
    assert open_drafts(db) == []


@pytest.mark.parametrize("kind", FINAL)
def test_a_draft_that_was_sent_or_deleted_is_looked_after_no_more(db: Database, kind: str) -> None:
    """Nothing can become of it; the other drafts are still looked after."""
    for uid in (1, 2):
        drafted(db, uid)
    note(db, kind=kind)
    assert open_drafts(db) == [2]


def test_a_draft_that_was_edited_is_still_looked_after(db: Database) -> None:
    """It may yet be sent."""
    drafted(db, 1)
    note(db)
    assert open_drafts(db) == [1]


@pytest.mark.parametrize(("seconds", "found"), [(-1, [1]), (0, [1]), (1, [])])
def test_an_old_draft_is_looked_after_no_more(db: Database, seconds: int, found: list[int]) -> None:
    """Its last change counts, that moment included."""
    drafted(db, 1)
    assert open_drafts(db, seconds) == found
