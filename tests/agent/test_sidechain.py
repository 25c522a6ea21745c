"""What a specialist's transcript tells."""

import json
from pathlib import Path
from typing import Any

import pytest

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
    assert read(path) == Work(Usage(input_tokens=17), ("recall",), "Paid.")


def test_one_that_still_calls_a_tool_has_given_no_report(tmp_path: Path) -> None:
    """Whatever it said beside the call."""
    path = tmp_path / "agent.jsonl"
    path.write_text(answer("1", said("Paid, I think."), 10) + answer("1", CALL, 10))
    assert read(path).report == ""


@pytest.mark.parametrize("rest", ['{"type": "assist', "null\n", '{"type": "assistant", "message": 7}\n'])
def test_a_line_that_is_none_of_an_answer_costs_nothing_else(tmp_path: Path, rest: str) -> None:
    """Cut off in a crash, or of a kind that is not known."""
    path = tmp_path / "agent.jsonl"
    path.write_text(answer("1", said("Paid."), 10) + rest)
    assert read(path) == Work(Usage(input_tokens=10), (), "Paid.")


def test_where_there_is_no_transcript_nothing_is_known(tmp_path: Path) -> None:
    """The engine was killed before it wrote one."""
    assert read(tmp_path / "missing.jsonl") == Work()
