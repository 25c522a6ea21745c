"""kill -9 of the real daemon at each step of a rollback, and the whole state after the restart."""

import pytest

from daemon.judgement.states import OrderState, SessionState, TurnState
from knowledge import service, sessions, turns
from tests.bed import Bed, end, mail, prompts_in_transcript, settled_prompts, subjects_in_last_request, wait_for
from tests.crash.test_kill import die_at

STEPS = [
    ("before the engine is ended", "daemon.agent.session:Session.abandon:before", 1),
    ("after the engine has ended", "daemon.agent.session:Session.abandon:after", 1),
    ("before the one transaction", "knowledge.rollbacks:apply:before", 1),
    ("after the one transaction", "knowledge.rollbacks:apply:after", 1),
    ("before the transcript is cut", "daemon.agent.transcript:cut:before", 1),
    ("after the transcript is cut", "daemon.agent.transcript:cut:after", 1),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_kill_at_any_step_of_a_rollback_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """It is done once: the mails are worked again from there, and one session is live."""
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    at = bed.entries[0].message.received_at
    order = service.leave_order(bed.db, "roll back", "2 requeue", OrderState.WAITING, at)
    die_at(bed, step, nth)
    process = bed.start()

    def is_done() -> bool:
        """Say whether the order is carried out, and the mails are through again."""
        row = service.order(bed.db, order)
        return row is not None and row.state == OrderState.DONE and bed.through(3)

    wait_for(is_done, what="the rollback, and the end of the work")
    assert end(process) == 0, bed.log_text
    assert [entry.message.state for entry in bed.entries] == ["done"] * 3
    assert all(entry.decision for entry in bed.entries)
    assert len(turns.in_state(bed.db, TurnState.ROLLED_BACK)) == 2
    assert [row.state for row in sessions.chain(bed.db)] == [SessionState.LIVE]
    assert subjects_in_last_request(bed) == ["Mail 0", "Mail 1", "Mail 2"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)
