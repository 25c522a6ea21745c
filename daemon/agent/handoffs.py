"""The handoffs of a turn as they happen: who works on what, what it has cost so far, and who is stopped.

The engine's result leaves out what a specialist used, and its messages tell the output only as it began, and the last
answer not at all (measured): so what each really used is read from its own transcript as soon as it has ended.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claude_agent_sdk import (
    AssistantMessage,
    Message,
    TaskNotificationMessage,
    TaskStartedMessage,
    TaskUpdatedMessage,
    ToolUseBlock,
)

from daemon.agent.sidechain import Work, path_of, read
from daemon.agent.specialists import AGENT
from daemon.agent.usage import usage_of
from daemon.judgement.handoffs import (
    Course,
    Halt,
    Handed,
    OutsideCall,
    Specialist,
    brief_of,
    charged,
    ended,
    time_left,
    why_of,
)
from daemon.judgement.money import Usage, cost

Stop = Callable[[str], Awaitable[None]]
STOP_SECONDS = 5  # that the engine may take to stop a specialist
OPEN = frozenset({"", "pending", "running", "paused"})


@dataclass
class _Running:
    """One specialist at work; ``calls`` is what its model's answers used as far as it is known, by their ids."""

    specialist: Specialist
    why: str
    brief: str
    agent: str
    timer: asyncio.TimerHandle
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    status: str = ""
    halt: Halt | None = None
    calls: dict[str, Usage] = field(default_factory=dict)

    @property
    def usage(self) -> Usage:
        return sum(self.calls.values(), Usage())

    @property
    def dollars(self) -> float:
        return cost(self.usage, self.specialist.prices)

    def learn(self, calls: Mapping[str, Usage]) -> None:
        """Take what is known from two sources: of an answer that is in both, the fuller word counts."""
        for number, used in calls.items():
            self.calls[number] = max(used, self.calls.get(number, used), key=lambda each: each.context_tokens)


class Handoffs:
    """All handoffs of one turn. ``stop`` ends a specialist by the engine's number of it.

    ``session`` is the session's transcript, ``until`` when the turn ends at the latest (monotonic, in seconds).
    """

    def __init__(self, specialists: Iterable[Specialist], stop: Stop, session: Path, until: float) -> None:
        """Nothing is handed over yet."""
        self._specialists = {each.name: each for each in specialists}
        self._stop, self._session, self._until = stop, session, until
        self._asked: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, _Running] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    @property
    def dollars(self) -> float:
        """What the specialists have cost so far, as far as it was heard."""
        return sum(each.dollars for each in self._running.values())

    def note(self, message: Message) -> None:
        """Take down what a message says of a handoff."""
        match message:
            case AssistantMessage(parent_tool_use_id=None, content=blocks):
                calls = (block for block in blocks if isinstance(block, ToolUseBlock) and block.name == AGENT)
                self._asked |= {block.id: block.input for block in calls}
            case AssistantMessage(parent_tool_use_id=str(number), message_id=call, usage=used):
                self._heard(number, call or "", usage_of(used))
            case TaskStartedMessage(tool_use_id=str(number), task_id=agent):
                self._start(number, agent)
            case (
                TaskUpdatedMessage(task_id=agent, status=str(status))
                | TaskNotificationMessage(task_id=agent, status=status)
            ):
                self._end(agent, status)

    def instead(self, tool_use_id: str) -> str:
        """Say what stands in the place of the report of a handoff that failed."""
        running = self._running.get(tool_use_id)
        return ended(Course("failed", running.halt), running.specialist)[1] if running else ""

    async def close(self) -> None:
        """Let go of the timers, and of what is being stopped: the turn is over."""
        for each in self._running.values():
            each.timer.cancel()
        for task in self._stopping:
            task.cancel()
        await asyncio.gather(*self._stopping, return_exceptions=True)

    def all(self, calls: Sequence[OutsideCall] = ()) -> tuple[Handed, ...]:
        """Give each handoff with what came of it, and with its ``calls`` of servers outside."""
        return tuple(_handed(each, self._work(each), calls) for each in self._running.values())

    def _work(self, running: _Running) -> Work:
        """Read what is on the disk of it so far: the engine may write the last of it after it has told of the end."""
        work = read(path_of(self._session, running.agent))
        running.learn(work.calls)
        if running.halt is None and running.dollars > running.specialist.dollars:
            running.halt = Halt.DOLLARS
        return work

    def _start(self, number: str, agent: str) -> None:
        call = self._asked.get(number, {})
        known = self._specialists.get(str(call.get("subagent_type")))
        if known is None:
            return
        specialist = replace(known, seconds=time_left(known, self._until - time.monotonic()))
        timer = asyncio.get_running_loop().call_later(specialist.seconds, self._halt, number, Halt.SECONDS)
        self._running[number] = _Running(specialist, why_of(call), brief_of(call), agent, timer)

    def _heard(self, number: str, call: str, used: Usage) -> None:
        running = self._running.get(number)
        if running is None:
            return
        running.learn({call: used})
        if running.dollars > running.specialist.dollars:
            self._halt(number, Halt.DOLLARS)

    def _end(self, agent: str, status: str) -> None:
        for running in self._running.values():
            if running.agent == agent and running.status in OPEN and status not in OPEN:
                running.timer.cancel()
                running.status, running.seconds = status, time.monotonic() - running.started
                self._work(running)

    def _halt(self, number: str, why: Halt) -> None:
        running = self._running[number]
        if running.halt is None and running.status in OPEN:
            running.halt = why
            task = asyncio.create_task(self._stopped(running.agent))
            self._stopping.add(task)

    async def _stopped(self, agent: str) -> None:
        # One that does not stop is ended with its turn, which has bounds of its own.
        with suppress(Exception):
            async with asyncio.timeout(STOP_SECONDS):
                await self._stop(agent)


def _handed(running: _Running, work: Work, calls: Sequence[OutsideCall]) -> Handed:
    specialist = running.specialist
    state, report = ended(Course(running.status, running.halt, work.report, work.finished), specialist)
    return Handed(
        specialist=specialist.name,
        why=running.why,
        brief=running.brief,
        report=report,
        state=state,
        model=specialist.model,
        usage=running.usage,
        dollars=charged(state, running.dollars, specialist),
        seconds=running.seconds or time.monotonic() - running.started,
        tools=work.tools,
        agent=running.agent,
        calls=tuple(call for call in calls if call.agent == running.agent),
    )
