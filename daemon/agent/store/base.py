"""What every session store does, whatever it is made of: lines in, the same lines out, for who holds the session."""

import json
import uuid
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from claude_agent_sdk import (
    SessionKey,
    SessionStore,
    SessionStoreEntry,
    SessionSummaryEntry,
    fold_session_summary,
)


class StoreError(Exception):
    """The store is out of reach or refuses; the text never holds what is stored."""


class TakenError(StoreError):
    """Another daemon has taken the project over: what this one appends must not be kept."""

    def __init__(self) -> None:
        """There is one thing to say."""
        super().__init__("another clerkd has taken the session over in the session store; only one may work it")


@dataclass(frozen=True)
class Place:
    """Where the lines of one transcript are; the main transcript of a session has no subpath."""

    project: str
    session: str
    subpath: str = ""


class LineStore(SessionStore):
    """A session store that keeps a transcript's lines as they are, byte for byte.

    Whoever appends first holds the project with all of its sessions, or whoever calls ``hold``; from then on an append
    of anybody else's is refused with TakenError. All calls raise StoreError where the store is out of reach.
    """

    def __init__(self) -> None:
        """Take a name of its own, unknown to all others."""
        self.me = uuid.uuid4().hex

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Append entries; a batch that stands at the end already was repeated, and is not appended twice."""
        lines = [dumped(entry) for entry in entries]
        if not lines:
            return
        has_ids = any("uuid" in entry for entry in entries)
        if has_ids and await self.tail(place_of(key), len(lines)) == lines:
            return
        await self.add(place_of(key), lines)

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """Give all entries in their order; None where there are none."""
        lines = await self.tail(place_of(key))
        return [json.loads(line) for line in lines] or None

    @abstractmethod
    async def hold(self, project: str) -> None:
        """Take a project over, from whomever had it."""

    @abstractmethod
    async def touch(self, project: str) -> None:
        """Write that it is still held, to see that the store can be written to; raise TakenError where it is not."""

    @abstractmethod
    async def add(self, place: Place, lines: Sequence[str], at: int | None = None) -> None:
        """Append lines, all or none. Where ``at`` is given, it must be how many there are.

        Raises TakenError where somebody else holds the project.
        """

    @abstractmethod
    async def tail(self, place: Place, most: int | None = None) -> list[str]:
        """Give the last lines in their order, or all; none where there is no such transcript."""

    @abstractmethod
    async def read(self, place: Place, first: int, most: int) -> list[str]:
        """Give so many lines from the one on that has this number, counted from 0; fewer only at the end."""

    @abstractmethod
    async def count(self, place: Place) -> int:
        """Say how many lines there are."""

    @abstractmethod
    async def cut(self, place: Place, count: int) -> None:
        """Keep the first so many lines; raise TakenError where somebody else holds the project."""

    @abstractmethod
    async def close(self) -> None:
        """End all connections."""


def place_of(key: SessionKey) -> Place:
    """Read the SDK's key."""
    return Place(key["project_key"], key["session_id"], key.get("subpath") or "")


def key_of(place: Place) -> SessionKey:
    """Write the SDK's key of a main transcript."""
    return {"project_key": place.project, "session_id": place.session}


def dumped(entry: SessionStoreEntry) -> str:
    """Write an entry as the CLI writes its lines."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def folded(place: Place, before: str | None, lines: Sequence[str]) -> str:
    """Fold lines into the SDK's summary, as JSON both; transcripts of subagents have none.

    A line that is no entry must not keep a transcript from being copied: it has no part in the summary.
    """
    if place.subpath:
        return "{}"
    earlier = SessionSummaryEntry(session_id=place.session, mtime=0, data=json.loads(before)) if before else None
    return json.dumps(fold_session_summary(earlier, key_of(place), list(_entries(lines)))["data"])


def _entries(lines: Sequence[str]) -> Iterator[SessionStoreEntry]:
    for line in lines:
        with suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield cast("SessionStoreEntry", entry)


def conflict(found: int, expected: int) -> StoreError:
    """Say that a transcript does not end where it should."""
    return StoreError(f"the session store holds {found} lines of the session where {expected} were expected")
