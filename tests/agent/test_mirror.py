"""The mirror: the store holds what is settled, no more and no less, whatever came between."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from daemon.agent.badge import Badge
from daemon.agent.mirror import Mirror
from daemon.agent.store.base import Place, StoreError, TakenError
from daemon.agent.store.sql import SqlStore
from daemon.agent.transcript import Head

SESSION = "5ad3c8b5-9ae5-4f51-8a8b-6f5f4b1a2c3d"
PROJECT = "support@harbourpine.example"
PLACE = Place(PROJECT, SESSION)
AWAY = "the session store cannot be used: it is away"


def nothing() -> None:
    """Tell nobody of the progress."""


class Fragile(SqlStore):
    """A real store whose calls fail when they are told to, before or after they took effect."""

    failing = ""

    async def add(self, place: Place, lines: Sequence[str], at: int | None = None) -> None:
        """Append lines, or fail."""
        if self.failing == "before":
            raise StoreError(AWAY)
        await super().add(place, lines, at)
        if self.failing == "after":
            raise StoreError(AWAY)


class Copy:
    """A transcript, its mirror, and the store."""

    def __init__(self, place: Path) -> None:
        """Nothing is written yet."""
        self.path = place / "t.jsonl"
        self.path.touch()
        self.file = place / "store.db"
        self.store = Fragile(make_url(f"sqlite:///{self.file}"), 5)
        self.mirror = Mirror(self.store, PROJECT, Badge(place / "badge"), required=False)
        self.names = iter(range(10_000))

    def write(self, count: int) -> int:
        """Let the transcript grow by so many lines; give its size."""
        with self.path.open("ab") as file:
            for _ in range(count):
                file.write(f'{{"uuid":"é{next(self.names)}","type":"user"}}\n'.encode())
        return self.path.stat().st_size

    async def push(self, offset: int) -> None:
        """Push up to an offset."""
        await self.mirror.push(SESSION, self.path, offset, nothing)

    async def stored(self) -> bytes:
        """Give what the store holds, as a transcript."""
        return "".join(f"{line}\n" for line in await self.store.tail(PLACE)).encode()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Lay out a transcript with a store."""
    return Copy(tmp_path)


def play(copy: Copy, act: Callable[[], Awaitable[None]]) -> None:
    """Act, and close the store."""

    async def perform() -> None:
        try:
            await act()
        finally:
            await copy.mirror.close()

    asyncio.run(perform())


def test_the_store_holds_what_is_settled_and_nothing_behind_it(copy: Copy) -> None:
    """A turn under way is not copied."""

    async def act() -> None:
        for _ in range(3):
            settled = copy.write(4)
            copy.write(2)
            await copy.push(settled)
            assert await copy.stored() == copy.path.read_bytes()[:settled]

    play(copy, act)


def test_a_new_daemon_goes_on_where_the_old_one_stopped(copy: Copy) -> None:
    """It asks the store how far it is."""

    async def act() -> None:
        await copy.push(copy.write(3))
        copy.mirror = Mirror(copy.store, PROJECT, Badge(copy.path.parent / "badge"), required=False)
        await copy.push(copy.write(3))
        assert await copy.stored() == copy.path.read_bytes()

    play(copy, act)


@pytest.mark.parametrize("failing", ["before", "after"])
def test_what_failed_is_caught_up_with_and_never_twice(copy: Copy, failing: str) -> None:
    """Whether the store had it or not: a hole, or a line twice, would spoil the copy."""

    async def act() -> None:
        await copy.push(copy.write(2))
        copy.store.failing = failing
        for _ in range(3):
            with pytest.raises(StoreError):
                await copy.push(copy.write(2))
        copy.store.failing = ""
        await copy.push(copy.write(2))
        assert await copy.stored() == copy.path.read_bytes()

    play(copy, act)


def test_a_session_that_was_rolled_back_is_rolled_back_in_the_store(copy: Copy) -> None:
    """At once, or when it has grown past that place again: the dropped turns must not be resumed elsewhere."""

    async def act() -> None:
        start = copy.write(3)
        await copy.push(copy.write(3))
        with copy.path.open("r+b") as file:
            file.truncate(start)
        await copy.push(start)
        assert await copy.stored() == copy.path.read_bytes()
        await copy.push(copy.write(5))
        with copy.path.open("r+b") as file:
            file.truncate(start)
        copy.mirror = Mirror(copy.store, PROJECT, Badge(copy.path.parent / "badge"), required=False)
        await copy.push(copy.write(9))
        assert await copy.stored() == copy.path.read_bytes()

    play(copy, act)


def test_a_session_that_was_rolled_back_and_has_grown_since_is_copied_anew_from_there(copy: Copy) -> None:
    """The store has stood still meanwhile, and the daemon has not: what it knew of the store is not true any more."""

    async def act() -> None:
        start = copy.write(3)
        await copy.push(copy.write(3))
        with copy.path.open("r+b") as file:
            file.truncate(start)
        await copy.push(copy.write(9))
        assert await copy.stored() == copy.path.read_bytes()

    play(copy, act)


def test_a_turn_that_reached_the_store_and_did_not_settle_is_taken_out(copy: Copy) -> None:
    """The daemon may end between the two; the transcript is cut, and the next push goes below what the store has."""

    async def act() -> None:
        settled = copy.write(3)
        await copy.push(copy.write(2))
        with copy.path.open("r+b") as file:
            file.truncate(settled)
        copy.mirror = Mirror(copy.store, PROJECT, Badge(copy.path.parent / "badge"), required=True)
        await copy.push(settled)
        assert await copy.stored() == copy.path.read_bytes()
        assert copy.mirror.taken_out == 2

    play(copy, act)


def daemon(copy: Copy, machine: str) -> Mirror:
    """Start a daemon of a machine, with a name of its own."""
    store = SqlStore(make_url(f"sqlite:///{copy.file}"), 5)
    return Mirror(store, PROJECT, Badge(copy.path.parent / machine), required=False)


async def works(copy: Copy, mirror: Mirror) -> bool:
    """Say whether a daemon can bring the store up to date."""
    try:
        await mirror.push(SESSION, copy.path, copy.write(1), nothing)
    except TakenError:
        return False
    return True


def test_a_restart_goes_on_with_what_its_machine_held(copy: Copy) -> None:
    """Under a new name, so that the one before it, should it still be alive, is refused."""

    async def act() -> None:
        first, second = daemon(copy, "one"), daemon(copy, "one")
        assert await works(copy, first)
        assert await works(copy, second)
        assert not await works(copy, first)
        await first.close()
        await second.close()

    play(copy, act)


def test_a_restart_never_takes_back_what_another_machine_has_taken(copy: Copy) -> None:
    """Until a person says so; then the other one is refused."""

    async def act() -> None:
        old, new, again = daemon(copy, "one"), daemon(copy, "two"), daemon(copy, "one")
        assert await works(copy, old)
        assert await works(copy, new)
        assert not await works(copy, again)
        assert await works(copy, new)
        again.take()
        assert await works(copy, again)
        assert not await works(copy, new)
        for each in (old, new, again):
            await each.close()

    play(copy, act)


@pytest.mark.parametrize("held", [False, True])
def test_a_daemon_that_ended_while_it_took_the_store_is_known_by_either_name(copy: Copy, held: bool) -> None:  # noqa: FBT001
    """Whether its new name had come to the store or not."""

    async def act() -> None:
        first = daemon(copy, "one")
        assert await works(copy, first)
        badge = Badge(copy.path.parent / "one")
        badge.wear([*badge.names, "half"])
        if held:
            half = SqlStore(make_url(f"sqlite:///{copy.file}"), 5)
            half.me = "half"
            await half.hold(PROJECT)
            await half.close()
        second = daemon(copy, "one")
        assert await works(copy, second)
        await first.close()
        await second.close()

    play(copy, act)


def test_what_another_daemon_has_taken_is_never_pushed_again(copy: Copy) -> None:
    """It does not take it back: the two would work one mailbox by turns."""

    async def act() -> None:
        await copy.push(copy.write(2))
        before = await copy.stored()
        other = Mirror(
            SqlStore(make_url(f"sqlite:///{copy.file}"), 5), PROJECT, Badge(copy.path.parent / "other"), required=False
        )
        await other.push(SESSION, copy.path, copy.path.stat().st_size, nothing)
        for _ in range(2):
            with pytest.raises(TakenError):
                await copy.push(copy.write(1))
        assert copy.mirror.is_taken
        assert not other.is_taken
        assert await copy.stored() == before
        await other.close()

    play(copy, act)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_between_the_store_never_holds_but_what_was_pushed(copy: Copy, seed: int) -> None:
    """Growth, cuts, failures and restarts by chance; after each push that succeeds, the copy is as it should be."""
    chance = random.Random(seed)

    async def act() -> None:
        settled = 0
        for _ in range(40):
            match chance.choice(["grow", "grow", "cut", "fail", "restart", "push", "push"]):
                case "grow":
                    settled = copy.write(chance.randint(1, 4))
                case "cut":
                    lines = copy.path.read_bytes()[:settled].splitlines(keepends=True)
                    settled = len(b"".join(lines[: chance.randint(0, len(lines))]))
                    with copy.path.open("r+b") as file:
                        file.truncate(settled)
                case "fail":
                    copy.store.failing = chance.choice(["", "", "", "before", "after"])
                case "restart":
                    copy.mirror = Mirror(copy.store, PROJECT, Badge(copy.path.parent / "badge"), required=False)
                case "push":
                    try:
                        await copy.push(settled)
                    except StoreError:
                        continue
                    assert await copy.stored() == copy.path.read_bytes()[:settled]

    play(copy, act)


@pytest.mark.parametrize("missing", [1, 10_000])
def test_a_transcript_that_is_shorter_than_its_settled_end_is_not_pushed(copy: Copy, missing: int) -> None:
    """The service will set the session back, or begin another."""

    async def act() -> None:
        size = copy.write(3)
        with pytest.raises(StoreError, match="the transcript cannot be read up to its settled end"):
            await copy.push(size + missing)

    play(copy, act)


def head_of(copy: Copy) -> Head:
    """Give the head at the transcript's end."""
    last = json.loads(copy.path.read_bytes().splitlines()[-1])
    return Head(last["uuid"], copy.path.stat().st_size)


def test_a_transcript_comes_back_to_the_byte_for_its_owner_alone(copy: Copy, tmp_path: Path) -> None:
    """In a directory that is not there yet."""

    async def act() -> None:
        await copy.push(copy.write(5))
        path = tmp_path / "elsewhere" / "t.jsonl"
        assert await copy.mirror.fetch(SESSION, path, head_of(copy), nothing)
        assert path.read_bytes() == copy.path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        assert [each.name for each in path.parent.iterdir()] == ["t.jsonl"]

    play(copy, act)


@pytest.mark.parametrize(("here", "left"), [(0, 3), (2, 3), (3, 3), (4, 4)])
def test_a_copy_without_the_head_replaces_less_and_nothing_else(copy: Copy, here: int, left: int) -> None:
    """The store lags behind: the session can be set back to an earlier turn that is in it."""

    async def act() -> None:
        await copy.push(copy.write(3))
        copy.write(2)
        head, lines = head_of(copy), copy.path.read_bytes().splitlines(keepends=True)
        copy.path.write_bytes(b"".join(lines[:here]))
        assert not await copy.mirror.fetch(SESSION, copy.path, head, nothing)
        assert copy.path.read_bytes() == b"".join(lines[:left])
        assert not copy.path.with_suffix(".fetched").exists()

    play(copy, act)


def test_the_stores_file_is_its_owners_alone(copy: Copy) -> None:
    """It holds people's mail."""

    async def act() -> None:
        await copy.push(copy.write(1))

    play(copy, act)
    assert copy.file.stat().st_mode & 0o077 == 0
