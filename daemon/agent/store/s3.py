"""A session store in S3, or whatever speaks its protocol with conditional writes (``If-None-Match``).

A transcript is a row of objects, each named by the number of its first line. A part is written only where there is none
yet, so of two who append at the same place one is refused; and who has taken the session over meanwhile finds a late
part of the other where the two do not agree, and cuts it off.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from claude_agent_sdk import SessionKey, SessionStoreListEntry, SessionSummaryEntry
from claude_agent_sdk.types import SessionListSubkeysKey

from daemon.agent.store.base import LineStore, Place, StoreError, TakenError, conflict, folded, place_of
from daemon.agent.store.deadline import in_time

T = TypeVar("T")
CALLS = 5  # of the server's that make one of ours: each may take its time
MAIN, OF_SUBAGENT = "main", "sub-"
LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict")


@dataclass(frozen=True)
class Bucket:
    """Where it is, and with which key; without one, the machine's own role or profile is used."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = None


class S3Store(LineStore):
    """Keeps lines as objects."""

    def __init__(self, bucket: Bucket, seconds: float) -> None:
        """``seconds`` is how long the server may take to answer; nothing is opened yet."""
        super().__init__()
        self._bucket = bucket.name
        self._root = f"{bucket.prefix.strip('/')}/" if bucket.prefix.strip("/") else ""
        waits = Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 2})
        self._client = boto3.client(
            "s3",
            endpoint_url=bucket.endpoint,
            region_name=bucket.region,
            aws_access_key_id=bucket.key_id,
            aws_secret_access_key=bucket.secret,
            config=waits,
        )
        self._seconds = seconds

    async def hold(self, project: str) -> None:
        """Take a project over."""
        await self._run(lambda: self._put(self._holder(project), self.me))

    async def touch(self, project: str) -> None:
        """Write that it is still held."""

        def write() -> None:
            self._see_holder(project)
            self._put(f"{self._project(project)}touched", str(time.time()))

        await self._run(write)

    async def add(self, place: Place, lines: Sequence[str], at: int | None = None) -> None:
        """Append lines."""
        await self._run(lambda: self._add(place, lines, at))

    async def tail(self, place: Place, most: int | None = None) -> list[str]:
        """Give the last lines."""
        return await self._run(lambda: self._tail(place, most))

    async def read(self, place: Place, first: int, most: int) -> list[str]:
        """Give lines from a number on."""
        return await self._run(lambda: self._read(place, first, most))

    async def count(self, place: Place) -> int:
        """Count the lines."""
        return await self._run(lambda: self._count(place))

    async def cut(self, place: Place, count: int) -> None:
        """Keep the first lines."""
        await self._run(lambda: self._cut(place, count))

    async def delete(self, key: SessionKey) -> None:
        """Delete a session with all of its transcripts, or one of a subagent."""
        place = place_of(key)
        prefix = self._transcript(place) if place.subpath else self._session(place)
        await self._run(lambda: self._remove(self._names(prefix)))

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """List the sessions of a project."""
        return [{"session_id": name, "mtime": head["written_ms"]} for name, head in await self._mains(project_key)]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """List the SDK's summaries of a project's sessions."""
        return [
            {"session_id": name, "mtime": head["written_ms"], "data": head["summary"]}
            for name, head in await self._mains(project_key)
        ]

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """List the transcripts of a session's subagents."""
        session = self._session(Place(key["project_key"], key["session_id"]))
        names = await self._run(lambda: self._names(session))
        found = {name.removeprefix(session).partition("/")[0] for name in names}
        return [unquote(name.removeprefix(OF_SUBAGENT)) for name in sorted(found) if name.startswith(OF_SUBAGENT)]

    async def close(self) -> None:
        """End all connections."""
        self._client.close()

    async def _mains(self, project: str) -> list[tuple[str, dict[str, Any]]]:
        prefix = self._project(project)

        def read() -> list[tuple[str, dict[str, Any]]]:
            names = [name for name in self._names(prefix) if name.endswith(f"/{MAIN}/head.json")]
            heads = [(unquote(name.removeprefix(prefix).partition("/")[0]), self._get(name)) for name in names]
            return [(session, json.loads(head)) for session, head in heads if head]

        return await self._run(read)

    async def _run(self, work: Callable[[], T]) -> T:
        return await in_time(lambda: _told(work), CALLS * self._seconds)

    def _add(self, place: Place, lines: Sequence[str], at: int | None) -> None:
        self._see_holder(place.project)
        first = self._count(place)
        if at is not None and first != at:
            raise conflict(first, at)
        self._put_new(self._part(place, first), "".join(f"{line}\n" for line in lines), count=len(lines))
        self._see_holder(place.project)
        self._write_head(place, self._head(place), lines)

    def _see_holder(self, project: str) -> None:
        """See that nobody else holds the project; where nobody does, take it."""
        found = self._get(self._holder(project))
        if not found:
            self._put_new(self._holder(project), self.me)
        elif found != self.me:
            raise TakenError

    def _cut(self, place: Place, count: int) -> None:
        """Remove the parts behind the cut, the last one first, then write the part in which it is anew."""
        self._see_holder(place.project)
        parts = self._parts(place)
        behind = [name for first, name in parts if first >= count]
        self._remove(behind[::-1])
        if (kept := [pair for pair in parts if pair[0] < count]) and count < self._count(place):
            first, name = kept[-1]
            lines = self._lines(name)[: count - first]
            self._put(name, "".join(f"{line}\n" for line in lines), count=len(lines))
        left = self._tail(place, None)
        self._write_head(place, None, left)
        if not left:
            self._remove([f"{self._transcript(place)}head.json"])
        self._see_holder(place.project)  # whoever took it over meanwhile may have written behind what was cut

    def _write_head(self, place: Place, before: str | None, lines: Sequence[str]) -> None:
        head = {"written_ms": int(time.time() * 1000), "summary": json.loads(folded(place, before, lines))}
        self._put(f"{self._transcript(place)}head.json", json.dumps(head))

    def _head(self, place: Place) -> str | None:
        """Give the SDK's summary of a transcript, as JSON."""
        found = self._get(f"{self._transcript(place)}head.json")
        return json.dumps(json.loads(found)["summary"]) if found else None

    def _count(self, place: Place) -> int:
        parts = self._parts(place)
        if not parts:
            return 0
        first, name = parts[-1]
        head = self._client.head_object(Bucket=self._bucket, Key=name)
        return first + int(head["Metadata"]["count"])

    def _tail(self, place: Place, most: int | None) -> list[str]:
        lines: list[str] = []
        for _first, name in reversed(self._parts(place)):
            lines = self._lines(name) + lines
            if most is not None and len(lines) >= most:
                return lines[-most:]
        return lines

    def _read(self, place: Place, first: int, most: int) -> list[str]:
        lines: list[str] = []
        parts = self._parts(place)
        following = [start for start, _name in parts[1:]]
        for (start, name), end in zip(parts, [*following, first + most], strict=False):
            if end > first and len(lines) < most:
                lines += self._lines(name)[max(0, first - start) :]
        return lines[:most]

    def _lines(self, name: str) -> list[str]:
        return (self._get(name) or "").split("\n")[:-1]

    def _parts(self, place: Place) -> list[tuple[int, str]]:
        prefix = self._transcript(place)
        names = [name for name in self._names(prefix) if name.endswith(".jsonl")]
        return [(int(name.removeprefix(prefix).removesuffix(".jsonl")), name) for name in names]

    def _names(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _get(self, name: str) -> str | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=name)
        except self._client.exceptions.NoSuchKey:
            return None
        return str(found["Body"].read().decode())

    def _put(self, name: str, words: str, *, count: int = 0) -> None:
        self._client.put_object(Bucket=self._bucket, Key=name, Body=words.encode(), Metadata={"count": str(count)})

    def _put_new(self, name: str, words: str, *, count: int = 0) -> None:
        """Write an object only where there is none yet; one of the same words is ours, and its answer was lost."""
        body, metadata = words.encode(), {"count": str(count)}
        try:
            self._client.put_object(Bucket=self._bucket, Key=name, Body=body, Metadata=metadata, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in LOST_RACE:
                raise
            if self._get(name) != words:
                message = "the session store is changed by somebody else at the same time"
                raise StoreError(message) from None

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._client.delete_object(Bucket=self._bucket, Key=name)

    def _project(self, project: str) -> str:
        return f"{self._root}{_written(project)}/"

    def _session(self, place: Place) -> str:
        return f"{self._project(place.project)}{_written(place.session)}/"

    def _transcript(self, place: Place) -> str:
        return f"{self._session(place)}{OF_SUBAGENT + _written(place.subpath) if place.subpath else MAIN}/"

    def _holder(self, project: str) -> str:
        return f"{self._project(project)}holder"

    def _part(self, place: Place, first: int) -> str:
        return f"{self._transcript(place)}{first:012}.jsonl"


def _written(part: str) -> str:
    """Write a part of a name so that it holds no slash."""
    return quote(part, safe="")


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except ClientError as error:
        message = f"the session store refuses: {error.response['Error']['Code']}"
        raise StoreError(message) from None
    except BotoCoreError as error:
        message = f"the session store cannot be used: {type(error).__name__}"
        raise StoreError(message) from None
