"""The transcript's cut: only ever behind a committed entry, and never a byte before it is proven."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.agent import transcript
from daemon.agent.transcript import Head, TranscriptError, cut, find, fork, holds, sound_until


def write(path: Path, names: list[str]) -> list[Head]:
    """Write an entry for each name and give the head behind each."""
    heads = []
    with path.open("wb") as file:
        for name in names:
            file.write((json.dumps({"uuid": name, "type": "assistant", "text": "ü" * 50}) + "\n").encode())
            heads.append(Head(name, file.tell()))
    return heads


@given(st.data())
def test_a_cut_leaves_exactly_the_entries_up_to_its_head(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whichever committed entry is the head: what stands before it stays to the byte, what follows is gone."""
    path = tmp_path_factory.mktemp("cut") / "t.jsonl"
    names = [f"entry-{number}" for number in range(data.draw(st.integers(1, 12)))]
    heads = write(path, names)
    whole = path.read_bytes()
    head = data.draw(st.sampled_from(heads))
    with path.open("ab") as file:
        file.write(data.draw(st.binary(max_size=200)))
    cut(path, head)
    assert path.read_bytes() == whole[: head.offset]


@pytest.mark.parametrize("change", [-1, 1, -60, 10_000])
def test_a_head_in_the_wrong_place_is_refused_and_nothing_is_cut(tmp_path: Path, change: int) -> None:
    """An offset that is not the end of the head's line changes no byte."""
    path = tmp_path / "t.jsonl"
    head = write(path, ["a", "b", "c"])[1]
    before = path.read_bytes()
    with pytest.raises(TranscriptError):
        cut(path, Head(head.uuid, head.offset + change))
    assert path.read_bytes() == before


def test_a_head_of_another_entry_is_refused(tmp_path: Path) -> None:
    """The right place with the wrong uuid is not the head."""
    path = tmp_path / "t.jsonl"
    heads = write(path, ["a", "b"])
    assert not holds(path, Head("a", heads[1].offset))


def test_a_missing_transcript_holds_nothing(tmp_path: Path) -> None:
    """No file, no head; cutting it is refused."""
    with pytest.raises(TranscriptError):
        cut(tmp_path / "none.jsonl", Head("a", 1))


def test_a_long_last_line_is_read_whole(tmp_path: Path) -> None:
    """An entry longer than the block that is read at first is found all the same."""
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"uuid": "long", "text": "x" * 300_000}) + "\n")
    assert holds(path, Head("long", path.stat().st_size))


def test_a_turn_counts_only_with_its_prompt_and_its_last_entry(tmp_path: Path) -> None:
    """Both must be in whole lines behind the start."""
    path = tmp_path / "t.jsonl"
    heads = write(path, ["old", "prompt", "last"])
    assert find(path, heads[0].offset, "prompt", "last") == heads[2]
    for first, last in (("old", "last"), ("prompt", "missing")):
        with pytest.raises(TranscriptError):
            find(path, heads[0].offset, first, last)


def test_a_torn_last_line_does_not_count(tmp_path: Path) -> None:
    """An entry without its line end may be half on the disk."""
    path = tmp_path / "t.jsonl"
    write(path, ["prompt", "last"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TranscriptError):
        find(path, 0, "prompt", "last")


SNAPSHOT = {"uuid": "s", "type": "attachment", "attachment": {"type": "prompt_snapshot", "systemPrompt": ["Obey."]}}


def test_a_fork_ends_at_its_head_and_its_original_stays(tmp_path: Path) -> None:
    """What follows in the original is not copied; the copy is its owner's alone."""
    path, copy = tmp_path / "t.jsonl", tmp_path / "forks" / "t.jsonl"
    heads = write(path, ["a", "b", "c"])
    whole = path.read_bytes()
    assert fork(path, heads[1], copy) == heads[1]
    assert copy.read_bytes() == whole[: heads[1].offset]
    assert path.read_bytes() == whole
    assert copy.stat().st_mode & 0o077 == 0


def test_a_fork_is_made_without_the_snapshot_of_the_prompt(tmp_path: Path) -> None:
    """Its entry stays, so that the chain of entries is whole, and the head moves with the bytes."""
    path, copy = tmp_path / "t.jsonl", tmp_path / "copy.jsonl"
    (first,) = write(path, ["a"])
    with path.open("ab") as file:
        file.write((json.dumps(SNAPSHOT) + "\n" + json.dumps({"uuid": "z"}) + "\n").encode())
    head = fork(path, Head("z", path.stat().st_size), copy)
    entries = [json.loads(line) for line in copy.read_text(encoding="utf-8").splitlines()]
    assert [entry["uuid"] for entry in entries] == ["a", "s", "z"]
    assert "Obey" not in copy.read_text(encoding="utf-8")
    assert head == Head("z", copy.stat().st_size)
    assert first.offset < head.offset


def test_a_mail_that_tells_of_a_snapshot_is_copied_as_it_is(tmp_path: Path) -> None:
    """Only the CLI's own entry is taken out."""
    path, copy = tmp_path / "t.jsonl", tmp_path / "copy.jsonl"
    for attachment in ("none", {"type": "date", "text": '"prompt_snapshot"'}):
        entry = {"uuid": "m", "message": '{"type": "prompt_snapshot"}', "attachment": attachment}
        path.write_text(json.dumps(entry) + "\n", encoding="utf-8")
        fork(path, Head("m", path.stat().st_size), copy)
        assert copy.read_bytes() == path.read_bytes()
        copy.unlink()


def test_a_fork_of_a_head_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nothing is written then."""
    path, copy = tmp_path / "t.jsonl", tmp_path / "copy.jsonl"
    (head,) = write(path, ["a"])
    with pytest.raises(TranscriptError):
        fork(path, Head("b", head.offset), copy)
    assert not copy.exists()


def test_a_fork_of_a_transcript_that_is_cut_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service may roll the session back while it is being copied."""
    path, copy = tmp_path / "t.jsonl", tmp_path / "copy.jsonl"
    heads = write(path, [f"entry-{number}" for number in range(1000)])

    def cutting(line: bytes) -> bytes:
        os.truncate(path, heads[0].offset)
        return line

    monkeypatch.setattr(transcript, "_without_snapshot", cutting)
    with pytest.raises(TranscriptError):
        fork(path, heads[-1], copy)


@given(st.data())
def test_no_transcript_with_a_damaged_line_before_its_head_is_ever_trusted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The engine would resume it, and the model see a conversation with holes; up to there it is sound."""
    path = tmp_path_factory.mktemp("damage") / "t.jsonl"
    heads = write(path, [f"entry-{number}" for number in range(6)])
    damaged = data.draw(st.integers(0, 4))
    start = heads[damaged - 1].offset if damaged else 0
    garbage = data.draw(st.sampled_from([b"\0", b"x", b'"', b"["])) * (heads[damaged].offset - start - 1)
    raw = path.read_bytes()
    path.write_bytes(raw[:start] + garbage + raw[heads[damaged].offset - 1 :])
    assert not any(holds(path, head) for head in heads[damaged:])
    assert all(holds(path, head) for head in heads[:damaged])
    assert sound_until(path) == start
