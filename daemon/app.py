"""The composition root: the only place that wires the parts together."""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import loop
from daemon.agent.api import probe
from daemon.agent.session import Engine, Session, bundled_cli
from daemon.agent.tools import Desk
from daemon.agent.transcript import Head, holds
from daemon.clock import utc_now
from daemon.errors import FatalError
from daemon.house import Health, House
from daemon.judgement.retry import FailureKind
from daemon.judgement.states import ACTION_DUE, NEEDS_A_PERSON, UNFINISHED, MessageState, SessionState
from daemon.mail.compose import Author
from daemon.mail.imap import Account, Imap
from daemon.mail.inbox import Inbox
from daemon.mail.outbox import Outbox
from daemon.mail.submission import sign_in
from daemon.paths import StateDirectory
from daemon.premises import holding, knowledge_of
from daemon.service.stop import Pulse, Stop, Systemd
from daemon.service.telemetry import Log, logger
from daemon.settings import Mailbox, Settings, Smtp
from daemon.version import own_version
from knowledge import actions, ledger, migrate, service, sessions
from knowledge.database import Database
from knowledge.errors import SchemaError

SLACK_SECONDS = 120


def account_of(mailbox: Mailbox) -> Account:
    """Say how to sign in to the mailbox."""
    return Account(
        mailbox.host,
        mailbox.effective_port,
        mailbox.security,
        mailbox.user,
        mailbox.password.read,
        mailbox.timeout_seconds,
        str(mailbox.ca_file) if mailbox.ca_file else None,
    )


def engine_of(settings: Settings) -> Engine:
    """Say how the session's engine is started."""
    model = settings.model
    return Engine(
        home=StateDirectory(settings.service.state).agent.resolve(),
        model=model.name,
        base_url=model.base_url,
        api_key=model.api_key.read,
        turn_seconds=model.turn_seconds,
        most_steps=model.most_steps,
        api_retries=model.api_retries,
        orders=standing_orders(settings),
    )


def standing_orders(settings: Settings) -> str:
    """Put together the system prompt: who the employee is, and the standing orders of the operator's file."""
    employee = settings.employee
    return f"You are {employee.name}, working the mailbox {employee.address}.\n\n{settings.standing_orders}"


def desk_of(settings: Settings) -> Desk:
    """Lay out the tools."""
    return Desk(settings.employee.categories, settings.mailbox.folders)


def orders_digest(settings: Settings) -> str:
    """Hash what the CLI freezes with a session's first turn: model, system prompt and tools."""
    frozen = [settings.model.name, standing_orders(settings), desk_of(settings).schema()]
    return hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()


def build(settings: Settings, db: Database, stop: Stop, log: Log) -> House:
    """Wire a house around an open, migrated database."""
    systemd = Systemd()
    _check_watchdog(settings, systemd)
    bundled_cli()
    generation = service.start(db, os.getpid(), own_version(), utc_now())
    mailbox, desk = settings.mailbox, desk_of(settings)

    def feed() -> None:
        systemd.alive()
        systemd.status(_status(db))
        service.beat(db, generation, utc_now())

    return House(
        settings=settings,
        db=db,
        session=Session(engine_of(settings), desk),
        desk=desk,
        inbox=Inbox(Imap(account_of(mailbox)), mailbox.folder, mailbox.largest_mail),
        outbox=Outbox(Imap(account_of(mailbox)), mailbox.drafts),
        author=Author(settings.employee.name, settings.employee.address, settings.employee.signature),
        health=Health(db, log, utc_now, settings.retry.pauses),
        stop=stop,
        pulse=Pulse(feed, loop.WORKERS, _longest_silence(settings)),
        systemd=systemd,
        log=log,
        clock=utc_now,
        generation=generation,
        orders_digest=orders_digest(settings),
    )


def serve(settings: Settings) -> None:
    """Run the service until it is asked to stop."""
    log = logger()
    with holding(StateDirectory(settings.service.state)):
        db = migrated(settings.service.state)
        try:
            asyncio.run(_serve(settings, db, log))
        finally:
            db.close()


@contextmanager
def rehearsing(settings: Settings) -> Iterator[Database]:
    """Hold the state of a rehearsal and open its knowledge database."""
    with holding(StateDirectory(settings.service.state)):
        db = migrated(settings.service.state)
        try:
            yield db
        finally:
            db.close()


def rehearse(settings: Settings, db: Database, count: int) -> None:
    """Run the service until so many messages are through, a person interrupts, or the model refuses the key."""
    asyncio.run(_rehearse(settings, db, count))


async def _rehearse(settings: Settings, db: Database, count: int) -> None:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
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


def migrated(state: Path) -> Database:
    """Open the knowledge database for the holder of the state, bringing it up to date."""
    db = Database(StateDirectory(state).database)
    try:
        migrate.upgrade(db)
    except SchemaError as error:
        raise FatalError(str(error)) from None
    return db


async def _serve(settings: Settings, db: Database, log: Log) -> None:
    stop = Stop(settings.service.stop_seconds)
    stop.listen()
    house = build(settings, db, stop, log)
    log.info("started", version=own_version(), generation=house.generation, mailbox=settings.mailbox.name)
    await loop.run(house)
    log.info("stopped")


def _longest_silence(settings: Settings) -> float:
    """Bound what a worker may need between two beats, in seconds: a turn without an answer, or a slow mailbox."""
    return max(settings.model.turn_seconds, 3 * settings.mailbox.timeout_seconds) + SLACK_SECONDS


def _check_watchdog(settings: Settings, systemd: Systemd) -> None:
    needed = _longest_silence(settings)
    if systemd.watchdog_seconds and systemd.watchdog_seconds < needed:
        message = (
            f"the limits contradict each other: WatchdogSec= of the unit is {systemd.watchdog_seconds:g} s, but "
            f"model.turn_seconds and mailbox.timeout_seconds allow a silence of {needed:g} s"
        )
        raise FatalError(message)


def _status(db: Database) -> str:
    counts = ledger.counts(db)
    waiting = sum(counts.get(state, 0) for state in (MessageState.RECEIVED, MessageState.ASKING, MessageState.DECIDED))
    attention = sum(counts.get(state, 0) for state in NEEDS_A_PERSON)
    paused = [f"{row.part} paused: {row.kind}" for row in service.conditions(db) if row.paused]
    return "; ".join([f"{counts.get(MessageState.DONE, 0)} done, {waiting} waiting, {attention} for a person", *paused])


Check = tuple[str, Callable[[], str]]


def checks(settings: Settings) -> list[Check]:
    """List what ``clerkd check`` tries, in order; each gives a line or raises ClerkdError."""
    listed: list[Check] = [
        ("state directory", lambda: _check_state(settings)),
        ("mailbox", lambda: _check_mailbox(settings)),
        ("drafts folder", lambda: _check_drafts(settings)),
        ("API key", lambda: _check_key(settings)),
        ("session", lambda: _check_session(settings)),
    ]
    if settings.smtp:
        smtp = settings.smtp
        listed.insert(3, ("SMTP", lambda: _check_smtp(smtp)))
    return listed


def _check_state(settings: Settings) -> str:
    root = settings.service.state
    target = root if root.exists() else root.parent
    if not os.access(target, os.W_OK):
        message = f"{target} cannot be written to by this user"
        raise FatalError(message)
    return f"{root}{'' if root.exists() else ' (will be created)'}"


def _check_mailbox(settings: Settings) -> str:
    imap = Imap(account_of(settings.mailbox))
    try:
        folder = imap.select(settings.mailbox.folder, readonly=True)
    finally:
        imap.close()
    return f"{settings.mailbox.name}, folder {folder.name}, next UID {folder.uidnext}"


def _check_drafts(settings: Settings) -> str:
    imap = Imap(account_of(settings.mailbox))
    try:
        found = Outbox(imap, settings.mailbox.drafts).find_drafts()
        if found is None:
            return "none yet; it will be created as Drafts"
        imap.select(found, readonly=True)
    finally:
        imap.close()
    return found


def _check_smtp(smtp: Smtp) -> str:
    sign_in(smtp)
    return f"{smtp.user} at {smtp.host}:{smtp.effective_port}"


def _check_key(settings: Settings) -> str:
    probe(settings.model.base_url, settings.model.api_key.read())
    return f"accepted for {settings.model.name}"


def _check_session(settings: Settings) -> str:
    state = StateDirectory(settings.service.state)
    if not state.database.exists():
        return "none yet; the first turn begins one"
    live = sessions.live(knowledge_of(settings), SessionState.LIVE)
    if live is None or live.head_uuid is None:
        return "none yet; the next turn begins one"
    if not holds(engine_of(settings).transcript(live.id), Head(live.head_uuid, live.head_offset)):
        message = (
            f"{live.id}: its transcript is missing or shorter than its settled end; "
            "the next turn goes back to the newest turn that is there, or begins a new session"
        )
        raise FatalError(message)
    return f"{live.id} can be resumed"
