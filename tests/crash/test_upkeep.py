"""kill -9 of the real daemon at each step of a compaction and of a rotation, and the whole state after the restart."""

from collections import Counter

import pytest

from daemon.judgement.states import SessionState, UpkeepState
from knowledge import sessions, turns, upkeeps
from tests.bed import Bed, mail, prompts_in_transcript, settled_prompts
from tests.crash.test_kill import die_at, finish

COUNT = 4
LONG = "When do you open? " * 900
COMPACTED = "compact_at_tokens = 12000\nrotate_at_tokens = 20000\nhandover_tokens = 1000"
ROTATED = "most_messages = 3"

# The number is the call that is the last one; three mails are settled before it is time for the upkeep.
COMPACTION = [
    ("before it is opened", "knowledge.upkeeps:begin:before", 1),
    ("after it is opened", "knowledge.upkeeps:begin:after", 1),
    ("before the command is given", "daemon.agent.session:Session.command:before", 1),
    ("when the context is measured again", "daemon.agent.session:Session.context_tokens:after", 2),
    ("before the transcript is on the disk", "daemon.agent.transcript:sync:before", 4),
    ("after the transcript is on the disk", "daemon.agent.transcript:sync:after", 4),
    ("before the one transaction", "knowledge.upkeeps:compacted:before", 1),
    ("after the one transaction", "knowledge.upkeeps:compacted:after", 1),
]
ROTATION = [
    ("before it is opened", "knowledge.upkeeps:begin:before", 1),
    ("after it is opened", "knowledge.upkeeps:begin:after", 1),
    ("when notes are asked for", "daemon.steps.upkeep:take_notes:before", 1),
    ("when the notes come", "daemon.agent.tools:Desk.note_cases:before", 1),
    ("when the notes have been taken", "daemon.agent.tools:Desk.note_cases:after", 1),
    ("after the notes", "daemon.steps.upkeep:take_notes:after", 1),
    ("when the old engine is ended", "daemon.agent.session:Session.abandon:before", 1),
    ("after the old engine has ended", "daemon.agent.session:Session.abandon:after", 1),
    ("before the one transaction", "knowledge.upkeeps:rotated:before", 1),
    ("after the one transaction", "knowledge.upkeeps:rotated:after", 1),
]
RECOVERY = [
    ("before it is closed", "knowledge.upkeeps:failed:before", 1),
    ("after it is closed", "knowledge.upkeeps:failed:after", 1),
]


def fill(bed: Bed, session: str, body: str) -> None:
    """Fill the mailbox with mails of several people."""
    bed.sections["session"] = session
    bed.sections["retry"] = "first_pause_seconds = 0.001\nlongest_pause_seconds = 0.001"  # it is tried again at once
    for number in range(COUNT):
        bed.server.deliver(mail(f"Mail {number}", body, sender=f"p{number}@quill.example"))


def assert_whole(bed: Bed, kind: str) -> None:
    """See that each mail was decided and answered once, that one session is live, and that it holds its turns."""
    entries = bed.entries
    assert [entry.message.state for entry in entries] == ["done"] * COUNT
    assert all(entry.decision for entry in entries)
    drafts = Counter(raw.partition(b"Subject: ")[2].partition(b"\r\n")[0] for raw in bed.mails_in("Drafts"))
    assert drafts == Counter({f"Re: Mail {number}".encode(): 1 for number in range(COUNT)})
    chain = sessions.chain(bed.db)
    assert [row.state for row in chain].count(SessionState.LIVE) == 1
    assert prompts_in_transcript(bed) == settled_prompts(bed)
    assert turns.in_state(bed.db, "open") == []
    kept = [row for session in chain for row in upkeeps.of_session(bed.db, session.id)]
    assert [row.kind for row in kept if row.state == UpkeepState.DONE] == [kind]
    assert all(row.cost_usd is not None and row.ended_at for row in kept)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in COMPACTION], ids=[row[0] for row in COMPACTION])
def test_a_kill_at_any_step_of_a_compaction_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """It is done once, in the session that was live, wherever the daemon dies."""
    fill(bed, COMPACTED, LONG)
    die_at(bed, step, nth)
    finish(bed, COUNT)
    assert_whole(bed, "compact")
    assert len(sessions.chain(bed.db)) == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in ROTATION], ids=[row[0] for row in ROTATION])
def test_a_kill_at_any_step_of_a_rotation_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """There is one successor, with the handover in its first prompt, wherever the daemon dies."""
    fill(bed, ROTATED, "When do you open?")
    die_at(bed, step, nth)
    finish(bed, COUNT)
    assert_whole(bed, "rotate")
    assert len(sessions.chain(bed.db)) == 2
    last = bed.entries[-1].turn
    assert last
    assert last.prompt.startswith("This conversation goes on from an earlier one.")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in RECOVERY], ids=[row[0] for row in RECOVERY])
def test_a_kill_in_the_recovery_from_a_kill_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """A daemon killed in a rotation, and again while it closes what was left open, still ends whole."""
    fill(bed, ROTATED, "When do you open?")
    die_at(bed, "daemon.steps.upkeep:take_notes:before", 1)
    die_at(bed, step, nth)
    finish(bed, COUNT)
    assert_whole(bed, "rotate")


@pytest.mark.exhaustive
def test_a_kill_before_a_compaction_is_written_down_has_it_done_again(bed: Bed) -> None:
    """The quick one: the summary stood in the transcript already, and is cut off."""
    fill(bed, COMPACTED, LONG)
    die_at(bed, "knowledge.upkeeps:compacted:before", 1)
    finish(bed, COUNT)
    assert_whole(bed, "compact")
