"""The gate through which a specialist's calls to servers outside leave the house: each is checked here, and noted.

The engine could reach such servers itself. It would hand them its environment, offer all of their tools, tell the
session's model of them, and write their secrets into its own memory (measured): so it knows only a bridge to this gate,
as a server of those specialists alone that may use it. Each handoff has connections of its own, so that no server keeps
anything of one mail for the next.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from sys import executable
from typing import Any

import anyio
from mcp.server.lowlevel import Server as Protocol
from mcp.shared.message import SessionMessage
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    jsonrpc_message_adapter,
)

from daemon.agent import bridge
from daemon.agent.outside import UNREACHABLE, Outside, OutsideError, Result, Server, reaching
from daemon.agent.tools import Desk, Staged
from daemon.judgement.handoffs import NO_MAIL, OutsideCall
from daemon.judgement.outside import REFUSED, Kept, OddArgumentsError, objection, words_of

LONGEST_LINE = 1_048_576  # bytes
CLOSE_SECONDS = 6  # a server that does not end by itself is killed after 4 at most
USE_ID = "claudecode/toolUseId"  # so the engine says which call of the model's it is (measured)
NOT_ANNOUNCED = "the call was not announced"
CUT_OFF = "the turn ended before it answered"
MOST_CALLS = 30  # of one server in a handoff: an answer of the model may hold any number of them
MOST_TOLD = 100_000  # characters of what a server said, the newest, that may be passed to it again
TOO_MANY_CALLS = f"no server is asked more than {MOST_CALLS} times in a handoff"
NOT_ALLOWED = "the tool is not on the list of those that are allowed"

Given = dict[str, str | list[str]]


def outside_tool(server: str, name: str) -> str:
    """Name a tool of a server outside as the engine does."""
    return f"mcp__{server}__{name}"


class Gate:
    """Listens for bridges at a socket in a directory that is the user's alone."""

    def __init__(self, place: Path, desk: Desk, servers: Iterable[Server], house: Callable[[], Kept]) -> None:
        """``house`` gives the secrets and instructions that never leave."""
        self._place = place
        self._desk = desk
        self._servers = {each.name: each for each in servers}
        self._house = house
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def described(self, names: Collection[str]) -> list[str | dict[str, Any]] | None:
        """Describe servers to the engine for one specialist: each a bridge to this gate."""
        args = ["-I", bridge.__file__, str(self._place)]
        known = [name for name in names if name in self._servers]
        return [{name: {"type": "stdio", "command": executable, "args": [*args, name]}} for name in known] or None

    async def open(self) -> None:
        """Begin to listen, where any server is configured."""
        if not self._servers or self._listener:
            return
        self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._place / "gate").unlink(missing_ok=True)
        listener = _bound(self._place)
        self._listener = await asyncio.start_unix_server(self._admit, sock=listener, limit=LONGEST_LINE)

    async def close(self) -> None:
        """Listen no more; the connections end with the engine, and what does not is ended here."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._connections.add(task)
        try:
            server = self._servers.get((await reader.readline()).decode().strip())
            if server:
                await self._attend(server, reader, writer)
        except Exception:  # noqa: BLE001, S110 - a broken connection is one that ends: the specialist goes on without it
            pass
        finally:
            writer.close()
            if task:
                self._connections.discard(task)

    async def _attend(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect to the server outside and speak for it; where it is out of reach, for one that has no tools."""
        try:
            async with reaching(server) as outside:
                await self._speak(_Counter(server, outside, self._desk, self._house), reader, writer)
        except OutsideError as error:
            if self._desk.at_hand:
                self._desk.at_hand.notes.append(str(error))
            await self._speak(_Counter(server, None, self._desk, self._house), reader, writer)

    async def _speak(self, counter: "_Counter", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol: Protocol[Any] = Protocol(
            counter.server.name, on_list_tools=counter.list_tools, on_call_tool=counter.call_tool
        )
        async with _streams(reader, writer) as (incoming, outgoing):
            await protocol.run(incoming, outgoing, protocol.create_initialization_options())


class _Counter:
    """Where one bridge is attended: lists the allowed tools, and lets through what may leave."""

    def __init__(self, server: Server, outside: Outside | None, desk: Desk, house: Callable[[], Kept]) -> None:
        self.server = server
        self._outside = outside
        self._desk = desk
        self._house = house
        self._calls = 0
        self._told = _described(outside.tools) if outside else ""  # what this server has said itself

    async def list_tools(self, _context: object, _params: PaginatedRequestParams | None) -> ListToolsResult:
        tools = self._outside.tools if self._outside else []
        plain = [Tool(name=each.name, description=each.description, input_schema=each.input_schema) for each in tools]
        return ListToolsResult(tools=plain)

    async def call_tool(self, _context: object, params: CallToolRequestParams) -> CallToolResult:
        turn, started = self._desk.at_hand, time.monotonic()
        if turn is None:
            return _said(Result(NO_MAIL, error=True))
        arguments = params.arguments or {}
        agent = turn.callers.get(str((params.meta or {}).get(USE_ID)), "")
        problem = await self._problem(turn, agent, params.name, arguments)
        call = OutsideCall(agent, self.server.name, params.name, arguments, problem is None, said=problem or CUT_OFF)
        at = len(turn.calls)
        turn.calls.append(call)  # before it leaves: a turn may end before the answer comes
        result = Result(problem, error=True) if problem else await self._let_out(params.name, arguments)
        seconds, said = time.monotonic() - started, result.text if result.error else ""
        turn.calls[at] = replace(call, error=result.error, seconds=seconds, size=result.size, said=said)
        return _said(result)

    async def _problem(self, turn: Staged, agent: str, tool: str, arguments: Mapping[str, object]) -> str | None:
        """Say why a call is not let out; whatever goes wrong while it is checked is a reason, too."""
        if not agent:  # there is no handoff that its row could belong to
            turn.notes.append(f"a call of {self.server.name}.{tool} was refused: {NOT_ANNOUNCED}")
            return REFUSED.format(NOT_ANNOUNCED)
        if tool not in self.server.tools:
            return REFUSED.format(NOT_ALLOWED)
        self._calls += 1  # before anything is waited for: calls come side by side
        if self._calls > MOST_CALLS:
            return REFUSED.format(TOO_MANY_CALLS)
        try:
            words = words_of(arguments)
            house = self._house()
            ground = await asyncio.to_thread(turn.reads.ground, words, self._told, house.orders)
            return await asyncio.to_thread(objection, words, replace(ground, secrets=house.secrets))
        except OddArgumentsError as error:
            return REFUSED.format(error)
        except Exception:  # noqa: BLE001 - what cannot be checked does not leave
            return REFUSED.format("it could not be checked")

    async def _let_out(self, tool: str, arguments: Mapping[str, object]) -> Result:
        if self._outside is None:
            return Result(UNREACHABLE.format(self.server.name), error=True)
        result = await self._outside.call(tool, arguments)
        self._told = f"{self._told}\n{result.text}"[-MOST_TOLD:]
        return result


def _described(tools: Iterable[Tool]) -> str:
    """Write down what a server said of its tools: the names of keys, and the values that may be chosen from."""
    return "\n".join(f"{each.name} {each.description} {json.dumps(each.input_schema)}" for each in tools)


def _said(result: Result) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=result.text)], is_error=result.error)


def _bound(place: Path) -> socket.socket:
    """Bind a socket by way of the open directory: its whole path may be longer than a socket's name can be."""
    directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"/proc/self/fd/{directory}/gate")
        listener.listen()
        return listener
    finally:
        os.close(directory)


@asynccontextmanager
async def _streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[tuple[Any, Any]]:
    """Make the protocol's streams of a socket: one JSON object a line."""
    put_in, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, take_out = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError, ValueError):
            async with put_in:
                while line := await reader.readline():
                    await put_in.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))

    async def write() -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            async with take_out:
                async for message in take_out:
                    line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    writer.write(f"{line}\n".encode())
                    await writer.drain()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        tasks.start_soon(write)
        try:
            yield incoming, outgoing
        finally:
            await outgoing.aclose()
            tasks.cancel_scope.cancel()
