"""A specialist's transcript, which the engine writes beside the session's: one JSON object a line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.agent.usage import usage_of
from daemon.judgement.money import Usage

ENGINES_OWN = "<synthetic>"  # so the engine marks what it says itself, of an error for one (measured)


@dataclass(frozen=True)
class Work:
    """What a specialist did: what its model used by answer, which tools it called, and its last words.

    It is ``finished`` where those were not said beside another call of a tool.
    """

    calls: Mapping[str, Usage] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    report: str = ""
    finished: bool = False


def path_of(session: Path, agent: str) -> Path:
    """Say where the engine keeps the transcript of a specialist; ``session`` is that of the session (measured)."""
    return session.with_suffix("") / "subagents" / f"agent-{agent}.jsonl"


def read(path: Path) -> Work:
    """Read what a specialist did; nothing, where the engine has left no transcript of it."""
    answers = list(_answers(path))
    # An answer stands in an entry for each of its blocks, each with the usage of the whole.
    calls = {str(answer.get("id")): usage_of(answer.get("usage")) for answer in answers}
    blocks = [block for answer in answers for block in _blocks(answer)]
    tools = tuple(str(block.get("name")) for block in blocks if block.get("type") == "tool_use")
    last = str(answers[-1].get("id")) if answers else ""
    final = [block for answer in answers if str(answer.get("id")) == last for block in _blocks(answer)]
    words = [str(block.get("text") or "") for block in final if block.get("type") == "text"]
    calling = any(block.get("type") == "tool_use" for block in final)
    return Work(calls, tools, "\n".join(words).strip(), bool(final) and not calling)


def _blocks(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = answer.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _answers(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the model's answers, in their order. JSON leaves line breaks of other kinds than its own as they are."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:  # cut off, in the middle of a character perhaps
            continue
        message = entry.get("message") if isinstance(entry, dict) and entry.get("type") == "assistant" else None
        if isinstance(message, dict) and message.get("model") != ENGINES_OWN:
            yield message
