"""One turn: a prompt, what the model did with it, and the proof that it stands in the transcript."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

from claude_agent_sdk import AssistantMessage, Message, ResultMessage

from daemon.agent import transcript
from daemon.agent.handoffs import Handoffs
from daemon.agent.session import EngineError, Session
from daemon.agent.tools import Desk, Reads, Staged
from daemon.agent.transcript import Head, TranscriptError
from daemon.agent.usage import usage_of
from daemon.judgement.briefing import REMINDER
from daemon.judgement.decision import Decision
from daemon.judgement.facts import Correct, Remember
from daemon.judgement.handoffs import Handed
from daemon.judgement.money import Prices, Usage, cost
from daemon.judgement.outlasting import Outlasting
from daemon.judgement.retry import Failure, FailureKind
from daemon.judgement.verdict import ApiResult, failure_of

Patience = Callable[[float], AbstractAsyncContextManager[object]]


@dataclass(frozen=True)
class Question:
    """What is put to the session, and within which bounds (seconds, US dollars)."""

    session_id: str
    start: int
    prompt_uuid: str
    prompt: str
    reads: Reads
    seconds: float
    dollars: float


@dataclass(frozen=True)
class Reply:
    """What came of a turn: a decision that stands in the transcript, or a failure.

    ``usage`` is that of the session alone; each of the ``handoffs`` has its own. It is not ``whole`` where a call may
    have been on its way when the turn broke off, or had not told its last: what it says is then the least.
    ``outlasting`` are those that are to be open from now on.
    """

    usage: Usage
    seconds: float
    tools: tuple[str, ...]
    notes: tuple[str, ...]
    context_tokens: int = 0
    decision: Decision | None = None
    remembered: tuple[Remember, ...] = ()
    corrected: tuple[Correct, ...] = ()
    handoffs: tuple[Handed, ...] = ()
    outlasting: tuple[Outlasting, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    head: Head | None = None
    failure: Failure | None = None
    whole: bool = True


@dataclass
class _Heard:
    """What has been heard so far."""

    handoffs: Handoffs
    last_entry: str = ""
    last_call: Usage = field(default_factory=Usage)
    error: str | None = None
    result: ResultMessage | None = None
    settled: Usage = field(default_factory=Usage)
    running: dict[str, Usage] = field(default_factory=dict)
    asking: bool = False

    def note(self, message: Message) -> None:
        self.handoffs.note(message)
        if isinstance(message, AssistantMessage) and message.parent_tool_use_id is None:
            self.last_entry = message.uuid or self.last_entry
            self.error = message.error or self.error
            self.last_call = self.running[message.message_id or ""] = usage_of(message.usage)
        elif isinstance(message, ResultMessage):
            self.result = message
            self.settled += usage_of(message.usage)
            self.running.clear()
            self.asking = False

    @property
    def usage(self) -> Usage:
        return sum(self.running.values(), self.settled)

    @property
    def failure(self) -> Failure | None:
        return told_by(self.result, self.error)


def told_by(result: ResultMessage | None, error: str | None) -> Failure | None:
    """Read how the engine ended a turn; ``error`` is the word of the last answer that was one."""
    if result is None:
        return Failure(FailureKind.ENGINE, "the engine gave no result")
    words = " ".join([result.result or "", *(result.errors or [])]) if result.is_error else ""
    return failure_of(ApiResult(result.is_error, result.subtype, result.api_error_status, error, words))


async def ask(
    session: Session, desk: Desk, question: Question, prices: Prices, patience: Patience, progress: Callable[[], None]
) -> Reply:
    """Put the question; ask once more where the turn ends without a decision. Never raises for a failed turn."""
    started = time.monotonic()
    staged = desk.begin(question.reads)
    heard = _Heard(session.watch_handoffs(started + question.seconds))
    try:
        async with patience(question.seconds):
            failure = await _converse(session, question, staged, heard, prices, progress)
    except TimeoutError:
        failure = Failure(FailureKind.SILENCE, f"no answer within {question.seconds:g} seconds")
    except EngineError as error:
        failure = Failure(FailureKind.ENGINE, str(error))
    finally:
        desk.end()
        await heard.handoffs.close()
    handed = heard.handoffs.all(staged.calls)
    failure = failure or _too_dear(question, heard, prices)
    reply = Reply(
        heard.usage,
        time.monotonic() - started,
        tuple(staged.used),
        tuple(staged.notes),
        heard.last_call.context_tokens,
        handoffs=handed,
        failure=failure,
        whole=not heard.asking,
    )
    return reply if failure else _proven(session, question, staged, heard, reply)


async def _converse(
    session: Session, question: Question, staged: Staged, heard: _Heard, prices: Prices, progress: Callable[[], None]
) -> Failure | None:
    for prompt_uuid, prompt in ((question.prompt_uuid, question.prompt), (str(uuid.uuid4()), REMINDER)):
        heard.asking = True
        async for message in _listen(session.put(prompt_uuid, prompt), progress):
            heard.note(message)
            if failure := _too_dear(question, heard, prices):
                return failure
        if heard.failure or staged.decision:
            return heard.failure
        staged.notes.append("the turn ended without a decision and was asked once more")
    return Failure(FailureKind.NO_DECISION, "the turn ended twice without a decision")


def _too_dear(question: Question, heard: _Heard, prices: Prices) -> Failure | None:
    if cost(heard.usage, prices) + heard.handoffs.dollars <= question.dollars:
        return None
    return Failure(FailureKind.CAP, f"the turn cost more than {question.dollars:g} dollars")


async def _listen(messages: AsyncIterator[Message], progress: Callable[[], None]) -> AsyncIterator[Message]:
    async for message in messages:
        progress()
        yield message


def _proven(session: Session, question: Question, staged: Staged, heard: _Heard, reply: Reply) -> Reply:
    """Let the turn count only when its entries are on the disk (a full disk fails in silence, measured)."""
    path = session.engine.transcript(question.session_id)
    try:
        head = transcript.find(path, question.start, question.prompt_uuid, heard.last_entry)
        transcript.sync(path)
    except (TranscriptError, OSError):
        failure = Failure(FailureKind.TRANSCRIPT, "the turn's entries did not reach the transcript")
        return replace(reply, failure=failure)
    learnt, corrected = tuple(staged.remembered), tuple(staged.corrected)
    reply = replace(reply, remembered=learnt, corrected=corrected, files=staged.folder.written)
    return replace(reply, outlasting=tuple(staged.outlasting), decision=staged.decision, head=head)
