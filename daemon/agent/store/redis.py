"""A session store in Redis: a list of lines for each transcript, and what is known of it in a hash.

How durable it is, the server's own configuration decides (``appendonly yes``).
"""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from claude_agent_sdk import SessionKey, SessionStoreListEntry, SessionSummaryEntry
from claude_agent_sdk.types import SessionListSubkeysKey
from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

from daemon.agent.store.base import LineStore, Place, StoreError, TakenError, conflict, folded, place_of

TRIES = 5  # of a transaction that another one came into


class RedisStore(LineStore):
    """Keeps lines as members of a list; a transaction that another came into is begun again."""

    def __init__(self, url: str, password: str | None, seconds: float) -> None:
        """``seconds`` is how long the server may take to answer; nothing is opened yet."""
        super().__init__()
        # Its types give bytes or text for every answer, whichever was asked for.
        self._redis: Any = Redis.from_url(
            url, password=password, decode_responses=True, socket_timeout=seconds, socket_connect_timeout=seconds
        )

    async def hold(self, project: str) -> None:
        """Take a project over."""
        async with _told():
            await self._redis.set(_holder(project), self.me)

    async def touch(self, project: str) -> None:
        """Write that it is still held."""

        async def write(pipe: Any) -> None:  # noqa: ANN401 - as the client
            pipe.multi()
            pipe.set(_holder(project), self.me)

        await self._change(Place(project, ""), write)

    async def add(self, place: Place, lines: Sequence[str], at: int | None = None) -> None:
        """Append lines."""

        async def write(pipe: Any) -> None:  # noqa: ANN401 - as the client
            found = int(await pipe.llen(_lines(place)))
            if at is not None and found != at:
                raise conflict(found, at)
            summary = folded(place, await pipe.hget(_head(place), "summary"), lines)
            pipe.multi()
            pipe.rpush(_lines(place), *lines)
            self._write_head(pipe, place, summary)

        await self._change(place, write)

    async def cut(self, place: Place, count: int) -> None:
        """Keep the first lines."""

        async def write(pipe: Any) -> None:  # noqa: ANN401 - as the client
            left = await pipe.lrange(_lines(place), 0, count - 1) if count else []
            pipe.multi()
            if count:
                pipe.ltrim(_lines(place), 0, count - 1)
            else:
                pipe.delete(_lines(place))
            self._write_head(pipe, place, folded(place, None, left))

        await self._change(place, write)

    async def tail(self, place: Place, most: int | None = None) -> list[str]:
        """Give the last lines."""
        async with _told():
            return list(await self._redis.lrange(_lines(place), -most if most else 0, -1))

    async def read(self, place: Place, first: int, most: int) -> list[str]:
        """Give lines from a number on."""
        async with _told():
            return list(await self._redis.lrange(_lines(place), first, first + most - 1))

    async def count(self, place: Place) -> int:
        """Count the lines."""
        async with _told():
            return int(await self._redis.llen(_lines(place)))

    async def delete(self, key: SessionKey) -> None:
        """Delete a session with all of its transcripts, or one of a subagent."""
        place = place_of(key)
        async with _told():
            if place.subpath:
                await self._redis.delete(_lines(place), _head(place))
                await self._redis.srem(_subpaths(place), place.subpath)
                return
            subpaths = await self._redis.smembers(_subpaths(place))
            places = [place, *(Place(place.project, place.session, subpath) for subpath in subpaths)]
            names = [name for each in places for name in (_lines(each), _head(each))]
            await self._redis.delete(*names, _subpaths(place))
            await self._redis.srem(_sessions(place.project), place.session)

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """List the sessions of a project."""
        return [{"session_id": session, "mtime": written} for session, written, _data in await self._mains(project_key)]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """List the SDK's summaries of a project's sessions."""
        return [
            {"session_id": session, "mtime": written, "data": json.loads(data)}
            for session, written, data in await self._mains(project_key)
        ]

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """List the transcripts of a session's subagents."""
        async with _told():
            return list(await self._redis.smembers(_subpaths(Place(key["project_key"], key["session_id"]))))

    async def close(self) -> None:
        """End all connections."""
        await self._redis.aclose()

    async def _mains(self, project: str) -> list[tuple[str, int, str]]:
        found = []
        async with _told():
            for session in await self._redis.smembers(_sessions(project)):
                head = await self._redis.hgetall(_head(Place(project, session)))
                if head and await self._redis.exists(_lines(Place(project, session))):
                    found.append((session, int(head["written_ms"]), head["summary"]))
        return found

    def _write_head(self, pipe: Any, place: Place, summary: str) -> None:  # noqa: ANN401 - as the client
        pipe.set(_holder(place.project), self.me)
        pipe.hset(_head(place), mapping={"written_ms": int(time.time() * 1000), "summary": summary})
        if place.subpath:
            pipe.sadd(_subpaths(place), place.subpath)
        else:
            pipe.sadd(_sessions(place.project), place.session)

    async def _change(self, place: Place, write: Any) -> None:  # noqa: ANN401 - an async function of the pipe
        """Change something as long as nobody else holds the project, all or nothing."""
        async with _told(), self._redis.pipeline(transaction=True) as pipe:
            for _ in range(TRIES):
                try:
                    await pipe.watch(_holder(place.project), _lines(place), _head(place))
                    if await pipe.get(_holder(place.project)) not in (None, self.me):
                        raise TakenError
                    await write(pipe)
                    await pipe.execute()
                except WatchError:
                    continue
                return
            message = "the session store is changed by somebody else at the same time"
            raise StoreError(message)


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        message = f"the session store cannot be used: {type(error).__name__}"
        raise StoreError(message) from None


def _name(kind: str, *parts: str) -> str:
    """Name a key; a part is written so that no two of them can be taken for each other."""
    return ":".join(["clerkd", kind, *(json.dumps(part) for part in parts)])


def _holder(project: str) -> str:
    return _name("holder", project)


def _lines(place: Place) -> str:
    return _name("lines", place.project, place.session, place.subpath)


def _head(place: Place) -> str:
    return _name("head", place.project, place.session, place.subpath)


def _sessions(project: str) -> str:
    return _name("sessions", project)


def _subpaths(place: Place) -> str:
    return _name("subpaths", place.project, place.session)
