"""kill -9 of the real daemon around each write to a required session store: store and ledger agree afterwards."""

import signal
from pathlib import Path

import pytest

from daemon import app
from daemon.judgement.states import SessionState, TurnState
from knowledge import sessions, turns
from tests.bed import Bed, end, mail, prompts_in_transcript, settled_prompts, stored, subjects_in_last_request, wait_for
from tests.crash.test_kill import die_at

STEPS = [
    ("before the session is held", "daemon.agent.store.sql:_hold:before", 1),
    ("after the session is held", "daemon.agent.store.sql:_hold:after", 1),
    ("before the second turn is copied", "daemon.agent.store.sql:SqlStore.add:before", 2),
    ("in the transaction that copies it", "daemon.agent.store.sql:_add:after", 2),
    ("after it is copied, before it settles", "daemon.agent.store.sql:SqlStore.add:after", 2),
    ("after it has settled, before that is noted", "knowledge.sessions:mirrored:before", 1),
    ("after that is noted", "knowledge.sessions:mirrored:after", 1),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_kill_around_the_copy_of_a_turn_leaves_no_hole_and_nothing_too_much(
    bed: Bed, tmp_path: Path, step: str, nth: int
) -> None:
    """Every mail is worked once, and the store has what is settled, to the byte."""
    bed.sections["session"] = f'[session.store]\nurl = "sqlite:///{tmp_path}/transcripts.db"\nrequired = true'
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    die_at(bed, step, nth)
    process = bed.start()
    wait_for(lambda: bed.through(3) and sessions.unmirrored(bed.db) == [], what="the end of the work")
    assert end(process, signal.SIGTERM) == 0, bed.log_text
    assert [entry.message.state for entry in bed.entries] == ["done"] * 3
    assert len(turns.in_state(bed.db, TurnState.SETTLED)) == 3
    assert len(bed.mails_in("Drafts")) == 3
    assert prompts_in_transcript(bed) == settled_prompts(bed)
    assert subjects_in_last_request(bed)[-1] == "Mail 2"
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    transcript = app.engine_of(bed.settings).transcript(live.id).read_bytes()[: live.head_offset]
    assert stored(bed, live.id) == transcript
