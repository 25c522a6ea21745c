"""kill -9 of the real daemon where a promise comes up, and the whole state after the restart."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from knowledge import ledger, promises, turns
from knowledge.tables import Message, Promise
from tests.bed import Bed, mail
from tests.crash.test_kill import assert_transcript, die_at, finish

DUE = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
COUNT = 2

# The number is the call that is the last one; the mails themselves are worked before the promise comes up.
COMES_UP = [
    ("before the reminder is committed", "knowledge.promises:remind:before", 1),
    ("before the tie within the transaction", "knowledge.promises:fence:before", 1),
    ("before the commit, after the tie", "knowledge.promises:fence:after", 1),
    ("after the reminder is committed", "knowledge.promises:remind:after", 1),
    ("between the first reminder and the second", "knowledge.promises:remind:before", 2),
    ("after the second reminder is committed", "knowledge.promises:remind:after", 2),
]
IS_WORKED = [
    ("before the reminder is taken on", "knowledge.turns:step:before", 1),
    ("after the reminder's turn is committed", "knowledge.turns:open_turn:after", 1),
    ("when the model has decided", "daemon.agent.tools:Desk.decide:after", 1),
    ("before the one transaction that settles the promise", "knowledge.turns:settle:before", 1),
    ("after the one transaction that settles the promise", "knowledge.turns:settle:after", 1),
    ("before the reminder's draft is stored", "daemon.mail.outbox:Outbox.store_draft:before", 1),
    ("after the reminder's draft is stored", "daemon.mail.outbox:Outbox.store_draft:after", 1),
]


@pytest.fixture
def promised(bed: Bed) -> Bed:
    """Work two mails of two people, who both promise something, and let the day come."""
    for number in range(COUNT):
        bed.server.deliver(
            mail(f"Mail {number}", f"I will send list {number} by {DUE}.", f"P{number} <p{number}@quill.example>")
        )
    bed.work(COUNT)
    with bed.db.write() as session:
        session.connection().execute(update(Promise).values(comes_up_at=datetime.now(UTC) - timedelta(hours=1)))
    return bed


def assert_whole(bed: Bed) -> None:
    """See that each promise came up once, that its reminder was worked once, and that nothing was lost."""
    with bed.db.read() as session:
        made = list(session.exec(select(Promise).order_by(col(Promise.id))))
        own = list(session.exec(select(Message).where(col(Message.about_id).is_not(None)).order_by(col(Message.id))))
    assert ledger.counts(bed.db) == {"done": 2 * COUNT}
    assert sorted((row.message_id, row.reminder_id, row.state) for row in made) == sorted(
        (row.about_id, row.id, "dropped") for row in own
    )
    assert len(made) == len(own) == COUNT
    assert promises.numbers(bed.db, "open") == []
    assert all(entry.decision for entry in bed.entries)
    assert [len(entry.actions) for entry in bed.entries] == [1] * (2 * COUNT)
    assert {action.state for entry in bed.entries for action in entry.actions} == {"sent"}
    drafts = Counter(raw.partition(b"Subject: ")[2].partition(b"\r\n")[0] for raw in bed.mails_in("Drafts"))
    assert drafts == Counter({f"Re: Mail {number}".encode(): 2 for number in range(COUNT)})
    assert turns.in_state(bed.db, "open") == []
    assert len(turns.in_state(bed.db, "settled")) == 2 * COUNT
    assert_transcript(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in COMES_UP], ids=[row[0] for row in COMES_UP])
def test_a_promise_comes_up_once_wherever_the_daemon_dies(promised: Bed, step: str, nth: int) -> None:
    """Message and tie are written together or not at all, so it is neither forgotten nor brought up again."""
    die_at(promised, step, nth)
    reminders = [row for row in ledger.in_states(promised.db, ["received", "screened"]) if row.about_id]
    tied = [row.reminder_id for row in promises.in_state(promised.db, "open") if row.reminder_id]
    assert sorted(tied) == [row.id for row in reminders]
    assert len(tied) == nth - (0 if step.endswith("remind:after") else 1)
    finish(promised, 2 * COUNT)
    assert_whole(promised)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in IS_WORKED], ids=[row[0] for row in IS_WORKED])
def test_a_reminder_is_worked_once_wherever_the_daemon_dies(promised: Bed, step: str, nth: int) -> None:
    """One decision and one draft for each, and the promise is settled with the decision."""
    die_at(promised, step, nth)
    finish(promised, 2 * COUNT)
    assert_whole(promised)


@pytest.mark.exhaustive
def test_a_promise_that_comes_up_in_two_starts_that_are_killed_comes_up_once(promised: Bed) -> None:
    """Killed before the commit, and again after it."""
    die_at(promised, "knowledge.promises:fence:after", 1)
    die_at(promised, "knowledge.promises:remind:after", 1)
    finish(promised, 2 * COUNT)
    assert_whole(promised)
