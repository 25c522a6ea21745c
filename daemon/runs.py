"""The ways in which a house is run: as the service, for one order in its place, for a replay, as a rehearsal."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from daemon import loop
from daemon.agent import forks
from daemon.agent.session import bundled_cli
from daemon.app import build, desk_of, engine_of, reading_limits
from daemon.clock import utc_now
from daemon.embedding.kinds import embedder_of
from daemon.errors import FatalError, TransientError
from daemon.house import SESSION, House
from daemon.judgement.retry import FailureKind
from daemon.judgement.states import ACTION_DUE, UNFINISHED
from daemon.mail.reader import Reader
from daemon.premises import working
from daemon.service.stop import Stop
from daemon.service.telemetry import Log, logger
from daemon.settings import Settings
from daemon.steps.mirror import finish
from daemon.steps.recover import recover
from daemon.steps.replay import Laboratory, Variant, replay
from daemon.steps.replay import clear as clear_replays
from daemon.steps.session_orders import obey_for_session
from daemon.steps.trials import Wanted
from daemon.version import own_version
from knowledge import actions, ledger, migrate, service
from knowledge.database import Database
from knowledge.errors import SchemaError
from knowledge.tables import Replay

# Threads that may wait in a folder or a mailbox at the same time, beside those that do something.
SPARE_THREADS = 8


def serve(settings: Settings) -> None:
    """Run the service until it is asked to stop."""
    log = logger()
    with working(settings) as db:
        bring_up_to_date(db)
        asyncio.run(_serve(settings, db, log))


async def _serve(settings: Settings, db: Database, log: Log) -> None:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
    make_room(settings)
    house = build(settings, db, stop, log)
    # What is loaded by now stays: to look through all of it again for garbage stops everything for 0.1 s (measured).
    gc.collect()
    gc.freeze()
    log.info("started", version=own_version(), generation=house.generation,
             mailboxes=[mailbox.name for mailbox in settings.mailboxes])  # fmt: skip
    await loop.run(house)
    log.info("stopped")


def make_room(settings: Settings) -> None:
    """Give the running loop a thread for each folder that waits in a call: its own few would keep others waiting."""
    folders = sum(len(mailbox.watch) for mailbox in settings.mailboxes)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(folders + SPARE_THREADS))


def tend_session(settings: Settings, db: Database) -> None:
    """Carry out the orders that wait for the session, in the service's place; the caller holds the state."""
    asyncio.run(_tend_session(settings, db))


async def _tend_session(settings: Settings, db: Database) -> None:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
    house = build(settings, db, stop, logger())
    recover(house)
    try:
        while await obey_for_session(house):
            pass
        if stop.requested:
            message = "it was broken off; the order stays on the list, and the next start carries it out"
            raise TransientError(SESSION, message)
    finally:
        await house.session.close()
        await finish(house)
        house.reader.close()
        service.stop(db, house.generation, house.clock())


def replay_logged(
    settings: Settings, db: Database, variants: Mapping[str, Settings], wanted: Wanted, tell: Callable[[str], None]
) -> Replay:
    """Put logged messages again to forks of the session; the service may be at work meanwhile.

    Raises FatalError where there is nothing to put, or a variant's key cannot be had.
    """
    for name, each in variants.items():
        if problem := each.model.api_key.missing():
            message = f"{name}: model.api_key: {problem}"
            raise FatalError(message)
    return asyncio.run(_replay_logged(settings, db, variants, wanted, tell))


async def _replay_logged(
    settings: Settings, db: Database, variants: Mapping[str, Settings], wanted: Wanted, tell: Callable[[str], None]
) -> Replay:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
    bundled_cli()
    readers = {reading_limits(each): Reader(reading_limits(each)) for each in variants.values()}
    lab = Laboratory(
        db=db,
        engine=engine_of(settings),
        variants=[variant_of(name, each, readers[reading_limits(each)]) for name, each in variants.items()],
        limits=settings.limits,
        signature=settings.employee.signature,
        embedder=embedder_of(settings),
        stop=stop,
        clock=utc_now,
        tell=tell,
    )
    clear_replays(db, lab.engine.home, utc_now())
    try:
        return await replay(lab, wanted)
    finally:
        for reader in readers.values():
            reader.close()


def variant_of(name: str, settings: Settings, reader: Reader) -> Variant:
    """Make a variant of a config."""
    return Variant(name, settings, engine_of(settings), partial(desk_of, settings), reader)


def forks_of(settings: Settings, row: Replay) -> Path:
    """Say where the forks of a replay are."""
    return forks.places(engine_of(settings).home) / row.place


@contextmanager
def rehearsing(settings: Settings) -> Iterator[Database]:
    """Hold the state of a rehearsal and open its knowledge database."""
    with working(settings) as db:
        bring_up_to_date(db)
        yield db


def rehearse(settings: Settings, db: Database, count: int) -> None:
    """Run the service until so many messages are through, a person interrupts, or the model refuses the key."""
    asyncio.run(_rehearse(settings, db, count))


async def _rehearse(settings: Settings, db: Database, count: int) -> None:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
    make_room(settings)
    house = build(settings, db, stop, logger())
    curtain = asyncio.create_task(_curtain(house, count))
    await loop.run(house)
    curtain.cancel()


async def _curtain(house: House, count: int) -> None:
    """Ask the service to stop when the rehearsal is over."""
    while not house.stop.requested:
        await house.stop.rest(0.1)
        counts = ledger.counts(house.db)
        unfinished = sum(counts.get(state, 0) for state in UNFINISHED)
        due = actions.next_due(house.db, ACTION_DUE, house.clock())
        if (sum(counts.values()) >= count and not unfinished and due is None) or _is_refused(house.db):
            house.stop.request()


def _is_refused(db: Database) -> bool:
    hopeless = (FailureKind.AUTHENTICATION, FailureKind.CREDIT, FailureKind.ENGINE)
    return any(row.paused and row.kind in hopeless for row in service.conditions(db))


def bring_up_to_date(db: Database) -> None:
    """Lay the knowledge database, or bring it to this program's version; for its holder alone."""
    try:
        migrate.upgrade(db)
    except SchemaError as error:
        raise FatalError(str(error)) from None
