"""One errand: a specialist's work on a fork of the session, from its prompt to its report."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from claude_agent_sdk import AssistantMessage, Message, ResultMessage, TextBlock

from daemon.agent.session import EngineError, Session
from daemon.agent.tools import Desk, Reads
from daemon.agent.turn import Patience, told_by
from daemon.agent.usage import usage_of
from daemon.judgement.handoffs import Course, Halt, Specialist
from daemon.judgement.money import Usage, cost
from daemon.judgement.retry import Failure, FailureKind

CALLED_OFF = "nobody waits for it any more"


@dataclass(frozen=True)
class Errand:
    """What is put to a fork of the session, to whom, and what the tools may see."""

    specialist: Specialist
    prompt: str
    reads: Reads


@dataclass(frozen=True)
class Outcome:
    """How it went, what it used, and what it wrote; or a ``failure``, where it did not come to an end of its own."""

    course: Course = field(default_factory=Course)
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    tools: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    put: bool = True


@dataclass
class _Heard:
    """What has been heard so far; ``words`` are those of the newest answer."""

    answer: str = ""
    words: list[str] = field(default_factory=list)
    error: str | None = None
    result: ResultMessage | None = None
    calls: dict[str, Usage] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        if isinstance(message, AssistantMessage):
            self._listen(message)
        elif isinstance(message, ResultMessage):
            self.result, self.calls = message, {"": usage_of(message.usage)}

    def _listen(self, message: AssistantMessage) -> None:
        answer = message.message_id or ""
        if answer != self.answer:
            self.answer, self.words = answer, []
        self.words += [block.text for block in message.content if isinstance(block, TextBlock)]
        self.error = message.error or self.error
        self.calls[answer] = usage_of(message.usage)

    @property
    def report(self) -> str:
        return "\n".join(self.words).strip()

    @property
    def usage(self) -> Usage:
        return sum(self.calls.values(), Usage())

    @property
    def failure(self) -> Failure | None:
        return told_by(self.result, self.error)


async def run(session: Session, desk: Desk, errand: Errand, patience: Patience, goes_on: Callable[[], bool]) -> Outcome:
    """Put the prompt to the fork, and hear it out within the specialist's limits. Never raises for what fails there.

    ``goes_on`` is asked at each of the engine's messages; the specialist's seconds end it, and by way of ``patience`` a
    stop of the service.
    """
    started, heard = time.monotonic(), _Heard()
    staged = desk.begin(errand.reads)
    try:
        async with patience(errand.specialist.seconds):
            end = await _converse(session, errand, heard, goes_on)
    except TimeoutError:
        end = Halt.SECONDS
    except EngineError as error:
        end = Failure(FailureKind.ENGINE, str(error))
    finally:
        desk.end()
    return Outcome(
        _course(heard, end),
        heard.usage,
        time.monotonic() - started,
        tuple(staged.used),
        staged.folder.written,
        end if isinstance(end, Failure) and end.kind is not FailureKind.CAP else None,
    )


async def _converse(
    session: Session, errand: Errand, heard: _Heard, goes_on: Callable[[], bool]
) -> Halt | Failure | None:
    async for message in session.put(str(uuid.uuid4()), errand.prompt):
        heard.note(message)
        if cost(heard.usage, errand.specialist.prices) > errand.specialist.dollars:
            return Halt.DOLLARS
        if not goes_on():
            return Failure(FailureKind.STOPPING, CALLED_OFF)
    return heard.failure


def _course(heard: _Heard, end: Halt | Failure | None) -> Course:
    """Say how it went; a limit of steps is no failure: what was said until then is told."""
    if isinstance(end, Halt):
        return Course(halt=end, report=heard.report)
    failed = end is not None and end.kind is not FailureKind.CAP
    return Course("failed" if failed else "completed", report=heard.report, finished=end is None)
