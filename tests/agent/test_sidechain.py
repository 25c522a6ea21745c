"""What a specialist's transcript tells."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.agent.sidechain import Work, path_of, read
from daemon.judgement.money import Usage


def answer(number: str, block: dict[str, Any], tokens: int) -> str:
    """Write an entry of the engine's: one block of an answer, with the usage of the whole."""
    message = {"id": number, "role": "assistant", "content": [block], "usage": {"input_tokens": tokens}}
    return json.dumps({"type": "assistant", "uuid": f"{number}-{block['type']}", "message": message}) + "\n"


CALL = {"type": "tool_use", "name": "recall", "input": {}}


def said(words: str) -> dict[str, Any]:
    """Make a block of text."""
    return {"type": "text", "text": words}


def test_it_lies_beside_the_sessions(tmp_path: Path) -> None:
    """In a directory of the session's name (as the engine does, measured)."""
    assert path_of(tmp_path / "abc.jsonl", "a1") == tmp_path / "abc" / "subagents" / "agent-a1.jsonl"


def test_an_answer_in_several_entries_is_counted_once(tmp_path: Path) -> None:
    """Each block stands in an entry of its own, with the usage of the whole answer."""
    path = tmp_path / "agent.jsonl"
    user = json.dumps({"type": "user", "message": {"role": "user", "content": "the brief"}}) + "\n"
    path.write_text(user + answer("1", said("I look."), 10) + answer("1", CALL, 10) + answer("2", said("Paid."), 7))
    assert read(path) == Work({"1": Usage(10), "2": Usage(7)}, ("recall",), "Paid.", finished=True)


def test_one_that_still_calls_a_tool_has_given_no_report(tmp_path: Path) -> None:
    """What it said beside the call are its last words, but no report."""
    path = tmp_path / "agent.jsonl"
    path.write_text(answer("1", said("Paid, I think."), 10) + answer("1", CALL, 10))
    assert read(path) == Work({"1": Usage(10)}, ("recall",), "Paid, I think.", finished=False)


REST = [b'{"type": "assist', b"null\n", b'{"type": "assistant", "message": 7}\n', b"\xff\xfe\n", '{"é'.encode()[:-1]]


@pytest.mark.parametrize("rest", REST)
def test_a_line_that_is_none_of_an_answer_costs_nothing_else(tmp_path: Path, rest: bytes) -> None:
    """Cut off in a crash, in the middle of a character even, or of a kind that is not known."""
    path = tmp_path / "agent.jsonl"
    path.write_bytes(answer("1", said("Paid."), 10).encode() + rest)
    assert read(path) == Work({"1": Usage(10)}, (), "Paid.", finished=True)


@given(st.text())
def test_no_words_of_an_answer_ever_hide_what_it_used(words: str) -> None:
    """JSON leaves the line breaks of other alphabets as they are."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "agent.jsonl"
        entry = json.loads(answer("1", said(words), 10))
        path.write_bytes(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        work = read(path)
    assert work.calls == {"1": Usage(10)}
    assert work.report == words.encode("utf-8", "replace").decode().strip()


def test_where_there_is_no_transcript_nothing_is_known(tmp_path: Path) -> None:
    """The engine was killed before it wrote one."""
    assert read(tmp_path / "missing.jsonl") == Work()
