"""kill -9 of the real daemon at each step of a handoff that outlasts its turn, and the whole state behind it."""

import signal

import pytest
from sqlmodel import select

from daemon.agent import forks
from daemon.app import engine_of
from knowledge import ledger, turns
from knowledge.tables import Handoff, Message
from tests.bed import Bed, end, mail, wait_for
from tests.crash.test_kill import assert_transcript, die_at, finish
from tests.integration.test_outlasting import PLEASE, at_work, engage, only, staged

# The number is the call that is the last one; a fork's engine is the second that is opened.
BEFORE_IT_BEGINS = [
    ("when it has been staged", "daemon.agent.tools:Desk.hand_over:after", 1),
    ("before the one transaction of the turn", "knowledge.turns:settle:before", 1),
    ("in the one transaction of the turn", "knowledge.handoffs:add:after", 1),
    ("after the one transaction of the turn", "knowledge.turns:settle:after", 1),
    ("before its dollars are reserved", "knowledge.errands:begin:before", 1),
]
AT_WORK = [
    ("after its dollars are reserved", "knowledge.errands:begin:after", 1),
    ("before the fork is made", "daemon.agent.transcript:fork:before", 1),
    ("after the fork is made", "daemon.agent.transcript:fork:after", 1),
    ("after the fork's engine is connected", "daemon.agent.session:Session.open:after", 2),
    ("when it looks at the case", "daemon.agent.tools:Desk.look_at_case:after", 1),
    ("when its report has come", "daemon.agent.errand:run:after", 1),
    ("before the one transaction that closes it", "knowledge.errands:close:before", 1),
    ("in the one transaction that closes it", "knowledge.errands:_is_done:after", 1),
]
REPORTED = [
    ("after the one transaction that closes it", "knowledge.errands:close:after", 1),
    ("before the fork is deleted", "daemon.agent.forks:shutil.rmtree:before", 1),
    ("after the fork is deleted", "daemon.agent.forks:shutil.rmtree:after", 1),
    ("before the report is taken on", "knowledge.turns:step:before", 2),
    ("after the report's turn is committed", "knowledge.turns:open_turn:after", 2),
    ("before the one transaction of the report's turn", "knowledge.turns:settle:before", 2),
    ("after the one transaction of the report's turn", "knowledge.turns:settle:after", 2),
]


@pytest.fixture
def engaged(bed: Bed) -> Bed:
    """Engage a specialist, and fill the mailbox with a mail that is handed to it."""
    bed.prepare()
    engage(bed, "dollars = 0.2")
    bed.model.rules = staged({})
    bed.server.deliver(mail("Contract", PLEASE))
    return bed


def assert_whole(bed: Bed) -> Handoff:
    """See that the report came in once, was decided on once, and that no fork is left; give the handoff."""
    row = only(bed)
    with bed.db.read() as session:
        brought = session.exec(select(Message).where(Message.folder == "(handoffs)")).all()
    assert [(each.id, each.about_id) for each in brought] == [(row.report_id, 1)]
    assert ledger.counts(bed.db) == {"done": 2}
    assert [len(entry.actions) for entry in bed.entries] == [1, 1]
    assert len(bed.mails_in("Drafts")) == 2
    assert turns.in_state(bed.db, "open") == []
    assert len(turns.in_state(bed.db, "settled")) == 2
    assert row.reserved_usd == 0
    assert list(forks.places(engine_of(bed.settings).home).iterdir()) == []
    assert_transcript(bed)
    return row


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("step", "nth"), [row[1:] for row in BEFORE_IT_BEGINS], ids=[row[0] for row in BEFORE_IT_BEGINS]
)
def test_a_handoff_is_written_once_wherever_the_daemon_dies(engaged: Bed, step: str, nth: int) -> None:
    """With its turn or not at all; what was not begun costs nothing more."""
    die_at(engaged, step, nth)
    finish(engaged, 2)
    row = assert_whole(engaged)
    assert (row.state, row.tries) == ("reported", 1)
    assert row.cost_usd < 0.2


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in AT_WORK], ids=[row[0] for row in AT_WORK])
def test_a_specialist_at_work_is_sent_once_more_wherever_the_daemon_dies(engaged: Bed, step: str, nth: int) -> None:
    """What was reserved for the first try is charged; one report comes in, from the second."""
    die_at(engaged, step, nth)
    assert only(engaged).state == "working"
    finish(engaged, 2)
    row = assert_whole(engaged)
    assert (row.state, row.tries) == ("reported", 2)
    assert row.cost_usd > 0.2


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in REPORTED], ids=[row[0] for row in REPORTED])
def test_a_report_comes_in_once_wherever_the_daemon_dies(engaged: Bed, step: str, nth: int) -> None:
    """Once it is on the ledger, nobody is sent again."""
    die_at(engaged, step, nth)
    finish(engaged, 2)
    row = assert_whole(engaged)
    assert (row.state, row.tries) == ("reported", 1)
    assert row.cost_usd < 0.2


@pytest.mark.exhaustive
def test_a_specialist_that_meets_a_crash_twice_is_given_up(engaged: Bed) -> None:
    """Its report says so, with both tries charged; the employee decides without it."""
    for _ in range(2):
        die_at(engaged, "knowledge.errands:close:before", 1)
    finish(engaged, 2)
    row = assert_whole(engaged)
    assert (row.state, row.tries, row.cost_usd) == ("failed", 2, 0.4)
    assert row.report == "No report of contracts: the service ended during it. Decide without it, or escalate."


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_recovery_that_is_killed_itself_charges_once(engaged: Bed, moment: str) -> None:
    """Put back with its charge, or not at all."""
    die_at(engaged, "knowledge.errands:close:before", 1)
    die_at(engaged, f"knowledge.errands:put_back:{moment}", 1)
    finish(engaged, 2)
    row = assert_whole(engaged)
    assert (row.state, row.tries) == ("reported", 2)
    assert 0.2 < row.cost_usd < 0.4


@pytest.mark.exhaustive
def test_a_kill_while_a_specialist_works_beside_the_turns_loses_and_repeats_nothing(engaged: Bed) -> None:
    """The quick one: killed while its model's answer is out; the fork is cleared away, and the report comes in once."""
    engaged.faults.always, engaged.faults.poison = "silence", "BILLING-BY-TRADE"
    process = engaged.start()
    wait_for(lambda: at_work(engaged, engaged.db), what="the specialist's request")
    end(process, signal.SIGKILL)
    assert only(engaged).state == "working"
    engaged.faults.always = None
    finish(engaged, 2)
    assert assert_whole(engaged).tries == 2
