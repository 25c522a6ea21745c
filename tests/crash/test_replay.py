"""kill -9 of a replay at each of its steps: the live session, the ledger and the mailbox know nothing of it."""

import signal
from pathlib import Path

import pytest

from daemon import app
from daemon.judgement.states import SessionState, TurnState
from knowledge import replays, sessions, turns
from tests.bed import Bed, mail, prompts_in_transcript, settled_prompts, subjects_in_last_request, wait_for

STEPS = [
    ("before the replay is committed", "knowledge.replays:begin:before", 1),
    ("after the replay is committed", "knowledge.replays:begin:after", 1),
    ("before the fork's turn is committed", "knowledge.replays:open_turn:before", 1),
    ("after the fork's turn is committed", "knowledge.replays:open_turn:after", 1),
    ("before the transcript is copied", "daemon.agent.transcript:fork:before", 1),
    ("in the middle of the copy", "daemon.agent.transcript:_without_snapshot:before", 9),
    ("after the transcript is copied", "daemon.agent.transcript:fork:after", 1),
    ("before the fork's engine is started", "daemon.agent.session:Session.open:before", 1),
    ("after the fork's engine has started", "daemon.agent.session:Session.open:after", 1),
    ("before the mail is put to the fork", "daemon.steps.replay:ask:before", 1),
    ("while the model is asked", "daemon.agent.turn:_Heard.note:before", 2),
    ("after the fork's answer", "daemon.steps.replay:ask:after", 1),
    ("before the fork's turn is closed", "knowledge.replays:close_turn:before", 1),
    ("after the fork's turn is closed", "knowledge.replays:close_turn:after", 1),
    ("in the second fork", "knowledge.replays:close_turn:before", 2),
    ("before the forks are cleared away", "daemon.agent.forks:shutil.rmtree:before", 1),
    ("before the replay is ended", "knowledge.replays:end:before", 1),
]


def die_in_a_replay(bed: Bed, step: str, nth: int, variant: Path) -> None:
    """Replay two mails in a process that dies at the step."""
    words = ["replay", "--ids", "2-3", "--with", str(variant), "--config", str(bed.config), "--parallel", "1",
             "--output", str(bed.root / "out.md")]  # fmt: skip
    process = bed.start("-m", "tests.crash.victim", step, str(nth), *words)
    assert process.wait(60) == -signal.SIGKILL, bed.log_text


def engines_of(bed: Bed) -> list[int]:
    """Give the processes that run below the bed's own directory of engines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"CLAUDE_CONFIG_DIR={bed.state.agent.resolve()}".encode() in environment:
            found.append(int(process.name))
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_a_kill_at_any_step_of_a_replay_leaves_the_session_as_it_was(bed: Bed, step: str, nth: int) -> None:
    """No engine lives on, the forks are cleared away at the next start, what was reserved stays charged."""
    for number in range(3):
        bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
    bed.work(3)
    live = sessions.live(bed.db, SessionState.LIVE)
    assert live
    transcript = app.engine_of(bed.settings).transcript(live.id)
    before = transcript.read_bytes()
    spent = turns.spent_since(bed.db, live.created_at)
    (bed.root / "same.toml").write_text("", encoding="utf-8")
    die_in_a_replay(bed, step, nth, bed.root / "same.toml")
    wait_for(lambda: not engines_of(bed), what="the end of the fork's engine")
    assert transcript.read_bytes() == before
    unfinished = [row for row in replays.newest(bed.db) if row.ended_at is None]
    left = [row for replay in unfinished for row, _message in replays.results(bed.db, replay.id or 0)]
    assert turns.spent_since(bed.db, live.created_at) == pytest.approx(
        spent + sum(row.reserved_usd if row.cost_usd is None else row.cost_usd for row in left)
    )
    bed.server.deliver(mail("Mail 3", sender="p3@quill.example"))
    bed.work(4)
    assert [entry.message.state for entry in bed.entries] == ["done"] * 4
    assert [row.id for row in sessions.chain(bed.db)] == [live.id]
    assert subjects_in_last_request(bed) == ["Mail 0", "Mail 1", "Mail 2", "Mail 3"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)
    assert all(row.ended_at for row in replays.newest(bed.db))
    assert not list((bed.state.agent / "forks").glob("*"))
    assert len(bed.mails_in("Drafts")) == 4
    rows = [row for replay in replays.newest(bed.db) for row, _message in replays.results(bed.db, replay.id or 0)]
    assert not [row for row in rows if row.state == TurnState.OPEN or row.cost_usd is None]
