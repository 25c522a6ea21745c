"""Mails to the supervisor: planned once about each thing, moved on as the sender saw them, and counted."""

import pytest

from knowledge import notices
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import Notice
from tests.knowledge.rows import NOW, after, received

KINDS = ("digest", "urgent")


def notice(kind: str = "digest", about: str = "2026-11-28", **changes: object) -> Notice:
    """Make one that is planned."""
    values = {"content": b"Subject: x\r\n\r\ny", "recipients": ["boss@example.com"], "state": "planned"}
    return Notice(kind=kind, about=about, created_at=NOW, updated_at=NOW, **{**values, **changes})


def test_of_each_thing_there_is_one_at_most(db: Database) -> None:
    """Whoever plans the same again is told so, and nothing is written."""
    assert notices.plan(db, notice())
    assert not notices.plan(db, notice())
    assert notices.plan(db, notice("urgent"))
    assert notices.plan(db, notice(about="2026-11-29"))
    newest = notices.last(db, "digest")
    assert newest
    assert newest.about == "2026-11-29"
    assert [notices.count_since(db, kind, NOW) for kind in KINDS] == [2, 1]
    assert notices.count_since(db, "digest", after(1)) == 0


def test_the_oldest_that_is_due_comes_first(db: Database) -> None:
    """One that was put off waits for its time."""
    for day in ("2026-11-28", "2026-11-29"):
        notices.plan(db, notice(about=day))
    first = notices.next_due(db, ["planned"], NOW)
    assert first
    notices.change(db, first, "planned", NOW, reason="busy", due=after(60), tries=1)
    second = notices.next_due(db, ["planned"], NOW)
    assert second
    assert second.about == "2026-11-29"
    again = notices.next_due(db, ["planned"], after(60))
    assert again
    assert (again.about, again.reason, again.tries) == ("2026-11-28", "busy", 1)
    assert notices.next_due(db, ["sending"], after(60)) is None


def test_one_that_has_moved_on_meanwhile_is_left_alone(db: Database) -> None:
    """Two who send the same are one too many."""
    notices.plan(db, notice())
    seen = notices.next_due(db, ["planned"], NOW)
    assert seen
    notices.change(db, seen, "sending", NOW)
    with pytest.raises(FenceError, match=r"^notice 1: "):
        notices.change(db, seen, "sending", NOW)
    assert [each.about for each in notices.in_state(db, "sending", NOW)] == ["2026-11-28"]
    assert notices.in_state(db, "sending", after(1)) == []


def test_a_message_is_untold_until_there_is_a_notice_about_it(db: Database) -> None:
    """Of that kind; and only what has come into the state since then."""
    row = received(db, 1)
    assert [each.id for each in notices.untold(db, "urgent", "received", NOW)] == [row.id]
    assert notices.untold(db, "urgent", "escalated", NOW) == []
    assert notices.untold(db, "urgent", "received", after(60)) == []
    notices.plan(db, notice("urgent", str(row.id)))
    assert notices.untold(db, "urgent", "received", NOW) == []
