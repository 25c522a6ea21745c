"""Servers of the Model Context Protocol outside of this house: reached over a pipe or by HTTP, by the daemon itself."""

import json
import logging
import math
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult, TextContent, Tool

from daemon.agent import confine
from daemon.errors import FatalError

# The protocol's package logs what it cannot read, with its words: mail must not get into the journal that way.
for _logger in ("mcp", "client"):
    logging.getLogger(_logger).setLevel(logging.CRITICAL + 1)
START_SECONDS = 10  # the engine waits 30 for a server of a specialist (measured), and works on without it then
MOST_PAGES = 10  # of a list of tools
LONGEST_RESULT = 20_000  # characters; of more than 25,000 tokens the engine makes a file and says where (measured)
CUT = "\n[The rest was cut off: {} characters in all.]"
NOT_STARTED = "the MCP server {} does not start, or does not list its tools, within {} seconds"
UNREACHABLE = "The server {} cannot be reached any more. Go on without it."
TOO_SLOW = "The server {} did not answer within {:g} seconds. Go on without it."


@dataclass(frozen=True)
class Server:
    """One that is configured: ``command`` for a process, or else ``url``; ``tools`` are those that may be called.

    ``values`` reads its environment or its headers, secrets among them, when it is needed; ``seconds`` bound a call.
    """

    name: str
    tools: tuple[str, ...]
    seconds: float
    values: Callable[[], Mapping[str, str]]
    command: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Result:
    """What came of a call; ``size`` is in characters, before anything was cut off."""

    text: str
    error: bool
    size: int = 0


class OutsideError(Exception):
    """A server cannot be worked with; the text names it, and holds nothing of what it said."""


class Outside:
    """A server that is connected: the allowed tools that it has, and calls of them."""

    def __init__(self, server: Server, client: Client, tools: list[Tool]) -> None:
        """``tools`` are all that it lists."""
        self._server = server
        self._client = client
        self.tools = [tool for tool in tools if tool.name in server.tools]

    @property
    def missing(self) -> list[str]:
        """Name the allowed tools that it does not have."""
        return [name for name in self._server.tools if name not in [tool.name for tool in self.tools]]

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Result:
        """Call a tool; whatever goes wrong is said in words."""
        name, seconds = self._server.name, self._server.seconds
        try:
            with anyio.fail_after(seconds):
                return _result(await self._client.call_tool(tool, dict(arguments)))
        except TimeoutError:
            return Result(TOO_SLOW.format(name, seconds), error=True)
        except Exception:  # noqa: BLE001 - whatever a server outside does, the specialist goes on
            return Result(UNREACHABLE.format(name), error=True)


@asynccontextmanager
async def reaching(server: Server) -> AsyncIterator[Outside]:
    """Connect to a server and list its tools; raise OutsideError where that is not done in time."""
    connected = False
    try:
        with anyio.CancelScope(deadline=anyio.current_time() + START_SECONDS) as start:
            async with AsyncExitStack() as stack:
                values = await anyio.to_thread.run_sync(server.values)
                client = await stack.enter_async_context(await _client(server, values, stack))
                outside = Outside(server, client, await _listed(client))
                connected, start.deadline = True, math.inf
                yield outside
    except FatalError as error:  # a secret that is not there
        raise OutsideError(f"the MCP server {server.name}: {error}") from None
    except Exception:
        if connected:
            raise
    if not connected:  # whatever it failed by: a server outside may fail in any way
        raise OutsideError(NOT_STARTED.format(server.name, START_SECONDS))


async def _client(server: Server, values: Mapping[str, str], stack: AsyncExitStack) -> Client:
    if server.url:
        http = await stack.enter_async_context(create_mcp_http_client(headers=dict(values)))
        return Client(streamable_http_client(server.url, http_client=http), cache=None)
    nowhere = stack.enter_context(_nowhere())
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-I", confine.__file__, *server.command],
        env={**values, "CLERKD_ENV": ",".join(values), "CLERKD_PARENT": str(os.getpid())},
        cwd="/",
    )
    return Client(stdio_client(parameters, errlog=nowhere), cache=None)


def _nowhere() -> TextIO:
    """Open the place for what a server says besides: it may hold mail, so no log may have it."""
    return Path(os.devnull).open("w", encoding="utf-8")


async def _listed(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


def _result(answer: CallToolResult) -> Result:
    """Give the text of an answer; what is none is only named."""
    parts = [part.text if isinstance(part, TextContent) else f"[{part.type} left out]" for part in answer.content]
    text = "\n".join(parts) or json.dumps(answer.structured_content, ensure_ascii=False)
    cut = text[:LONGEST_RESULT] + CUT.format(len(text)) if len(text) > LONGEST_RESULT else text
    return Result(cut, answer.is_error, len(text))
