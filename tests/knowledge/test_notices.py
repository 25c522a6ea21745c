"""Mails to the supervisor: planned once about each thing, moved on as the sender saw them, and counted."""

from datetime import timedelta
from typing import Any

import pytest

from knowledge import notices
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import Approval, Notice
from tests.knowledge.rows import NOW, action_row, after, filed, received

KINDS = ("digest", "urgent")


def notice(kind: str = "digest", about: str = "2026-11-28", **changes: object) -> Notice:
    """Make one that is planned."""
    values: dict[str, Any] = {"content": b"Subject: x\r\n\r\ny", "recipients": ["boss@example.com"], "state": "planned"}
    return Notice(kind=kind, about=about, created_at=NOW, updated_at=NOW, **{**values, **changes})


def test_of_each_thing_there_is_one_at_most(db: Database) -> None:
    """Whoever plans the same again is told so, and nothing is written."""
    assert notices.plan(db, notice())
    assert not notices.plan(db, notice())
    assert notices.plan(db, notice("urgent"))
    assert notices.plan(db, notice(about="2026-11-29"))
    newest = notices.last(db, "digest", ["planned"])
    assert newest
    assert newest.about == "2026-11-29"
    assert notices.last(db, "digest", ["sent"]) is None
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


def test_what_a_person_was_asked_about_is_found_as_long_as_it_is_open(db: Database) -> None:
    """Whatever else holds its mail up, the newest first; and what was told of it is known."""
    for uid in (1, 2, 3):
        row = received(db, uid)
        filed(db, row, action_row(row, kind="escalate" if uid > 1 else "draft"))
    assert [row.id for row in notices.asked_about(db, "escalate", ["decided"])] == [3, 2]
    assert notices.asked_about(db, "escalate", ["done"]) == []
    notices.plan(db, notice("urgent", "3"))
    assert notices.told(db, "urgent") == {"3"}


def test_each_mail_is_counted_in_one_digest(db: Database) -> None:
    """By its number; in the first one by when it came in."""
    for uid in (1, 2, 3):
        received(db, uid, received_at=NOW if uid == 1 else after(60))
    assert notices.came_in(db, None, after(30)) == (2, 3)
    assert notices.came_in(db, 1, NOW) == (2, 3)
    assert notices.came_in(db, 3, NOW) == (0, 3)


def test_what_was_done_said_and_held_by_walls_is_counted_within_the_times(db: Database) -> None:
    """From the begin on, and up to the end."""
    row = received(db, 1)
    filed(db, row, action_row(row, kind="draft", state="sent", findings=["link: evil.example"]),
          action_row(row, ordinal=1, kind="flag", state="waiting"))  # fmt: skip
    with db.write() as session:
        given: dict[str, Any] = {"action_id": 1, "digest": "d", "by": "ada", "place": "page", "given_at": NOW}
        session.add(Approval(verdict="approved", **given))
    begin, end = NOW - timedelta(days=400), NOW + timedelta(days=400)
    assert notices.done(db, "sent", begin, end) == {"draft": 1}
    assert notices.verdicts(db, begin, end) == {"approved": 1}
    assert notices.walls(db, begin, end) == 1
    assert (notices.done(db, "sent", begin, begin), notices.verdicts(db, end, end), notices.walls(db, end, end)) == (
        {}, {}, 0,
    )  # fmt: skip
