"""What the real engine does, where turns and money lean on it: a new SDK that changes one of these is seen here."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from claude_agent_sdk import AssistantMessage, ResultMessage

from daemon.agent.session import Engine, EngineError, Session
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head
from daemon.judgement.decision import Latitude
from daemon.rehearsal.model import Answer, Body, StandIn, text


def answer(_body: Body) -> Answer:
    """Answer without a tool."""
    return Answer((text("Yes."),))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Give a session of an engine that is started with nothing of this machine's."""
    with StandIn(answer) as model:
        desk = tmp_path / "desk"
        engine = Engine(tmp_path, desk, "claude-sonnet-5", model.url, lambda: "a-key", 30, 20, 0, "Be kind.")
        yield Session(engine, Desk(Latitude(("question",))))


def play(session: Session, act: Callable[[], Awaitable[None]]) -> None:
    """Run the test's part, and end the engine."""

    async def whole() -> None:
        try:
            await asyncio.wait_for(act(), 60)
        finally:
            await session.close()

    asyncio.run(whole())


async def say(session: Session, prompt: str = "") -> tuple[ResultMessage, str]:
    """Put a prompt; give its result, and the last entry of the turn."""
    last, result = "", None
    async for message in session.put(prompt or str(uuid.uuid4()), "Is it open?"):
        if isinstance(message, AssistantMessage):
            last = message.uuid or last
        elif isinstance(message, ResultMessage):
            result = message
    assert result
    return result, last


def outputs(result: ResultMessage) -> int:
    """Give the tokens that a result says were written."""
    return int((result.usage or {})["output_tokens"])


@pytest.mark.exhaustive
def test_usage_is_the_turns_and_the_dollars_are_the_sessions(session: Session) -> None:
    """So what a turn cost is counted from its usage."""

    async def act() -> None:
        await session.open(str(uuid.uuid4()), None)
        first, _ = await say(session)
        second, _ = await say(session)
        assert outputs(first) == outputs(second) > 0
        assert (second.total_cost_usd or 0) > (first.total_cost_usd or 0) > 0

    play(session, act)


@pytest.mark.exhaustive
def test_the_engines_dollars_begin_anew_after_a_kill(session: Session) -> None:
    """Who counted on them would lose what was spent before it."""

    async def act() -> None:
        name = str(uuid.uuid4())
        await session.open(name, None)
        await say(session)
        before, last = await say(session)
        head = Head(last, session.engine.transcript(name).stat().st_size)
        await session.abandon()
        await session.open(name, head)
        after, _ = await say(session)
        assert (after.total_cost_usd or 0) < (before.total_cost_usd or 0)

    play(session, act)


@pytest.mark.exhaustive
def test_a_prompt_that_the_session_has_seen_is_skipped_in_silence(session: Session) -> None:
    """No result ever comes: so each attempt has a uuid of its own."""

    async def act() -> None:
        await session.open(str(uuid.uuid4()), None)
        prompt = str(uuid.uuid4())
        await say(session, prompt)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(say(session, prompt), 3)

    play(session, act)


@pytest.mark.exhaustive
def test_the_id_of_a_session_whose_first_turn_did_not_settle_is_taken(session: Session) -> None:
    """So another one begins, under an id of its own."""

    async def act() -> None:
        name = str(uuid.uuid4())
        await session.open(name, None)
        await say(session)
        await session.abandon()
        with pytest.raises(EngineError):
            await session.open(name, None)
        await session.open(str(uuid.uuid4()), None)

    play(session, act)
