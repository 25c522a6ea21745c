"""Compaction: the CLI sums up the conversation in place, and what that freed is measured, not believed.

It may report success and free nothing, and the figures that it reports leave out what stays for certain, the system
prompt and the tools. So the CLI is asked for the context before and after. The result's usage is empty (measured): what
it used is what the CLI's own tally grew by, and where there was no result before it to compare with, its context and
its summary, read without a cache.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from claude_agent_sdk import Message, ModelUsage, ResultMessage, SystemMessage, UserMessage

from daemon.agent import transcript
from daemon.agent.session import API_ERROR, EngineError, Session
from daemon.agent.transcript import Head, TranscriptError
from daemon.agent.turn import Patience
from daemon.judgement.money import Usage


@dataclass(frozen=True)
class Compaction:
    """What came of it: the context's tokens before and after, and the new head; or a failure."""

    seconds: float
    before: int = 0
    after: int = 0
    usage: Usage = field(default_factory=Usage)
    head: Head | None = None
    failure: str = ""


@dataclass
class _Heard:
    boundary: str = ""
    last_entry: str = ""
    before: int = 0
    after: int = 0
    tally: Mapping[str, ModelUsage] | None = None
    error: str = ""

    def note(self, message: Message) -> None:
        match message:
            case SystemMessage(subtype="compact_boundary", data=data):
                self.boundary = str(data.get("uuid") or "")
            case UserMessage(uuid=str(uuid)):
                self.last_entry = uuid
            case ResultMessage(is_error=failed, api_error_status=status, model_usage=tally):
                self.error = API_ERROR.format(status) if failed else ""
                self.tally = tally


async def compact(
    session: Session, session_id: str, start: int, instructions: str, seconds: float, patience: Patience
) -> Compaction:
    """Compact the open session, whose transcript is settled up to ``start``; a failure of the engine's is told."""
    started, tally = time.monotonic(), session.tally
    heard, failure = _Heard(), ""
    try:
        async with patience(seconds):
            heard.before = await session.context_tokens()
            async for message in session.command(f"/compact {instructions}"):
                heard.note(message)
            heard.after = await session.context_tokens()
    except TimeoutError:
        failure = f"no answer within {seconds:g} seconds"
    except EngineError as error:
        failure = str(error)
    failure = failure or heard.error or ("" if heard.boundary else "the engine did not compact")
    usage = _used(tally, heard)
    result = Compaction(time.monotonic() - started, heard.before, heard.after, usage, failure=failure)
    return result if failure else _proven(session.engine.transcript(session_id), start, heard, result)


def _used(before: Mapping[str, ModelUsage] | None, heard: _Heard) -> Usage:
    if before is None or heard.tally is None:
        return Usage(input_tokens=heard.before, output_tokens=heard.after)
    return _sum(heard.tally) - _sum(before)


def _sum(tally: Mapping[str, ModelUsage]) -> Usage:
    counted = (
        Usage(one["inputTokens"], one["outputTokens"], one["cacheReadInputTokens"], one["cacheCreationInputTokens"])
        for one in tally.values()
    )
    return sum(counted, Usage())


def _proven(path: Path, start: int, heard: _Heard, result: Compaction) -> Compaction:
    """Let it count only when the boundary and the entry behind it are on the disk.

    The head is the last entry that was streamed, not the boundary: the CLI refuses to resume at that (measured).
    """
    try:
        head = transcript.find(path, start, heard.boundary, heard.last_entry)
        transcript.sync(path)
    except (TranscriptError, OSError):
        return replace(result, failure="the compaction did not reach the transcript")
    return replace(result, head=head)
