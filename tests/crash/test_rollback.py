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


def worked(bed: Bed, words: str) -> int:
    """Work three mails, leave an order to roll back, and give its number."""
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    return service.leave_order(bed.db, "roll back", words, OrderState.WAITING, bed.entries[0].message.received_at)


def finish(bed: Bed, order: int) -> None:
    """Run the daemon until the order is carried out and the mails are through again."""
    process = bed.start()

    def is_done() -> bool:
        row = service.order(bed.db, order)
        return row is not None and row.state == OrderState.DONE and bed.through(3)

    wait_for(is_done, what="the rollback, and the end of the work")
    assert end(process) == 0, bed.log_text


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS[:4]], ids=[row[0] for row in STEPS[:4]])
def test_a_kill_at_any_step_of_a_rollback_behind_a_rotation_loses_and_repeats_nothing(
    bed: Bed, step: str, nth: int
) -> None:
    """The earlier session is the live one again, or not yet: there are never two, and never none."""
    bed.sections["session"] = "most_messages = 2"
    order = worked(bed, "2")
    die_at(bed, step, nth)
    assert [row.state for row in sessions.chain(bed.db)].count(SessionState.LIVE) == 1
    finish(bed, order)
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    assert live.id == sessions.chain(bed.db)[-1].id
    assert [entry.message.state for entry in bed.entries] == ["done", "held", "held"]
    assert settled_prompts(bed) == [turns.in_state(bed.db, TurnState.SETTLED)[0].prompt_uuid]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_kill_at_any_step_of_a_rollback_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """It is done once: the mails are worked again from there, and one session is live."""
    order = worked(bed, "2 requeue")
    die_at(bed, step, nth)
    finish(bed, order)
    assert [entry.message.state for entry in bed.entries] == ["done", "held", "done"]
    assert len(turns.in_state(bed.db, TurnState.ROLLED_BACK)) == 2
    assert [row.state for row in sessions.chain(bed.db)] == [SessionState.LIVE]
    assert subjects_in_last_request(bed) == ["Mail 0", "Mail 2"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)
