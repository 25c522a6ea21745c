"""What the real engine does when it compacts: the facts that the upkeep of the session leans on."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import AssistantMessage, ResultMessage

from daemon.agent.compaction import Compaction, compact
from daemon.agent.farewell import Bound, Farewell, take_notes
from daemon.agent.session import Engine, Session
from daemon.agent.tools import Desk, Reads
from daemon.agent.transcript import Head, TranscriptError
from daemon.judgement.decision import Latitude
from daemon.judgement.facts import Sheet
from daemon.judgement.money import LIST_PRICES
from daemon.judgement.promises import Standing
from daemon.rehearsal.model import Answer, Body, StandIn, text, tool_use
from daemon.rehearsal.rules import NOTES, TO_NOTE, TO_SUM_UP, decide
from daemon.service.stop import Stop

LONG = "lorem ipsum " * 300
COUNT = 3
READS = Reads(lambda: "", str, str, lambda _page: "", Standing(date(2026, 11, 21)), Sheet(), "")


@pytest.fixture
def model() -> Iterator[StandIn]:
    """Serve the stand-in."""
    with StandIn(decide) as model:
        yield model


@pytest.fixture
def engine(tmp_path: Path, model: StandIn) -> Engine:
    """Say how the engine is started: with nothing of this machine's."""
    desk = tmp_path / "desk"
    return Engine(tmp_path, desk, "claude-sonnet-5", model.url, lambda: "a-dummy-key", 30, 20, 0, "Answer kindly.")


class Talk:
    """A conversation on an engine, and where its transcript stands."""

    def __init__(self, engine: Engine) -> None:
        """Nothing has been said."""
        self.desk = Desk(Latitude(("question", "other")))
        self.session = Session(engine, self.desk)
        self.id = str(uuid.uuid4())
        self.path = engine.transcript(self.id)

    async def turn(self, words: str = LONG) -> Head:
        """Put one mail, and give the head behind it."""
        self.desk.begin(READS)
        last = ""
        async for message in self.session.put(str(uuid.uuid4()), f"Subject: x\n\n{words}"):
            if isinstance(message, AssistantMessage):
                last = message.uuid or last
        self.desk.end()
        return Head(last, self.path.stat().st_size)

    async def compact(self) -> Compaction:
        """Compact what was said so far."""
        start = self.path.stat().st_size
        return await compact(self.session, self.id, start, "Keep case 1.", 30, Stop(1).patience)

    def entries(self, start: int = 0) -> list[dict[str, Any]]:
        """Read the transcript behind an offset."""
        return [json.loads(line) for line in self.path.read_bytes()[start:].splitlines()]


def bound(dollars: float = 1) -> Bound:
    """Say within which bounds notes are asked for."""
    return Bound(30, dollars, LIST_PRICES["claude-sonnet-5"], Stop(1).patience)


@asynccontextmanager
async def talking(engine: Engine) -> AsyncIterator[Talk]:
    """Hold a conversation of some mails."""
    talk = Talk(engine)
    await talk.session.open(talk.id, None)
    try:
        for _ in range(COUNT):
            await talk.turn()
        yield talk
    finally:
        await talk.session.close()


def hold(engine: Engine, act: Callable[[Talk], Awaitable[None]]) -> None:
    """Run the test's part in a conversation."""

    async def whole() -> None:
        async with talking(engine) as talk:
            await act(talk)

    asyncio.run(whole())


def test_a_compaction_frees_context_and_says_how_much(engine: Engine, model: StandIn) -> None:
    """The figures are those of the next request: the mails are gone from it, the summary is there."""

    async def act(talk: Talk) -> None:
        done = await talk.compact()
        assert done.failure == ""
        assert done.before > COUNT * len(LONG) / 4
        assert done.after < done.before / 2
        await talk.turn("short")
        assert LONG not in json.dumps(model.seen[-1]["messages"])
        assert "The stand-in sums up" in json.dumps(model.seen[-1]["messages"])

    hold(engine, act)


@pytest.mark.exhaustive
def test_its_instructions_reach_the_model(engine: Engine, model: StandIn) -> None:
    """They are what names the open cases."""

    async def act(talk: Talk) -> None:
        await talk.compact()
        asked = [body for body in model.seen if TO_SUM_UP in json.dumps(body["messages"])]
        assert len(asked) == 1
        assert "Keep case 1." in json.dumps(asked[0]["messages"])

    hold(engine, act)


@pytest.mark.exhaustive
def test_the_result_of_a_compaction_tells_no_usage_but_the_tally_grows(engine: Engine) -> None:
    """So the tally is what it is charged by."""

    async def act(talk: Talk) -> None:
        results = [message async for message in talk.session.command("/compact") if isinstance(message, ResultMessage)]
        assert results[0].usage
        assert results[0].usage["input_tokens"] == 0
        before = talk.session.tally
        assert before
        done = await talk.compact()
        assert done.usage.input_tokens > 0
        assert done.usage.output_tokens > 0

    hold(engine, act)


def test_a_session_resumes_behind_its_summary(engine: Engine, model: StandIn) -> None:
    """The head that the compaction gives is one that the engine takes, and what it holds is the summary."""

    async def act(talk: Talk) -> None:
        done = await talk.compact()
        assert done.head
        await talk.turn("this will be cut")
        await talk.session.close()
        await talk.session.open(talk.id, done.head)
        await talk.turn("short")
        said = json.dumps(model.seen[-1]["messages"])
        assert "The stand-in sums up" in said
        assert "this will be cut" not in said

    hold(engine, act)


@pytest.mark.exhaustive
def test_the_engine_refuses_to_resume_at_the_boundary(engine: Engine) -> None:
    """It is streamed, it stands in the transcript, and it is no place to go on from."""

    async def act(talk: Talk) -> None:
        await talk.compact()
        await talk.session.close()
        offset = 0
        for line in talk.path.read_bytes().splitlines(keepends=True):
            offset += len(line)
            entry = json.loads(line)
            if entry.get("subtype") == "compact_boundary":
                break
        with pytest.raises(TranscriptError):
            await talk.session.open(talk.id, Head(entry["uuid"], offset))

    hold(engine, act)


@pytest.mark.exhaustive
def test_a_session_can_be_cut_back_to_before_a_compaction(engine: Engine, model: StandIn) -> None:
    """The transcript keeps what was summed up: all of it is there again."""

    async def act(talk: Talk) -> None:
        head = await talk.turn("the last before")
        await talk.compact()
        await talk.turn("after it")
        await talk.session.close()
        await talk.session.open(talk.id, head)
        await talk.turn("short")
        said = json.dumps(model.seen[-1]["messages"])
        assert said.count(LONG) == COUNT
        assert "The stand-in sums up" not in said
        assert "after it" not in said

    hold(engine, act)


@pytest.mark.exhaustive
def test_a_compaction_that_the_model_refuses_is_a_failure(engine: Engine, model: StandIn) -> None:
    """A summary that never comes: nothing is believed."""

    def silent(body: Body) -> Answer:
        return Answer((text(""),)) if TO_SUM_UP in json.dumps(body["messages"]) else decide(body)

    async def act(talk: Talk) -> None:
        model.rules = silent
        done = await talk.compact()
        assert done.failure
        assert done.head is None

    hold(engine, act)


def test_notes_are_taken_on_the_cases_that_were_asked_about(engine: Engine) -> None:
    """And nothing is at hand afterwards."""

    async def act(talk: Talk) -> None:
        found = await take_notes(talk.session, talk.desk, frozenset({3, 7}), bound())
        assert sorted(found.notes) == [3, 7]
        assert found.failure == ""
        assert found.usage.input_tokens > 0

    hold(engine, act)


@pytest.mark.exhaustive
def test_notes_that_cost_more_than_their_bound_are_not_taken(engine: Engine) -> None:
    """And it is told what they cost."""

    async def act(talk: Talk) -> None:
        found = await take_notes(talk.session, talk.desk, frozenset({3}), bound(dollars=0.000001))
        assert found.notes == {}
        assert "it cost more than" in found.failure
        assert found.usage.input_tokens > 0

    hold(engine, act)


def notes_of(engine: Engine, model: StandIn, *calls: dict[str, Any]) -> Farewell:
    """Have a model call ``note_cases`` so, one call after the other, and give what is taken."""
    coming = list(calls)

    def rules(body: Body) -> Answer:
        said = json.dumps(body["messages"])
        if not TO_NOTE.search(said):
            return decide(body)
        return Answer((tool_use(NOTES, coming.pop(0)),)) if coming else Answer((text("Done."),))

    found: list[Farewell] = []

    async def act(talk: Talk) -> None:
        model.rules = rules
        found.append(await take_notes(talk.session, talk.desk, frozenset({3}), bound()))

    hold(engine, act)
    return found[0]


@pytest.mark.exhaustive
def test_notes_on_other_cases_are_refused(engine: Engine, model: StandIn) -> None:
    """The model never chooses a case."""
    assert notes_of(engine, model, {"notes": [{"case": 4, "note": "Pay at once."}]}).notes == {}


@pytest.mark.exhaustive
def test_a_note_that_is_too_long_can_be_corrected(engine: Engine, model: StandIn) -> None:
    """The refusal says what is wrong, and the last valid call counts."""
    long, short = {"notes": [{"case": 3, "note": "x" * 301}]}, {"notes": [{"case": 3, "note": "She waits."}]}
    assert notes_of(engine, model, long, short).notes == {3: "She waits."}
