"""``clerkd run`` as a process: mail in, draft out, stop, restart, the same session."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from daemon.judgement.states import SessionState, TurnState
from knowledge import sessions, turns
from tests.bed import Bed, end, mail, prompts_in_transcript, settled_prompts, wait_for


@pytest.mark.exhaustive
def test_mail_in_draft_out_stop_restart_and_the_same_session(bed: Bed) -> None:
    """The whole promise once: a mail is answered with a draft, and after a restart the session goes on."""
    bed.server.deliver(mail("First"))
    process = bed.start()
    wait_for(lambda: process.poll() is None and bed.through(1), what="the first draft")
    assert len(bed.mails_in("Drafts")) == 1
    assert end(process) == 0
    first = sessions.live(bed.db, SessionState.LIVE)

    process = bed.start()
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    wait_for(lambda: process.poll() is None and bed.through(2), what="the second draft")
    assert end(process) == 0
    second = sessions.live(bed.db, SessionState.LIVE)
    assert first
    assert second
    assert first.id == second.id
    assert {entry.turn.session_id for entry in bed.entries if entry.turn} == {first.id}
    assert len(bed.mails_in("Drafts")) == 2


@pytest.mark.exhaustive
def test_a_stop_lets_the_turn_at_hand_finish(bed: Bed) -> None:
    """SIGTERM while the model thinks: the answer still comes within the grace, and is settled."""
    bed.faults.coming = ["slow", "slow"]
    bed.server.deliver(mail("Slow"))
    process = bed.start()
    wait_for(lambda: bed.faults.calls > 0, what="the call of the model")
    assert end(process) == 0
    assert [turn.state for turn in turns.in_state(bed.db, TurnState.SETTLED)] == [TurnState.SETTLED]


@pytest.mark.exhaustive
def test_a_stop_drops_a_turn_that_does_not_finish_in_bounded_time(bed: Bed) -> None:
    """A turn that outlasts the grace is dropped, counts for nothing, and is worked after the next start."""
    bed.sections["service"] = "stop_seconds = 1"
    bed.faults.coming = ["silence"]
    bed.server.deliver(mail("Endless"))
    process = bed.start()
    wait_for(lambda: bed.faults.calls > 0, what="the call of the model")
    started = time.monotonic()
    assert end(process) == 0, bed.log_text
    assert time.monotonic() - started < 10
    process = bed.start()
    wait_for(lambda: process.poll() is None and bed.through(1), what="the mail's end")
    assert end(process) == 0
    assert bed.entries[0].message.attempts == 1
    assert prompts_in_transcript(bed) == settled_prompts(bed)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("answers", "bound"), [(0, 30), (1, 8)], ids=["no greeting", "no answer to LOGIN"])
def test_a_mailbox_that_never_answers_does_not_keep_the_service_from_stopping(
    bed: Bed, answers: int, bound: float
) -> None:
    """A server that falls silent is broken off after the grace; before its greeting, after twenty seconds at most."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        bed.server.imap_port = mute.getsockname()[1]
        bed.sections["service"] = "stop_seconds = 1"
        bed.sections["mailbox"] = "timeout_seconds = 60"
        process = bed.start()
        connection, _ = mute.accept()
        with connection:
            if answers:
                connection.sendall(b"* OK hi\r\n")
                tag = connection.recv(100).split()[0]
                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
            wait_for(lambda: "started" in bed.log_text, what="the start")
            time.sleep(0.5)
            started = time.monotonic()
            assert end(process, seconds=60) == 0, bed.log_text
            assert time.monotonic() - started < bound


@pytest.mark.exhaustive
def test_a_second_daemon_on_the_same_state_refuses_and_names_the_holder(bed: Bed) -> None:
    """Two daemons would tear one transcript apart: the second one says who is there, and ends with 2."""
    process = bed.start()
    try:
        wait_for(lambda: bed.state.lock.exists() and "started" in bed.log_text, what="the start")
        second = bed.clerkd("run", "--config", str(bed.config))
        assert second.returncode == 75  # systemd tries again: a command may hold it for a while
        assert f"process {process.pid}" in second.stderr
    finally:
        end(process)


@pytest.mark.exhaustive
def test_it_tells_systemd_ready_status_watchdog_and_stopping(bed: Bed) -> None:
    """With $NOTIFY_SOCKET set, all four messages arrive, READY first and STOPPING last."""
    path = bed.root / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(30)
        process = bed.start(environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "900000000"})
        heard = [listener.recv(4096).decode() for _ in range(3)]
        end(process)
        listener.settimeout(1)
        heard += _rest(listener)
    assert heard[0] == "READY=1"
    assert "WATCHDOG=1" in heard
    assert any(line.startswith("STATUS=0 done") for line in heard)
    assert heard[-1] == "STOPPING=1"


def _rest(listener: socket.socket) -> list[str]:
    heard = []
    while True:
        try:
            heard.append(listener.recv(4096).decode())
        except TimeoutError:
            return heard


@pytest.mark.exhaustive
def test_a_watchdog_shorter_than_the_longest_turn_is_refused(bed: Bed) -> None:
    """A unit whose WatchdogSec= would kill a turn that is still allowed is a contradiction, said at start."""
    process = bed.start(environment={"WATCHDOG_USEC": "60000000"})
    assert process.wait(30) == 2
    assert "WatchdogSec=" in bed.log_text


@pytest.mark.exhaustive
def test_the_events_are_json_under_systemd(bed: Bed) -> None:
    """With $JOURNAL_STREAM set, every line of the log is one JSON object with event, level and time."""
    bed.server.deliver(mail("Opening hours"))
    process = bed.start(environment={"JOURNAL_STREAM": "8:1"})
    wait_for(lambda: process.poll() is None and bed.through(1), what="the draft")
    end(process)
    events = [json.loads(line) for line in bed.log_text.splitlines()]
    assert {"started", "message_received", "turn_settled", "action_sent", "stopped"} <= {
        event["event"] for event in events
    }
    assert all({"event", "level", "timestamp"} <= set(event) for event in events)
    settled = next(event for event in events if event["event"] == "turn_settled")
    assert {"message", "case", "session", "turn"} <= set(settled)


@pytest.mark.exhaustive
def test_neither_key_nor_password_reaches_a_childs_arguments_or_the_transcript(bed: Bed) -> None:
    """No secret stands in the engine's arguments, and of the daemon's environment only what it needs reaches it."""
    bed.faults.coming = ["slow", "slow"]
    bed.server.deliver(mail("Opening hours"))
    process = bed.start(environment={"MAILBOX_PASSWORD_OF_THE_OPERATOR": "rehearsal-in-the-environment"})
    wait_for(lambda: bed.faults.calls > 0, what="the call of the model")
    holder = next((bed.state.agent / "locks").iterdir()).read_text()
    arguments = Path(f"/proc/{holder}/cmdline").read_bytes()
    environment = Path(f"/proc/{holder}/environ").read_bytes()
    wait_for(lambda: bed.through(1), what="the draft")
    end(process)
    assert b"a-key-for-the-stand-in" not in arguments
    assert b"ANTHROPIC_API_KEY=a-key-for-the-stand-in" in environment
    assert b"rehearsal-in-the-environment" not in environment
    transcripts = b"".join(path.read_bytes() for path in bed.state.agent.rglob("*.jsonl"))
    assert b"a-key-for-the-stand-in" not in transcripts
    assert transcripts


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_stops_at_once(bed: Bed, number: signal.Signals) -> None:
    """Both ways of asking end an idle service with 0 within seconds."""
    process = bed.start()
    wait_for(lambda: "started" in bed.log_text, what="the start")
    started = time.monotonic()
    assert end(process, number) == 0
    assert time.monotonic() - started < 5
