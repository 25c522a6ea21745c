"""Patience, the bell, and a watchdog that lives on progress alone."""

import asyncio
import threading
import time
from functools import partial

import pytest

from daemon.service.schedule import ticking
from daemon.service.stop import Pulse, Stop


def test_patience_ends_with_its_time() -> None:
    """A block that takes longer than allowed gets a TimeoutError."""

    async def wait() -> None:
        async with Stop(10).patience(0.01):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


def test_a_wish_to_stop_shortens_patience_to_the_grace() -> None:
    """Who waits for 60 seconds waits only for the grace once the wish is there."""

    async def wait() -> None:
        stop = Stop(0.05)
        asyncio.get_running_loop().call_later(0.01, stop.request)
        async with stop.patience(60):
            await asyncio.sleep(60)

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert time.monotonic() - started < 5


def test_patience_asked_for_after_the_wish_is_no_longer_than_the_grace() -> None:
    """A turn that begins in the last moment has the grace and no more."""

    async def wait() -> None:
        stop = Stop(0.01)
        stop.request()
        async with stop.patience(60):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


def test_the_bell_wakes_everybody_who_rests() -> None:
    """Three sleepers wake at one ring."""

    async def rest() -> None:
        stop = Stop(1)
        sleepers = [asyncio.create_task(stop.rest(60)) for _ in range(3)]
        await asyncio.sleep(0)
        stop.ring()
        await asyncio.wait_for(asyncio.gather(*sleepers), 5)

    asyncio.run(rest())


def test_the_watchdog_is_fed_while_all_workers_get_on() -> None:
    """Beats of both workers feed it, at most once in the interval."""
    fed: list[int] = []
    pulse = Pulse(lambda: fed.append(1), ("a", "b"), longest=60, every=60)
    for _ in range(3):
        pulse.beat("a")
        pulse.beat("b")
    assert len(fed) == 1


def test_the_watchdog_starves_when_one_worker_stands_still() -> None:
    """However lively one worker is: the other's silence stops the feeding."""
    fed: list[int] = []
    pulse = Pulse(lambda: fed.append(1), ("lively", "stuck"), longest=0.02, every=0)
    time.sleep(0.05)
    for _ in range(5):
        pulse.beat("lively")
    assert fed == []


def test_each_job_of_the_schedule_ticks_at_once_and_then_at_its_interval_in_the_loop_s_own_thread() -> None:
    """A queue may be filled from the loop's thread alone; a slow job keeps no other from its ticks."""
    ticks: list[tuple[str, int]] = []

    def tick(name: str) -> None:
        ticks.append((name, threading.get_ident()))

    async def wait() -> None:
        with ticking([(0.02, partial(tick, "often")), (60, partial(tick, "seldom"))]):
            await asyncio.sleep(0.2)

    asyncio.run(wait())
    assert {thread for _name, thread in ticks} == {threading.get_ident()}
    names = [name for name, _thread in ticks]
    assert (names.count("seldom"), names.count("often") > 2) == (1, True)
