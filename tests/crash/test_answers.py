"""kill -9 of the real daemon where a person is asked, and where her answer is taken in; the whole state behind it."""

import pytest
from sqlmodel import col, select

from knowledge import ledger, turns
from knowledge.tables import Action, Handoff, Message
from tests.bed import Bed
from tests.crash.test_kill import assert_transcript, die_at, finish
from tests.integration.test_answers import OWED, answer, asked, bring_forward, engage, handed

# The number is the call that is the last one; a mail or a reminder is the only one that is new to the daemon.
IS_ASKED = [
    ("before the one transaction of the turn", "knowledge.turns:settle:before", 1),
    ("in the one transaction of the turn", "knowledge.handoffs:add:after", 1),
    ("after the one transaction of the turn", "knowledge.turns:settle:after", 1),
    ("before our letter is stored", "daemon.mail.outbox:Outbox.store_draft:before", 1),
    ("after our letter is stored", "daemon.mail.outbox:Outbox.store_draft:after", 1),
]
IS_TAKEN_IN = [
    ("when her answer is judged", "daemon.steps.screen:judge:after", 1),
    ("before the one transaction that takes it in", "knowledge.screenings:write:before", 1),
    ("in it, before the report is on the ledger", "knowledge.handoffs:_told:before", 1),
    ("in it, when the handoff has ended", "knowledge.handoffs:end:after", 1),
    ("in it, when her mail is in its case", "knowledge.cases:place:after", 1),
    ("after the one transaction that takes it in", "knowledge.screenings:write:after", 1),
    ("before the report's turn is committed", "knowledge.turns:open_turn:before", 1),
    ("after the report's turn is committed", "knowledge.turns:open_turn:after", 1),
    ("before the one transaction of the report's turn", "knowledge.turns:settle:before", 1),
    ("after the one transaction of the report's turn", "knowledge.turns:settle:after", 1),
    ("before the draft to the customer is stored", "daemon.mail.outbox:Outbox.store_draft:before", 1),
]
COMES_UP = [
    ("before the reminder is committed", "knowledge.handoffs:remind:before", 1),
    ("before the tie within the transaction", "knowledge.handoffs:_told:before", 1),
    ("before the commit, after the tie", "knowledge.handoffs:_told:after", 1),
    ("after the reminder is committed", "knowledge.handoffs:remind:after", 1),
]


def assert_asked_once(bed: Bed) -> Handoff:
    """See that there is one handoff with one letter, which lies among the drafts once."""
    row, letter = asked(bed)
    with bed.db.read() as session:
        letters = session.exec(select(Action.id).where(col(Action.kind) == "letter")).all()
    assert letters == [row.letter_id]
    assert letter.state == "sent"
    assert sum(letter.own_message_id.encode() in raw for raw in bed.mails_in("Drafts")) == 1
    return row


def own_messages(bed: Bed, folder: str) -> list[tuple[int | None, int | None, int | None]]:
    """List clerkd's own messages of a kind: number, what it is about, case."""
    with bed.db.read() as session:
        rows = session.exec(select(Message).where(Message.folder == folder).order_by(col(Message.id))).all()
    return [(row.id, row.about_id, row.case_id) for row in rows]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in IS_ASKED], ids=[row[0] for row in IS_ASKED])
def test_a_person_is_asked_once_wherever_the_daemon_dies(bed: Bed, step: str, nth: int) -> None:
    """Handoff and letter are written with the turn or not at all."""
    engage(bed)
    bed.server.deliver(OWED)
    die_at(bed, step, nth)
    finish(bed, 1)
    assert assert_asked_once(bed).state == "open"
    assert_transcript(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in IS_TAKEN_IN], ids=[row[0] for row in IS_TAKEN_IN])
def test_an_answer_is_taken_in_once_wherever_the_daemon_dies(bed: Bed, step: str, nth: int) -> None:
    """Her mail is filed, the handoff closed, and the report put on the ledger: all of it, or nothing."""
    _row, letter = handed(bed)
    bed.server.deliver(answer(letter.own_message_id))
    die_at(bed, step, nth)
    ended = asked(bed)[0].state == "reported"
    assert (len(own_messages(bed, "(handoffs)")) == 1) == ended
    assert (bed.state_of(2) != "received") == ended
    finish(bed, 3)
    row = assert_asked_once(bed)
    assert (row.state, row.report) == ("reported", "Yes, paid on 2026-11-20.")
    assert own_messages(bed, "(handoffs)") == [(row.report_id, 1, 1)]
    assert ledger.counts(bed.db) == {"done": 3}
    assert [len(entry.actions) for entry in bed.entries] == [1, 0, 1]
    assert bed.entries[2].actions[0].recipients == ["ada@quill.example"]
    assert len(bed.mails_in("Drafts")) == 2
    assert len(turns.in_state(bed.db, "settled")) == 2
    assert_transcript(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in COMES_UP], ids=[row[0] for row in COMES_UP])
def test_an_unanswered_handoff_comes_up_once_wherever_the_daemon_dies(bed: Bed, step: str, nth: int) -> None:
    """Message and tie are written together or not at all."""
    handed(bed)
    bring_forward(bed)
    die_at(bed, step, nth)
    finish(bed, 2)
    row = assert_asked_once(bed)
    assert row.state == "open"
    assert own_messages(bed, "(waiting)") == [(row.reminder_id, 1, 1)]
    assert ledger.counts(bed.db) == {"done": 2}
    assert_transcript(bed)
