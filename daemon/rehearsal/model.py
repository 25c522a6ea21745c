"""The stand-in for the Messages API: deterministic rules behind the real wire format.

It is a stand-in, not a model. It answers from nothing but the request that it is given, so what it
"remembers" is what the session's transcript really carried. Only the endpoints that the CLI needs are
answered: ``POST /v1/messages`` (streamed or whole) and ``GET /v1/models``.
"""

import asyncio
import json
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

Block = dict[str, Any]
Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the stand-in says: content blocks as the Messages API shapes them."""

    blocks: tuple[Block, ...]

    @property
    def stop_reason(self) -> str:
        """``tool_use`` where a tool is called, else ``end_turn``."""
        return "tool_use" if any(block["type"] == "tool_use" for block in self.blocks) else "end_turn"


Rules = Callable[[Body], Answer]


def text(words: str) -> Block:
    """Make a text block."""
    return {"type": "text", "text": words}


def tool_use(name: str, arguments: dict[str, Any]) -> Block:
    """Make a tool call with a fresh id."""
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": name, "input": arguments}


def tokens(value: object) -> int:
    """Estimate tokens as a quarter of the JSON's characters: a stand-in's count, not a tokenizer's."""
    return len(json.dumps(value, ensure_ascii=False)) // 4


def usage(body: Body, answer: Answer) -> dict[str, int]:
    """Count the request and the answer; the stand-in keeps no prompt cache."""
    spoken = {key: body.get(key) for key in ("system", "tools", "messages")}
    return {
        "input_tokens": tokens(spoken),
        "output_tokens": tokens(answer.blocks),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def whole(body: Body, answer: Answer) -> dict[str, Any]:
    """Shape the answer as a Messages API response."""
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "stand-in"),
        "content": list(answer.blocks),
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "usage": usage(body, answer),
    }


def _delta(block: Block) -> tuple[Block, Block]:
    """Split a block into its empty start and its one delta, as the stream sends it."""
    if block["type"] == "text":
        return {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
    partial = json.dumps(block["input"])
    return {**block, "input": {}}, {"type": "input_json_delta", "partial_json": partial}


def events(body: Body, answer: Answer) -> Iterator[bytes]:
    """Yield the answer as the server-sent events of a streamed response."""
    message = whole(body, answer)
    counted = message["usage"]
    head = {**message, "content": [], "stop_reason": None, "usage": {**counted, "output_tokens": 1}}
    yield _event("message_start", message=head)
    for index, block in enumerate(answer.blocks):
        start, delta = _delta(block)
        yield _event("content_block_start", index=index, content_block=start)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    stop = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage={"output_tokens": counted["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def build(rules: Rules, seen: list[Body]) -> Starlette:
    """Build the ASGI application; every request's body is appended to ``seen``."""

    async def messages(request: Request) -> Response:
        body: Body = await request.json()
        seen.append(body)
        answer = rules(body)
        if not body.get("stream"):
            return JSONResponse(whole(body, answer))

        async def stream() -> AsyncIterator[bytes]:
            for event in events(body, answer):
                yield event

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def models(_request: Request) -> Response:
        return JSONResponse({"data": [{"id": "stand-in", "type": "model"}], "has_more": False})

    return Starlette(
        routes=[
            Route("/v1/messages", messages, methods=["POST"]),
            Route("/v1/models", models, methods=["GET"]),
        ]
    )


@dataclass
class StandIn:
    """A running stand-in on a loopback port, in a thread of its own.

    ``wrap`` may put further ASGI middleware around the application.
    """

    rules: Rules
    wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app
    port: int = 0
    seen: list[Body] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The base URL to give to the session."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Listen at once, so that the port is known before the thread runs."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = self.wrap(build(self._answer, self.seen))
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        serve = self._server.serve(sockets=[listener])
        self._thread = threading.Thread(target=asyncio.run, args=(serve,), daemon=True)
        self._thread.start()
        return self

    def _answer(self, body: Body) -> Answer:
        return self.rules(body)

    def __exit__(self, *_exc: object) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
