"""One contract for all session stores, on real servers: the SDK's own, and what a copy needs on which we resume."""

import asyncio
import concurrent.futures
import itertools
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar, cast

import pytest
import redis
from claude_agent_sdk import SessionStoreEntry, list_sessions_from_store, project_key_for_directory
from claude_agent_sdk.testing import run_session_store_conformance
from sqlalchemy import Connection, make_url

from daemon.agent.store import redis as redis_store
from daemon.agent.store import sql
from daemon.agent.store.base import LineStore, Place, StoreError, TakenError, dumped, folded, key_of
from daemon.agent.store.redis import RedisStore
from daemon.agent.store.s3 import Bucket, S3Store
from daemon.agent.store.sql import SqlStore
from tests import databases
from tests.conftest import need
from tests.knowledge_server import new_database

T = TypeVar("T")


class Make:
    """The way to open one store, again and again."""

    def __init__(self, kind: Callable[..., LineStore], *arguments: object) -> None:
        """Open nothing yet."""
        self.kind, self._arguments = kind, arguments

    def __call__(self) -> LineStore:
        """Open another handle on the store."""
        return self.kind(*self._arguments, 5)


KINDS = ("sqlite", "postgresql", "redis", "s3")
NUMBERS = itertools.count()
PLACE = Place("clerkd", "5ad3c8b5-9ae5-4f51-8a8b-6f5f4b1a2c3d")
KEY = key_of(PLACE)
SUBAGENT = Place(PLACE.project, PLACE.session, "subagents/agent-1")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Run the servers once, those that are there."""
    with ExitStack() as stack:
        found = {"s3": stack.enter_context(databases.s3())}
        if databases.POSTGRES:
            found["postgresql"] = stack.enter_context(databases.postgres())
        if databases.REDIS:
            found["redis"] = stack.enter_context(databases.redis())
        yield found


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Make]:
    """Say how an empty store of a kind is had: each call gives the way to open one, again and again."""
    kind = request.param
    if kind == "sqlite":
        return lambda: Make(SqlStore, make_url(f"sqlite:///{tmp_path}/{next(NUMBERS)}.db"))
    servers = request.getfixturevalue("servers")
    need(servers.get(kind), f"{kind} is not installed (Debian: postgresql, redis-server)")
    if kind == "postgresql":
        url = make_url(servers[kind]).set(password=databases.PASSWORD)
        return lambda: Make(SqlStore, new_database(url))
    if kind == "redis":
        return lambda: Make(RedisStore, f"{servers[kind][:-1]}{next(NUMBERS)}", databases.PASSWORD)
    endpoint = servers[kind]
    return lambda: Make(S3Store, Bucket(databases.BUCKET, uuid.uuid4().hex, endpoint, "us-east-1", "k", "s"))


@pytest.fixture
def make(empty: Callable[[], Make]) -> Make:
    """Say how one store is opened."""
    return empty()


def play(make: Callable[[], LineStore], act: Callable[..., Awaitable[T]], handles: int = 1) -> T:
    """Open a store, perhaps several times, act on it, and close it."""

    async def perform() -> T:
        stores = [make() for _ in range(handles)]
        try:
            return await act(*stores)
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(perform())


def entry(name: str, **more: str) -> SessionStoreEntry:
    """Make an entry of a transcript."""
    return cast("SessionStoreEntry", {"type": "user", "uuid": name, **more})


def lines(*names: str) -> list[str]:
    """Make lines of a transcript."""
    return [dumped(entry(name)) for name in names]


@pytest.mark.exhaustive
def test_it_keeps_the_contract_of_the_sdk(empty: Callable[[], Make]) -> None:
    """The SDK's own conformance suite, with nothing left out; each of its stores begins empty."""
    opened: list[LineStore] = []

    def fresh() -> LineStore:
        opened.append(empty()())
        return opened[-1]

    async def perform() -> None:
        await run_session_store_conformance(fresh)
        for store in opened:
            await store.close()

    asyncio.run(perform())
    assert len(opened) >= 14


def test_a_line_comes_back_as_it_went_in_to_the_byte(make: Make) -> None:
    """Offsets in the transcript count bytes: another order of keys, or a letter written otherwise, would shift them."""
    written = [
        '{"b":1,"a":2.50,"type":"x"}',
        json.dumps({"type": "x", "t": "é\u2028\u0000\ud83d\ude00 \\ \" | ' %s :x {} \t"}),
        '{"type":"x","t":"é\u2028\u2029\x7f"}',
        f'{{"type":"x","t":"{"long " * 100_000}"}}',
    ]

    async def act(store: LineStore) -> list[str]:
        await store.add(PLACE, written)
        return await store.tail(PLACE)

    assert play(make, act) == written


def test_what_one_handle_wrote_another_reads(make: Make) -> None:
    """It is there when the call returns."""

    async def write(store: LineStore) -> None:
        await store.append(KEY, [entry("a"), entry("b")])

    async def read(store: LineStore) -> tuple[object, int, list[str]]:
        return await store.load(KEY), await store.count(PLACE), await store.tail(PLACE, 1)

    play(make, write)
    assert play(make, read) == ([entry("a"), entry("b")], 2, lines("b"))


def test_an_append_of_anybody_else_than_the_holder_is_refused(make: Make) -> None:
    """Whoever appends first holds the session; nothing of the other's is kept, for a subagent neither."""

    async def act(first: LineStore, second: LineStore) -> list[str]:
        await first.append(KEY, [entry("a")])
        with pytest.raises(TakenError):
            await second.append(KEY, [entry("b")])
        with pytest.raises(TakenError):
            await second.add(SUBAGENT, lines("c"))
        with pytest.raises(TakenError):
            await second.cut(PLACE, 0)
        await first.append(KEY, [entry("d")])
        assert await first.tail(SUBAGENT) == []
        return await first.tail(PLACE)

    assert play(make, act, 2) == lines("a", "d")


def test_who_takes_a_session_over_refuses_who_held_it(make: Make) -> None:
    """The old daemon may still live on a machine that was thought dead."""

    async def act(first: LineStore, second: LineStore) -> list[str]:
        await first.append(KEY, [entry("a")])
        await second.hold(PLACE.project)
        with pytest.raises(TakenError):
            await first.append(KEY, [entry("b")])
        await second.append(KEY, [entry("c")])
        return await second.tail(PLACE)

    assert play(make, act, 2) == lines("a", "c")


def test_a_successor_is_held_with_its_predecessor(make: Make) -> None:
    """A daemon that was taken over must not go on in a session that only it knows."""
    successor = Place(PLACE.project, "bb0d1b3c-27ac-44a4-b9a1-4dd1c7c4d1c2")

    async def act(first: LineStore, second: LineStore) -> list[str]:
        await first.add(PLACE, lines("a"))
        await second.hold(PLACE.project)
        with pytest.raises(TakenError):
            await first.add(successor, lines("b"))
        with pytest.raises(TakenError):
            await first.touch(PLACE.project)
        await second.touch(PLACE.project)
        return await second.tail(successor)

    assert play(make, act, 2) == []


def test_a_project_that_is_held_leaves_others_free(make: Make) -> None:
    """Several employees may share a store."""
    other = Place("another", PLACE.session)

    async def act(first: LineStore, second: LineStore) -> list[str]:
        await first.hold(PLACE.project)
        await second.add(other, lines("a"))
        return await second.tail(other)

    assert play(make, act, 2) == lines("a")


def test_an_append_at_the_wrong_place_is_refused(make: Make) -> None:
    """A copy with a hole is worse than none."""

    async def act(store: LineStore) -> list[str]:
        await store.add(PLACE, lines("a", "b"), at=0)
        for at in (0, 1, 3):
            with pytest.raises(StoreError, match=f"holds 2 lines of the session where {at} were expected"):
                await store.add(PLACE, lines("c"), at=at)
        await store.add(PLACE, lines("c"), at=2)
        return await store.tail(PLACE)

    assert play(make, act) == lines("a", "b", "c")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("first", "most"), [(0, 3), (2, 2), (1, 5), (5, 9), (6, 1), (0, 99)])
def test_lines_are_read_in_pieces(make: Make, first: int, most: int) -> None:
    """A long transcript is fetched piece by piece, whatever the batches were in which it came."""
    names = ["a", "b", "c", "d", "e", "f"]

    async def act(store: LineStore) -> list[str]:
        for batch in (names[:1], names[1:4], names[4:]):
            await store.add(PLACE, lines(*batch))
        return await store.read(PLACE, first, most)

    assert play(make, act) == lines(*names)[first : first + most]


def test_a_line_that_is_no_entry_is_kept_all_the_same(make: Make) -> None:
    """It has no part in the SDK's summary, and must not keep the rest from being copied."""
    odd = ["\ufffd no JSON", "3", '{"type":"x"}']

    async def act(store: LineStore) -> list[str]:
        await store.add(PLACE, odd)
        await store.add(PLACE, odd)
        return await store.tail(PLACE)

    assert play(make, act) == odd * 2


@pytest.mark.parametrize("kept", [0, 2, 4, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (1, 3, 5, 6))])
def test_a_cut_keeps_the_first_lines_and_forgets_the_rest(make: Make, empty: Callable[[], Make], kept: int) -> None:
    """Lines, count and the SDK's summary are those of a store that never held more, and it goes on from there."""
    names = ["a", "b", "c", "d", "e", "f"]

    async def act(store: LineStore) -> None:
        for batch in (names[:2], names[2:5], names[5:]):
            await store.append(KEY, [entry(name, timestamp="2026-01-01T00:00:00Z", lastPrompt=name) for name in batch])
        await store.cut(PLACE, kept)

    async def never(store: LineStore) -> None:
        for name in names[:kept]:
            await store.append(KEY, [entry(name, timestamp="2026-01-01T00:00:00Z", lastPrompt=name)])

    async def found(store: LineStore) -> object:
        summaries = await store.list_session_summaries("clerkd")
        return await store.load(KEY), await store.count(PLACE), [summary["data"] for summary in summaries]

    async def go_on(store: LineStore) -> list[str]:
        await store.hold(PLACE.project)
        await store.add(PLACE, lines("g"), at=kept)
        return await store.tail(PLACE, 1)

    other = empty()
    play(make, act)
    play(other, never)
    assert play(make, found) == play(other, found)
    assert play(make, go_on) == lines("g")


def test_a_batch_that_is_repeated_is_kept_once(make: Make) -> None:
    """The SDK's mirror repeats a batch whose outcome it does not know; entries without an id may be meant twice."""

    async def act(store: LineStore) -> int:
        for batch in ([entry("a")], [entry("b"), entry("c")], [entry("b"), entry("c")]):
            await store.append(KEY, batch)
        latch = cast("SessionStoreEntry", {"type": "mode"})
        await store.append(KEY, [latch])
        await store.append(KEY, [latch])
        return await store.count(PLACE)

    assert play(make, act) == 5


def test_the_sdk_lists_its_sessions(make: Make, tmp_path: Path) -> None:
    """Its helpers read the summaries that the store keeps."""
    key = {"project_key": project_key_for_directory(str(tmp_path)), "session_id": PLACE.session}
    prompt = cast("SessionStoreEntry", {"type": "user", "uuid": "a", "timestamp": "2026-01-01T00:00:00Z",
                                        "message": {"role": "user", "content": "When do you open?"}})  # fmt: skip

    async def act(store: LineStore) -> list[tuple[str, str | None]]:
        await store.append(key, [prompt])  # type: ignore[arg-type]
        found = await list_sessions_from_store(store, directory=str(tmp_path))
        return [(session.session_id, session.first_prompt) for session in found]

    assert play(make, act) == [(PLACE.session, "When do you open?")]


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(5))
def test_whoever_holds_it_only_appends_that_succeeded_are_kept_and_in_their_order(make: Make, seed: int) -> None:
    """Three handles append, take over and cut by chance."""
    chance = random.Random(seed)
    kept: list[str] = []

    async def act(*stores: LineStore) -> list[str]:
        for number in range(30):
            store = chance.choice(stores)
            wanted = lines(*(f"{number}-{ordinal}" for ordinal in range(chance.randint(1, 3))))
            match chance.choice(["add", "add", "hold", "cut"]):
                case "add":
                    try:
                        await store.add(PLACE, wanted)
                    except TakenError:
                        continue
                    kept.extend(wanted)
                case "hold":
                    await store.hold(PLACE.project)
                case "cut":
                    count = chance.randint(0, len(kept))
                    try:
                        await store.cut(PLACE, count)
                    except TakenError:
                        continue
                    del kept[count:]
            assert await chance.choice(stores).count(PLACE) == len(kept)
        return await stores[0].tail(PLACE)

    assert play(make, act, 3) == kept


def test_handles_that_append_at_the_same_time_never_lose_a_line(make: Make) -> None:
    """Of one holder's own calls each counts, whatever their order; where two collide, one is told."""

    async def act(store: LineStore) -> tuple[set[str], list[str]]:
        async def add(number: int) -> str:
            (line,) = lines(str(number))
            try:
                await store.add(PLACE, [line])
            except StoreError:
                return ""
            return line

        told = await asyncio.gather(*map(add, range(20)))
        return set(told) - {""}, await store.tail(PLACE)

    told, found = play(make, act)
    assert sorted(found) == sorted(told)
    assert told


UNREACHABLE: dict[str, Callable[[int], LineStore]] = {
    "postgresql": lambda port: SqlStore(make_url(f"postgresql://clerkd:secret-word@127.0.0.1:{port}/x"), 2),
    "redis": lambda port: RedisStore(f"redis://127.0.0.1:{port}/0", "secret-word", 2),
    "s3": lambda port: S3Store(Bucket("b", "", f"http://127.0.0.1:{port}", "us-east-1", "k", "secret-word"), 2),
    "sqlite": lambda _port: SqlStore(make_url("sqlite:////nowhere/store.db"), 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_out_of_reach_is_told_without_a_secret(kind: str) -> None:
    """Each call says so, and nothing else is raised."""
    port = databases.free_port()

    async def act(store: LineStore) -> None:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.hold(PLACE.project),
            lambda: store.add(PLACE, lines("a private word")),
            lambda: store.tail(PLACE),
            lambda: store.count(PLACE),
            lambda: store.cut(PLACE, 0),
            lambda: store.delete(KEY),
            lambda: store.list_sessions("clerkd"),
            lambda: store.list_session_summaries("clerkd"),
            lambda: store.list_subkeys({"project_key": "clerkd", "session_id": PLACE.session}),
        ]
        for call in calls:
            with pytest.raises(StoreError, match="the session store") as told:
                await call()
            assert "private" not in str(told.value)
            assert "secret-word" not in str(told.value)

    play(lambda: UNREACHABLE[kind](port), act)


def test_a_wrong_password_is_told(servers: dict[str, str]) -> None:
    """As what it is, not as a traceback."""
    need(servers.get("redis"), "redis is not installed (Debian: redis-server)")
    stores = [RedisStore(servers["redis"], "wrong", 2)]
    if "postgresql" in servers:
        stores.append(SqlStore(make_url(servers["postgresql"]).set(password="wrong"), 2))  # type: ignore[arg-type]

    async def act(store: LineStore) -> None:
        with pytest.raises(StoreError, match="the session store"):
            await store.count(PLACE)

    for store in stores:
        play(lambda store=store: store, act)  # type: ignore[misc]


@pytest.mark.parametrize("empty", ["sqlite", "postgresql"], indirect=True)
def test_a_takeover_in_the_middle_of_an_append_in_sql_waits_for_its_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the project sees all that was kept before: the look at the holder locks it to the end."""
    found: list[int] = []

    async def act(first: LineStore, second: LineStore) -> None:
        await first.add(PLACE, lines("a"))
        count, loop = sql._count, asyncio.get_running_loop()
        takeovers: list[concurrent.futures.Future[None]] = []

        async def take_over() -> None:
            await second.hold(PLACE.project)
            found.append(await second.count(PLACE))

        def counting(connection: Connection, place: Place) -> int:
            if not takeovers:
                takeovers.append(asyncio.run_coroutine_threadsafe(take_over(), loop))
                time.sleep(0.5)
            return count(connection, place)

        monkeypatch.setattr(sql, "_count", counting)
        await first.add(PLACE, lines("b"))
        await asyncio.wrap_future(takeovers[0])

    play(make, act, 2)
    assert found == [2]


def test_a_takeover_in_the_middle_of_an_append_in_redis_refuses_it(
    servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction sees that the holder has changed since it looked."""
    need(servers.get("redis"), "redis is not installed (Debian: redis-server)")
    url = f"{servers['redis'][:-1]}{next(NUMBERS)}"
    other = redis.Redis.from_url(url, password=databases.PASSWORD)

    async def act(store: LineStore) -> list[str]:
        def folding(place: Place, before: str | None, written: Sequence[str]) -> str:
            other.set(redis_store._holder(PLACE.project), "another")
            return folded(place, before, written)

        monkeypatch.setattr(redis_store, "folded", folding)
        with pytest.raises(TakenError):
            await store.add(PLACE, lines("a"))
        return await store.tail(PLACE)

    assert play(Make(RedisStore, url, databases.PASSWORD), act) == []
    other.close()


class Interrupted(S3Store):
    """A store in S3 in which something happens just before a part is written, or whose answers are lost."""

    before_part: Callable[[], None] | None = None
    loses_answers = False

    def _put_new(self, name: str, words: str, *, count: int = 0) -> None:
        if self.before_part and name.endswith(".jsonl"):
            self.before_part()
        super()._put_new(name, words, count=count)
        if self.loses_answers:  # then the client says it again
            super()._put_new(name, words, count=count)


@pytest.fixture
def bucket(servers: dict[str, str]) -> Bucket:
    """Give a place of its own in S3."""
    return Bucket(databases.BUCKET, uuid.uuid4().hex, servers["s3"], "us-east-1", "k", "s")


def test_of_two_parts_at_one_place_in_s3_the_first_is_kept(bucket: Bucket) -> None:
    """The other one is told, and must ask anew how far the store is."""

    async def act(first: Interrupted) -> list[str]:
        second = S3Store(bucket, 5)

        def write() -> None:
            second._put(second._holder(PLACE.project), second.me)
            second._add(PLACE, lines("b"), 0)

        first.before_part = write
        with pytest.raises(StoreError):
            await first.add(PLACE, lines("a"))
        return await second.tail(PLACE)

    assert play(Make(Interrupted, bucket), act) == lines("b")


def test_a_late_part_in_s3_is_told_to_its_writer_and_found_by_the_new_holder(bucket: Bucket) -> None:
    """It was taken over after it looked at the holder: the new one sees more than it knows of, and cuts it off."""

    async def act(first: Interrupted) -> list[str]:
        second = S3Store(bucket, 5)
        first.before_part = lambda: second._put(second._holder(PLACE.project), second.me)
        with pytest.raises(TakenError):
            await first.add(PLACE, lines("a"))
        assert await second.count(PLACE) == 1
        await second.cut(PLACE, 0)
        await second.add(PLACE, lines("b"), at=0)
        return await second.tail(PLACE)

    assert play(Make(Interrupted, bucket), act) == lines("b")


@pytest.mark.exhaustive
def test_a_part_whose_answer_was_lost_is_no_strangers(bucket: Bucket) -> None:
    """The client says it again, and finds its own."""

    async def act(store: Interrupted) -> list[str]:
        store.loses_answers = True
        await store.add(PLACE, lines("a"))
        await store.add(PLACE, lines("b"))
        return await store.tail(PLACE)

    assert play(Make(Interrupted, bucket), act) == lines("a", "b")


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["postgresql", "redis", "s3"])
def test_a_server_that_stands_still_is_not_waited_for(kind: str) -> None:
    """Its kernel answers still, so no client notices: the call ends after its time all the same."""
    present = {"postgresql": databases.POSTGRES, "redis": databases.REDIS, "s3": "moto"}[kind]
    need(present, f"{kind} is not installed (Debian: postgresql, redis-server)")
    with ExitStack() as stack:
        serve = {"postgresql": databases.postgres, "redis": databases.redis, "s3": databases.s3}[kind]
        where = stack.enter_context(serve())
        make = {
            "postgresql": lambda: SqlStore(make_url(where).set(password=databases.PASSWORD), 1),
            "redis": lambda: RedisStore(where, databases.PASSWORD, 1),
            "s3": lambda: S3Store(Bucket(databases.BUCKET, "", where, "us-east-1", "k", "s"), 1),
        }[kind]

        async def act(store: LineStore) -> int:
            await store.add(PLACE, lines("a"))
            with databases.standing_still(where), pytest.raises(StoreError, match="the session store"):
                await asyncio.wait_for(store.count(PLACE), 20)
            return await store.count(PLACE)

        assert play(make, act) == 1
