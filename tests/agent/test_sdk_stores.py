"""What the SDK's own mirror does: the facts for which the session store is written by us, and not by it."""

import asyncio
import dataclasses
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from claude_agent_sdk import ClaudeAgentOptions, InMemorySessionStore, SessionKey, SessionStoreEntry

from daemon.agent.session import Engine, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head
from daemon.judgement.decision import Latitude
from daemon.rehearsal.model import Answer, Body, StandIn, text

pytestmark = pytest.mark.exhaustive


class Sdks(Session):
    """A session that the SDK itself mirrors."""

    def __init__(self, engine: Engine, store: InMemorySessionStore) -> None:
        """Mirror into this store."""
        super().__init__(engine, Desk(Latitude(("question",))))
        self.store = store

    def _options(self, session_id: str, head: Head | None) -> ClaudeAgentOptions:
        options = super()._options(session_id, head)
        return dataclasses.replace(options, session_store=self.store)

    async def say(self, words: str) -> None:
        """Put a prompt, and hear it out."""
        async for _message in self.put(str(uuid.uuid4()), words):
            pass


class Failing(InMemorySessionStore):
    """A store that fails while it is told to."""

    is_failing = False

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Append entries, or fail."""
        if self.is_failing:
            raise ConnectionError
        await super().append(key, entries)

    @property
    def words(self) -> str:
        """All that it holds."""
        return json.dumps(self._store)


def answer(_body: Body) -> Answer:
    """Answer without a tool."""
    return Answer((text("Yes."),))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Say how the engine is started: with nothing of this machine's."""
    with StandIn(answer) as model:
        yield Engine(tmp_path, tmp_path / "desk", "claude-sonnet-5", model.url, lambda: "a-key", 30, 20, 0, "Be kind.")


def play(act: Callable[[], Awaitable[None]]) -> None:
    """Run the test's part."""
    asyncio.run(asyncio.wait_for(act(), 60))


def test_its_mirror_holds_turns_that_never_settled(engine: Engine) -> None:
    """It writes as the engine does: what we would cut off the transcript stays in the store."""
    store, name = Failing(), str(uuid.uuid4())

    async def act() -> None:
        session = Sdks(engine, store)
        await session.open(name, None)
        await session.say("The first mail")
        await session.say("A mail whose turn is dropped afterwards")
        await session.abandon()

    play(act)
    assert "A mail whose turn is dropped" in store.words


def test_a_failed_append_of_its_mirror_is_a_silent_hole(engine: Engine) -> None:
    """The next one succeeds, and nobody would know from the store that a turn is missing."""
    store, name = Failing(), str(uuid.uuid4())

    async def act() -> None:
        session = Sdks(engine, store)
        await session.open(name, None)
        await session.say("The first mail")
        store.is_failing = True
        await session.say("The second mail")
        store.is_failing = False
        await session.say("The third mail")
        await session.close()

    play(act)
    assert "The first mail" in store.words
    assert "The second mail" not in store.words
    assert "The third mail" in store.words


def test_it_resumes_from_a_store_outside_of_our_directory(engine: Engine) -> None:
    """Even where the transcript is here: what the resumed session writes is not in it, so no turn could be proven."""
    store, name = Failing(), str(uuid.uuid4())

    async def act() -> None:
        session = Sdks(engine, store)
        await session.open(name, None)
        await session.say("The first mail")
        await session.close()
        path = engine.transcript(name)
        lines = path.read_bytes().splitlines(keepends=True)
        last = next(json.loads(line)["uuid"] for line in reversed(lines) if b'"type":"assistant"' in line)
        end = next(place for place, line in enumerate(lines) if last.encode() in line) + 1
        resumed = Sdks(engine, store)
        await resumed.open(name, Head(last, sum(map(len, lines[:end]))))
        await resumed.say("The second mail")
        await resumed.close()
        assert b"The second mail" not in path.read_bytes()
        assert "The second mail" in store.words

    play(act)
