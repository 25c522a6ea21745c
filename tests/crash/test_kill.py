"""kill -9 of the real daemon at each numbered step of the turn protocol, and the whole state after the restart."""

import random
import signal
import time
from collections import Counter

import pytest

from daemon import app
from daemon.agent.session import Session
from daemon.judgement.states import SessionState, TurnState
from knowledge import sessions, turns
from tests.bed import (
    Bed,
    end,
    mail,
    prompts_in_transcript,
    settled_prompts,
    subjects_in_last_request,
    wait_for,
)
from tests.knowledge_server import KnowledgeServer

# What the daemon calls at each numbered step of the protocol; the number is the call that is the last one.
STEPS = [
    ("1 before the mail is committed", "knowledge.ledger:receive:before", 2),
    ("1 after the mail is committed", "knowledge.ledger:receive:after", 2),
    ("2 before the turn is committed", "knowledge.turns:open_turn:before", 2),
    ("2 after the turn is committed, before the prompt", "knowledge.turns:open_turn:after", 2),
    ("3 when the model calls decide", "daemon.agent.tools:Desk.decide:before", 2),
    ("3 when decide has been staged", "daemon.agent.tools:Desk.decide:after", 2),
    ("4 when the result has come", "daemon.agent.transcript:find:before", 2),
    ("4 before the transcript is on the disk", "daemon.agent.transcript:sync:before", 2),
    ("4 after the transcript is on the disk", "daemon.agent.transcript:sync:after", 2),
    ("4 before the one transaction", "knowledge.turns:settle:before", 2),
    ("4 after the one transaction", "knowledge.turns:settle:after", 2),
    ("5 before SENDING is committed", "knowledge.actions:change:before", 3),
    ("5 after SENDING is committed", "knowledge.actions:change:after", 3),
    ("5 before the draft is stored", "daemon.mail.outbox:Outbox.store_draft:before", 2),
    ("5 after the draft is stored", "daemon.mail.outbox:Outbox.store_draft:after", 2),
    ("5 before SENT is committed", "knowledge.actions:change:before", 4),
    ("5 after SENT is committed", "knowledge.actions:change:after", 4),
    ("6 in the first start, before the session's row", "knowledge.sessions:begin:before", 1),
    ("6 in the first start, after the session's row", "knowledge.sessions:begin:after", 1),
    ("7 after the engine is connected", "daemon.agent.session:Session.open:after", 1),
    ("8 when a message settles", "knowledge.turns:step:before", 2),
]
AFTER_A_CRASH = [
    ("6 before the transcript is cut", "daemon.agent.transcript:cut:before", 1),
    ("6 after the transcript is cut", "daemon.agent.transcript:cut:after", 1),
    ("6 before the open turn is dropped", "knowledge.turns:drop:before", 1),
    ("6 after the open turn is dropped", "knowledge.turns:drop:after", 1),
    ("6 before the session is taken over", "knowledge.sessions:take_over:before", 1),
]
COUNT = 4


@pytest.fixture
def mailbox_of_four(bed: Bed) -> Bed:
    """Fill the mailbox with four mails of four people."""
    for number in range(COUNT):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    return bed


def die_at(bed: Bed, step: str, nth: int) -> None:
    """Run the daemon until it kills itself at the step."""
    process = bed.start("-m", "tests.crash.victim", step, str(nth), str(bed.config))
    assert process.wait(60) == -signal.SIGKILL, bed.log_text


def finish(bed: Bed, count: int = COUNT) -> None:
    """Run the daemon until all is through, and stop it in good order."""
    process = bed.start()
    try:
        wait_for(lambda: process.poll() is None and bed.through(count), what="the end of the work")
    finally:
        assert end(process) == 0, bed.log_text


def assert_whole(bed: Bed, count: int = COUNT) -> None:
    """Compare the whole state with that of a run without a crash."""
    entries = bed.entries
    assert [entry.message.state for entry in entries] == ["done"] * count
    assert all(entry.decision for entry in entries)
    drafts = Counter(raw.partition(b"Subject: ")[2].partition(b"\r\n")[0] for raw in bed.mails_in("Drafts"))
    assert drafts == Counter({f"Re: Mail {number}".encode(): 1 for number in range(count)})
    assert_transcript(bed)
    assert subjects_in_last_request(bed)[-count:] == [f"Mail {number}" for number in range(count)][-count:]


def assert_transcript(bed: Bed) -> None:
    """See that the turns in the live transcript are the settled turns, and that no engine lives on."""
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    assert prompts_in_transcript(bed) == settled_prompts(bed)
    assert len(settled_prompts(bed)) == len(turns.in_state(bed.db, TurnState.SETTLED))
    settings = bed.settings
    session = Session(app.engine_of(settings), app.desk_of(settings))
    assert not session._is_held(live.id)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_nothing_is_lost_or_repeated_after_a_kill(mailbox_of_four: Bed, step: str, nth: int) -> None:
    """One decision and one draft a message, and a transcript of settled turns alone, wherever the daemon dies."""
    die_at(mailbox_of_four, step, nth)
    finish(mailbox_of_four)
    assert_whole(mailbox_of_four)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_nothing_is_lost_or_repeated_with_the_knowledge_on_a_server(
    mailbox_of_four: Bed, knowledge_server: KnowledgeServer, step: str, nth: int
) -> None:
    """PostgreSQL keeps what was committed, and nothing else, as a file does."""
    mailbox_of_four.know_on(knowledge_server.copy())
    die_at(mailbox_of_four, step, nth)
    finish(mailbox_of_four)
    assert_whole(mailbox_of_four)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in AFTER_A_CRASH], ids=[row[0] for row in AFTER_A_CRASH])
def test_nothing_is_lost_when_the_recovery_itself_is_killed(mailbox_of_four: Bed, step: str, nth: int) -> None:
    """A daemon killed in a turn, and killed again while it recovers from that, still ends whole."""
    die_at(mailbox_of_four, "daemon.agent.tools:Desk.decide:before", 2)
    die_at(mailbox_of_four, step, nth)
    finish(mailbox_of_four)
    assert_whole(mailbox_of_four)


@pytest.mark.exhaustive
def test_a_kill_in_the_middle_of_a_turn_loses_and_repeats_nothing(mailbox_of_four: Bed) -> None:
    """The quick one of the crash tests: killed while the model decides, restarted, and whole."""
    die_at(mailbox_of_four, "daemon.agent.tools:Desk.decide:before", 2)
    finish(mailbox_of_four)
    assert_whole(mailbox_of_four)


@pytest.mark.exhaustive
def test_the_engine_dies_with_its_daemon(bed: Bed) -> None:
    """Within two seconds of the daemon's kill nobody holds the session's lock: no orphan goes on writing."""
    bed.faults.always = "silence"
    bed.server.deliver(mail("Mail 0"))
    process = bed.start()
    wait_for(lambda: bed.faults.calls > 0, what="the call of the model")
    assert end(process, signal.SIGKILL) == -signal.SIGKILL
    settings = bed.settings
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    session = Session(app.engine_of(settings), app.desk_of(settings))
    wait_for(lambda: not session._is_held(live.id), 2, "the end of the orphan")


@pytest.mark.exhaustive
def test_three_kills_in_the_turns_of_one_message_hold_it_and_the_next_goes_on(bed: Bed) -> None:
    """A message that is met by a crash three times is held for a person instead of being tried for ever."""
    bed.server.deliver(mail("Mail 0"))
    for _ in range(3):
        die_at(bed, "daemon.agent.tools:Desk.decide:before", 1)
    bed.server.deliver(mail("Mail 1", sender="p1@quill.example"))
    finish(bed, 2)
    assert [entry.message.state for entry in bed.entries] == ["held", "done"]
    assert_transcript(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [1, 2])
def test_settled_turns_survive_kills_at_random_times(bed: Bed, seed: int) -> None:
    """Fifteen kills at times that nobody chose: every message ends done once, or held after three attempts."""
    chance = random.Random(seed)
    count = 30
    for number in range(count):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    for _ in range(15):
        process = bed.start()
        time.sleep(chance.uniform(0.8, 3.0))
        end(process, signal.SIGKILL)
    finish(bed, count)
    entries = bed.entries
    assert len(entries) == count
    for entry in entries:
        held = entry.message.state == "held" and "3 attempts" in entry.message.reason
        assert held or (entry.message.state == "done" and entry.decision)
    drafts = Counter(raw.partition(b"Subject: ")[2].partition(b"\r\n")[0] for raw in bed.mails_in("Drafts"))
    decided = {f"Re: {entry.message.subject}".encode(): 1 for entry in entries if entry.decision}
    assert drafts == Counter(decided)
    assert_transcript(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", [429, 500, 529, "cut", "silence"])
def test_a_kill_on_top_of_a_failing_api_loses_and_repeats_nothing(mailbox_of_four: Bed, fault: int | str) -> None:
    """The API fails in the second mail's turn, the daemon is killed on top of it, and the end is whole all the same."""
    bed = mailbox_of_four
    bed.faults.coming = ["ok", "ok", fault]
    process = bed.start()
    wait_for(lambda: bed.faults.calls > 2, what="the failing call")
    time.sleep(0.2)
    end(process, signal.SIGKILL)
    finish(bed)
    assert_whole(bed)
