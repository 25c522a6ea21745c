"""Where the transcript is not what the knowledge database says: power loss, deletion, a torn tail."""

import json
from pathlib import Path

import pytest

from daemon import app
from daemon.judgement.states import SessionState, TurnState
from knowledge import sessions, turns
from knowledge.tables import AgentSession
from tests.bed import Bed, mail, prompts_in_transcript, settled_prompts, subjects_in_last_request


@pytest.fixture
def after_two(bed: Bed) -> Bed:
    """Work two mails and stop."""
    bed.server.deliver(mail("First"))
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    bed.work(2)
    return bed


def live(bed: Bed) -> AgentSession:
    """Give the live session."""
    found = sessions.live(bed.db, SessionState.LIVE)
    assert found
    return found


def transcript_path(bed: Bed) -> Path:
    """Say where the live session's transcript is."""
    return app.engine_of(bed.settings).transcript(live(bed).id)


def third(bed: Bed) -> list[object]:
    """Deliver and work a third mail; give the events' names."""
    bed.server.deliver(mail("Third", sender="Cy Vane <cy@vane.example>"))
    return [event["event"] for event in bed.work(3)]


@pytest.mark.exhaustive
def test_a_transcript_cut_short_by_a_power_loss_goes_back_to_the_newest_turn_that_is_there(after_two: Bed) -> None:
    """The lost turn is marked as lost, what it decided is briefed, and the session goes on under its id."""
    before = live(after_two)
    first = turns.in_state(after_two.db, TurnState.SETTLED)[0]
    path = transcript_path(after_two)
    path.write_bytes(path.read_bytes()[: (first.head_offset or 0) + 100])
    events = third(after_two)
    assert "session_set_back" in events
    assert live(after_two).id == before.id
    assert len(turns.in_state(after_two.db, TurnState.LOST)) == 1
    assert subjects_in_last_request(after_two) == ["First", "Third"]
    prompt = after_two.entries[2].turn.prompt if after_two.entries[2].turn else ""
    assert "Second -> question" in prompt
    assert prompts_in_transcript(after_two) == settled_prompts(after_two)


@pytest.mark.exhaustive
def test_what_was_briefed_once_is_not_briefed_again(after_two: Bed) -> None:
    """Only the first turn after a loss tells of it."""
    first = turns.in_state(after_two.db, TurnState.SETTLED)[0]
    path = transcript_path(after_two)
    path.write_bytes(path.read_bytes()[: (first.head_offset or 0) + 100])
    third(after_two)
    after_two.server.deliver(mail("Fourth", sender="Di Vane <di@vane.example>"))
    after_two.work(4)
    prompt = after_two.entries[3].turn.prompt if after_two.entries[3].turn else ""
    assert "Second" not in prompt


def test_a_missing_transcript_is_answered_by_a_new_session_that_is_briefed(after_two: Bed) -> None:
    """One clear event, a successor, and what was decided stands in its first prompt."""
    transcript_path(after_two).unlink()
    before = live(after_two)
    events = third(after_two)
    assert events.count("session_lost") == 1
    assert live(after_two).predecessor == before.id
    assert subjects_in_last_request(after_two) == ["Third"]
    prompt = after_two.entries[2].turn.prompt if after_two.entries[2].turn else ""
    assert 'question: "First"' in prompt
    assert 'question: "Second"' in prompt


@pytest.mark.exhaustive
def test_a_torn_tail_is_cut_off(after_two: Bed) -> None:
    """Half a line and zeros behind the head are gone after the resume."""
    path = transcript_path(after_two)
    with path.open("ab") as file:
        file.write(b'{"type":"user","uuid":"torn' + b"\0" * 500)
    third(after_two)
    assert b"\0" not in path.read_bytes()
    assert subjects_in_last_request(after_two) == ["First", "Second", "Third"]


@pytest.mark.exhaustive
def test_a_transcript_whose_end_was_overwritten_is_not_trusted(after_two: Bed) -> None:
    """Another entry where the head should be: the session goes back to the turn before."""
    path, head = transcript_path(after_two), live(after_two)
    lines = path.read_bytes()[: head.head_offset].splitlines(keepends=True)
    entry = json.loads(lines[-1])
    entry["uuid"] = entry["uuid"][::-1]
    lines[-1] = (json.dumps(entry) + "\n").encode().ljust(len(lines[-1]))[: len(lines[-1])]
    path.write_bytes(b"".join(lines))
    assert "session_set_back" in third(after_two)
    assert subjects_in_last_request(after_two) == ["First", "Third"]


@pytest.mark.exhaustive
def test_a_transcript_that_is_damaged_in_the_middle_goes_back_to_the_turn_before(after_two: Bed) -> None:
    """The engine would resume it without a word, and the model see a conversation with a hole."""
    third(after_two)
    first, second, _ = turns.in_state(after_two.db, TurnState.SETTLED)
    overwrite(transcript_path(after_two), first.head_offset or 0, (second.head_offset or 0) - 1)
    after_two.server.deliver(mail("Fourth", sender="Di Vane <di@vane.example>"))
    events = [event["event"] for event in after_two.work(4)]
    assert events.count("session_set_back") == 1
    assert subjects_in_last_request(after_two) == ["First", "Fourth"]
    prompt = after_two.entries[3].turn.prompt if after_two.entries[3].turn else ""
    assert "Second -> question" in prompt
    assert "Third -> question" in prompt
    assert prompts_in_transcript(after_two) == settled_prompts(after_two)


def test_a_transcript_of_which_only_the_end_is_left_is_answered_by_a_new_session(after_two: Bed) -> None:
    """What stands at the head alone proves nothing of what is before it."""
    path = transcript_path(after_two)
    overwrite(path, 0, path.read_bytes()[:-1].rindex(b"\n"))
    events = third(after_two)
    assert events.count("session_lost") == 1
    assert subjects_in_last_request(after_two) == ["Third"]


def overwrite(path: Path, start: int, end: int) -> None:
    """Put zeros in the place of a part, as a disk does that has lost a block."""
    raw = path.read_bytes()
    path.write_bytes(raw[:start] + b"\0" * (end - start) + raw[end:])


@pytest.mark.exhaustive
def test_a_turn_that_never_reached_the_disk_does_not_settle(bed: Bed) -> None:
    """When the transcript vanishes under the engine, the decision does not count, and the mail is asked again."""
    bed.faults.coming = ["ok", "ok", "slow", "slow"]
    bed.server.deliver(mail("First"))
    bed.server.deliver(mail("Second", sender="Bo Tern <bo@tern.example>"))
    moved: list[bool] = []

    def until(_db: object) -> bool:
        if not moved and bed.faults.calls == 3:
            path = transcript_path(bed)
            path.rename(path.with_suffix(".away"))
            moved.append(True)
        return bed.through(2)

    bed.run(until)
    dropped = turns.in_state(bed.db, TurnState.DROPPED)
    assert [turn.failure for turn in dropped] == ["the turn's entries did not reach the transcript"]
    assert [entry.message.state for entry in bed.entries] == ["done", "done"]
    assert prompts_in_transcript(bed) == settled_prompts(bed)


@pytest.mark.exhaustive
def test_a_transcript_that_the_engine_refuses_is_answered_by_a_new_session(after_two: Bed) -> None:
    """The lines are where they should be, yet the engine cannot resume them: no loop, a briefed successor."""
    path, head = transcript_path(after_two), live(after_two)
    lines = []
    for line in path.read_bytes()[: head.head_offset].splitlines(keepends=True):
        entry = json.loads(line)
        stub = json.dumps({"uuid": entry["uuid"], "type": "progress"}).encode() if "uuid" in entry else b"{}"
        lines.append(stub.ljust(len(line) - 1) + b"\n")
    path.write_bytes(b"".join(lines))
    assert "session_lost" in third(after_two)
    assert after_two.entries[2].message.state == "done"
