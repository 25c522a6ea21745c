"""kill -9 of the real daemon at each step of a rollback, and the whole state after the restart."""

import signal

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
]
# With a running engine the transcript is cut twice: when the session is resumed for the fourth mail, and behind the
# rollback for the requeued one.
CUTS = [
    ("before the transcript is cut", "daemon.agent.transcript:cut:before", 2),
    ("after the transcript is cut", "daemon.agent.transcript:cut:after", 2),
]


def worked(bed: Bed, words: str) -> int:
    """Work three mails, leave an order to roll back, and give its number."""
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    return service.leave_order(bed.db, "roll back", words, OrderState.WAITING, bed.entries[0].message.received_at)


def die_in_a_rollback(bed: Bed, step: str, nth: int) -> int:
    """Work three mails, and a fourth with a daemon that is then told to roll back, and dies at the step."""
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    bed.server.deliver(mail("Mail 3", sender="p3@quill.example"))
    process = bed.start("-m", "tests.crash.victim", step, str(nth), str(bed.config))
    wait_for(lambda: bed.through(4), what="the fourth mail")
    at = bed.entries[0].message.received_at
    order = service.leave_order(bed.db, "roll back", "2 requeue", OrderState.WAITING, at)
    assert process.wait(60) == -signal.SIGKILL, bed.log_text
    return order


def finish(bed: Bed, order: int) -> None:
    """Run the daemon until the order is carried out and the mails are through again."""
    process = bed.start()

    def is_done() -> bool:
        row = service.order(bed.db, order)
        return row is not None and row.state == OrderState.DONE and bed.through(len(bed.entries))

    wait_for(is_done, what="the rollback, and the end of the work")
    assert end(process) == 0, bed.log_text


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
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
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in (*STEPS, *CUTS)], ids=[row[0] for row in (*STEPS, *CUTS)])
def test_a_kill_at_any_step_of_a_rollback_loses_and_repeats_nothing(bed: Bed, step: str, nth: int) -> None:
    """The engine is running: it is done once, the mails are worked again from there, and one session is live."""
    order = die_in_a_rollback(bed, step, nth)
    finish(bed, order)
    assert [entry.message.state for entry in bed.entries] == ["done", "held", "done", "done"]
    assert len(turns.in_state(bed.db, TurnState.ROLLED_BACK)) == 3
    assert [row.state for row in sessions.chain(bed.db)] == [SessionState.LIVE]
    assert subjects_in_last_request(bed) == ["Mail 0", "Mail 2", "Mail 3"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)
