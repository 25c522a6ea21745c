"""Owns the one client of the Claude Agent SDK: opens it at a head, puts prompts to it, and ends it for certain.

All use of the client stays in the task that connected it, and disconnect never runs under a cancel or a timeout.
"""

import asyncio
import fcntl
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import claude_agent_sdk
from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ClaudeSDKError,
    HookContext,
    HookInput,
    HookJSONOutput,
    HookMatcher,
    Message,
    ModelUsage,
    ResultError,
    ResultMessage,
)

from daemon.agent import launcher, transcript
from daemon.agent.gate import Gate
from daemon.agent.handoffs import Handoffs
from daemon.agent.outside import Server
from daemon.agent.specialists import AGENT, DENIED, Guard, allowed, definitions
from daemon.agent.tools import SERVER, Desk
from daemon.agent.transcript import Head
from daemon.errors import FatalError
from daemon.judgement.handoffs import Specialist
from daemon.judgement.outside import Kept

CONNECT_SECONDS = 90
GONE_SECONDS = 30
LOOK_SECONDS = 0.01
NOT_STARTED = "the session's engine does not start ({})"
API_ERROR = "the model's answer was an error ({})"
LONGEST_ANSWER = 16_000  # tokens: twice what the longest decision takes; what one answer costs is known when it is paid
LARGEST_LINE = 16 * 1024 * 1024


class EngineError(Exception):
    """The CLI could not be started, ended by itself, or did not let go of the session."""


@dataclass(frozen=True)
class Engine:
    """What a session needs.

    ``home`` is the directory that belongs to the CLI alone, ``desk`` the empty one in which it runs: the CLI tells the
    model of it, and names transcripts by it, so a fork shares its original's. ``specialists`` are those that work
    within a turn, ``outlasting`` the others. ``servers`` are those outside that specialists may ask, ``secrets`` what
    must never reach one of them, beside the key.
    """

    home: Path
    desk: Path
    model: str
    base_url: str
    api_key: Callable[[], str]
    turn_seconds: float
    most_steps: int
    api_retries: int
    orders: str
    specialists: tuple[Specialist, ...] = ()
    outlasting: tuple[Specialist, ...] = ()
    servers: tuple[Server, ...] = ()
    secrets: Callable[[], tuple[str, ...]] = tuple

    def kept(self) -> Kept:
        """Give what never leaves the house: secrets and instructions."""
        orders = (self.orders, *(each.prompt for each in (*self.specialists, *self.outlasting)))
        return Kept((self.api_key(), *self.secrets()), orders)

    @property
    def config(self) -> Path:
        """Where the CLI keeps its transcripts."""
        return self.home / "claude"

    def transcript(self, session_id: str) -> Path:
        """Say where a session's transcript is."""
        return transcript.path_of(self.config, self.desk, session_id)

    def lock(self, session_id: str) -> Path:
        """Say which file the session's CLI holds locked while it lives."""
        return self.home / "locks" / session_id


class Session:
    """The one conversation with the model.

    ``tally`` is what the CLI counted by model up to its newest result; None where it has given none since it started.
    """

    def __init__(self, engine: Engine, desk: Desk) -> None:
        """Nothing is started yet."""
        self.engine = engine
        self._desk = desk
        self._guard = Guard(desk, engine.specialists, engine.servers)
        self._gate = Gate(engine.home / "gate", desk, engine.servers, engine.kept)
        self._handoffs = Handoffs((), self.stop_task, engine.home, 0.0)
        self._client: ClaudeSDKClient | None = None
        self._id = ""
        self.tally: Mapping[str, ModelUsage] | None = None

    @property
    def is_open(self) -> bool:
        """Say whether a client is connected."""
        return self._client is not None

    async def open(self, session_id: str, head: Head | None) -> None:
        """Start the CLI: at the head of a session, whose transcript is cut there first, or fresh without one.

        Raises TranscriptError where the head is not in the transcript, EngineError where the CLI does not start.
        """
        self._prepare()
        await self._until_gone(session_id)
        if head is not None:
            await asyncio.to_thread(transcript.cut, self.engine.transcript(session_id), head)
        self._id = session_id
        await self._gate.open()
        client = ClaudeSDKClient(self._options(session_id, head))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect()
        except ResultError as error:
            if head is None:
                raise EngineError(NOT_STARTED.format("ResultError")) from error
            message = "the engine refuses to resume the session"
            raise transcript.TranscriptError(message) from error
        except Exception as error:  # the SDK raises bare ones too: its own time-out at the start, for one
            raise EngineError(NOT_STARTED.format(type(error).__name__)) from error
        self._client, self.tally = client, None

    async def put(self, uuid: str, prompt: str) -> AsyncIterator[Message]:
        """Put one prompt, marked so that nothing in it is taken for a command, and yield what comes back."""
        async for message in self._exchange(_once(uuid, prompt)):
            yield message
            if isinstance(message, ResultMessage) and uuid in (message.user_message_uuids or [uuid]):
                return

    async def command(self, words: str) -> AsyncIterator[Message]:
        """Give the CLI a command of its own, such as /compact: words of ours alone, for ``@`` and ``/`` count."""
        async for message in self._exchange(words):
            yield message
            if isinstance(message, ResultMessage):
                return

    async def _exchange(self, words: str | AsyncIterator[dict[str, Any]]) -> AsyncIterator[Message]:
        client = self._client
        if client is None:
            message = "no session is open"
            raise EngineError(message)
        try:
            await client.query(words)
            async for message_ in client.receive_messages():
                if isinstance(message_, ResultMessage):
                    self.tally = message_.model_usage
                yield message_
        except Exception as error:
            message = f"the session's engine ended ({type(error).__name__})"
            raise EngineError(message) from error
        message = "the session's engine ended without a result"
        raise EngineError(message)

    def watch_handoffs(self, until: float) -> Handoffs:
        """Begin to watch what is handed over in the turn that now begins; it ends ``until`` then (monotonic)."""
        transcript_ = self.engine.transcript(self._id)
        self._handoffs = Handoffs(self.engine.specialists, self.stop_task, transcript_, until)
        return self._handoffs

    async def stop_task(self, number: str) -> None:
        """Have the engine stop a specialist: a mere message to it, which may come from any task."""
        if self._client is not None:
            await self._client.stop_task(number)

    async def _tell_instead(self, _call: HookInput, number: str | None, _context: HookContext) -> HookJSONOutput:
        """Tell the model what stands in the place of a report: the engine's words name servers, or say nothing."""
        words = self._handoffs.instead(number or "")
        if not words:
            return {}
        return {"hookSpecificOutput": {"hookEventName": "PostToolUseFailure", "additionalContext": words}}

    async def context_tokens(self) -> int:
        """Ask the CLI how many tokens the context holds: system prompt, tools and messages."""
        if self._client is None:
            return 0
        try:
            return (await self._client.get_context_usage())["totalTokens"]
        except Exception as error:
            message = f"the session's engine does not tell its context ({type(error).__name__})"
            raise EngineError(message) from error

    async def close(self) -> None:
        """End the CLI in good order: its transcript is complete."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(ClaudeSDKError):
                await client.disconnect()
            await self._until_gone(self._id)
        await self._gate.close()

    async def abandon(self) -> None:
        """End the CLI at once, in the middle of a turn that will be cut off."""
        if self._client is not None:
            self._kill(self._id)
        await self.close()

    def _prepare(self) -> None:
        for directory in (self.engine.config, self.engine.desk, self.engine.home / "locks", self.engine.home / "tmp"):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.engine.home / "orders.md").write_text(self.engine.orders, encoding="utf-8")
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I {shlex.quote(launcher.__file__)} "$@"\n'
        starter = self.engine.home / "start-cli"
        starter.write_text(script, encoding="utf-8")
        starter.chmod(0o700)

    def _options(self, session_id: str, head: Head | None) -> ClaudeAgentOptions:
        engine = self.engine
        return ClaudeAgentOptions(
            cli_path=engine.home / "start-cli",
            cwd=engine.desk,
            session_id=None if head else session_id,
            resume=session_id if head else None,
            resume_session_at=head.uuid if head else None,
            model=engine.model,
            system_prompt={"type": "file", "path": str(engine.home / "orders.md")},
            tools=[AGENT] if engine.specialists else [],
            allowed_tools=[*self._desk.allowed, *allowed(engine.specialists)],
            disallowed_tools=list(DENIED) if engine.specialists else [],
            agents=definitions(engine.specialists, self._gate.described) or None,
            mcp_servers={SERVER: self._desk.server()},
            strict_mcp_config=True,
            setting_sources=[],
            skills=[],
            permission_mode="dontAsk",
            hooks={
                "PreToolUse": [HookMatcher(hooks=[self._guard])],
                "PostToolUseFailure": [HookMatcher(matcher=AGENT, hooks=[self._tell_instead])],
            },
            max_turns=engine.most_steps,
            max_buffer_size=LARGEST_LINE,
            env=self._environment(session_id),
            stderr=lambda _line: None,
        )

    def _environment(self, session_id: str) -> dict[str, str]:
        """Name all that the CLI shall see; the launcher lets nothing else of the daemon's environment through."""
        engine = self.engine
        seen = {
            "HOME": str(engine.home),
            "TMPDIR": str(engine.home / "tmp"),
            "CLAUDE_CONFIG_DIR": str(engine.config),
            "ANTHROPIC_BASE_URL": engine.base_url,
            "ANTHROPIC_API_KEY": engine.api_key(),
            "API_TIMEOUT_MS": str(int(engine.turn_seconds * 1000)),
            "CLAUDE_CODE_MAX_RETRIES": str(engine.api_retries),
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(LONGEST_ANSWER),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
            "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
            "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
            "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
            "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
            "DISABLE_AUTO_COMPACT": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        return {
            **seen,
            "CLERKD_ENV": ",".join(seen),
            "CLERKD_PARENT": str(os.getpid()),
            "CLERKD_LOCK": str(engine.lock(session_id)),
            "CLERKD_CLI": str(bundled_cli()),
        }

    async def _until_gone(self, session_id: str) -> None:
        """Wait until no CLI holds the session's lock; end one that does not go by itself."""
        try:
            async with asyncio.timeout(GONE_SECONDS):
                while self._is_held(session_id):  # noqa: ASYNC110 - another process holds it: no event tells
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            self._kill(session_id)
            await asyncio.sleep(1)
            if self._is_held(session_id):
                message = "an earlier engine still holds the session"
                raise EngineError(message) from None

    def _is_held(self, session_id: str) -> bool:
        try:
            descriptor = os.open(self.engine.lock(session_id), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _kill(self, session_id: str) -> None:
        """Kill the holder of the lock; while it is held, the number in the file is the holder's."""
        if self._is_held(session_id):
            with suppress(OSError, ValueError):
                os.kill(int(self.engine.lock(session_id).read_text()), signal.SIGKILL)


def bundled_cli() -> Path:
    """Find the CLI inside the SDK's wheel; raise FatalError where this platform's wheel has none."""
    cli = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
    if not cli.is_file():
        message = f"the SDK's bundled CLI is not at {cli}: install claude-agent-sdk from a wheel for this platform"
        raise FatalError(message)
    return cli


async def _once(uuid: str, prompt: str) -> AsyncIterator[dict[str, Any]]:
    yield {
        "type": "user",
        "uuid": uuid,
        "client_composed": True,
        "message": {"role": "user", "content": prompt},
        "parent_tool_use_id": None,
        "session_id": "default",
    }
