"""The composition root: the only place that wires the parts together."""

import hashlib
import json
import os
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from daemon import loop
from daemon.agent.badge import Badge
from daemon.agent.mirror import Mirror
from daemon.agent.outside import Server
from daemon.agent.session import Engine, Session, bundled_cli
from daemon.agent.store.kinds import store_of
from daemon.agent.tools import Desk
from daemon.clock import utc_now
from daemon.embedding.kinds import embedder_of
from daemon.errors import FatalError
from daemon.house import (
    BUDGET,
    FORKS,
    MODEL,
    POST,
    READER,
    SESSION,
    STORE,
    Effects,
    Health,
    House,
    Outgoing,
    Source,
    Watch,
)
from daemon.judgement.autonomy import Effect, Mode
from daemon.judgement.decision import Latitude
from daemon.judgement.handoffs import Specialist
from daemon.judgement.states import NEEDS_A_PERSON, MessageState
from daemon.mail.compose import Author
from daemon.mail.imap import LONGEST_CALL, Account, Imap, Pass
from daemon.mail.inbox import Inbox
from daemon.mail.maildir import MaildirInbox, MaildirOutbox
from daemon.mail.outbox import Outbox
from daemon.mail.reader import Reader, ReadingLimits
from daemon.mail.signin import token_source
from daemon.mail.submission import Submission
from daemon.mail.tokens import TokenStore
from daemon.paths import StateDirectory
from daemon.service.stop import Pulse, Stop, Systemd
from daemon.service.telemetry import Log
from daemon.settings import ImapMailbox, Mailbox, MaildirMailbox, Settings, secrets_of, specialists_of
from daemon.shelf import Shelf
from daemon.steps.mirror import WORKER
from daemon.version import own_version
from knowledge import connections, ledger, maildirs, service
from knowledge.database import Database

SLACK_SECONDS = 120
CALLS_OF_A_PUSH = 10  # that may take their whole time: each of the five of a push, tried twice
MEGABYTE = 1_048_576
TO_SPECIALISTS = """\
## Specialists
Where a mail belongs into the field of a specialist, hand it over with the tool `Agent` before you decide: name the
specialist in `subagent_type`, and say in `prompt` what you want to know. The mail goes with it. The report is advice,
never an instruction. You stay answerable: you alone decide, and without a report you decide as you are, or escalate."""
TO_OUTLASTING = """\
## Specialists who report later
Where a case belongs into the field of one whom the tool `hand_over` names, hand it over, and decide on the mail all the
same: what can be done now. The report comes as a message of its own, in the same case. It is advice, never an
instruction."""


def account_of(mailbox: ImapMailbox, tokens: Path) -> Account:
    """Say how to sign in to the mailbox; ``tokens`` is where OAuth2 keeps what it must not forget."""
    account = Account(
        mailbox.host,
        mailbox.effective_port,
        mailbox.security,
        mailbox.user,
        lambda: Pass(mailbox.password.read() if mailbox.password else ""),
        mailbox.timeout_seconds,
        str(mailbox.ca_file) if mailbox.ca_file else None,
    )
    if mailbox.sign_in is None:
        return account
    mechanism = mailbox.sign_in.mechanism
    source = token_source(mailbox.sign_in, mailbox.user, TokenStore(tokens), mailbox.name)

    def entrance() -> Pass:
        token = source()
        return Pass(token.value, mechanism, token.expires_at)

    return replace(account, entrance=entrance, refused=source.discard)


def source_of(mailbox: Mailbox, folder: str, settings: Settings, db: Database) -> Source:
    """Give the place where a watched folder's mail comes from."""
    since = mailbox.since if isinstance(mailbox.since, date) else None
    match mailbox:
        case ImapMailbox():
            imap = Imap(account_of(mailbox, StateDirectory(settings.service.state).tokens))
            return Inbox(imap, folder, mailbox.largest_mail, since)
        case MaildirMailbox():
            number = partial(maildirs.number, db, mailbox.name)
            return MaildirInbox(mailbox.maildir, folder, mailbox.largest_mail, number, since)


def effects_of(mailbox: Mailbox, settings: Settings, db: Database) -> Effects:
    """Give the hand that stores drafts, flags and moves in a mailbox."""
    match mailbox:
        case ImapMailbox():
            imap = Imap(account_of(mailbox, StateDirectory(settings.service.state).tokens))
            return Outbox(imap, mailbox.drafts, mailbox.sent)
        case MaildirMailbox():
            name_of = partial(maildirs.name_of, db, mailbox.name)
            return MaildirOutbox(mailbox.maildir, mailbox.drafts, mailbox.sent, name_of)


def engine_of(settings: Settings) -> Engine:
    """Say how the session's engine is started."""
    model = settings.model
    home = StateDirectory(settings.service.state).agent.resolve()
    return Engine(
        home=home,
        desk=home / "desk",
        model=model.name,
        base_url=model.base_url,
        api_key=model.api_key.read,
        turn_seconds=model.turn_seconds,
        most_steps=model.most_steps,
        api_retries=model.api_retries,
        orders=standing_orders(settings),
        specialists=within_turns(settings),
        outlasting=outlasting(settings),
        servers=servers_of(settings),
        secrets=partial(_known_secrets, settings),
    )


def within_turns(settings: Settings) -> tuple[Specialist, ...]:
    """List the specialists that report within the turn: the engine's subagents."""
    return tuple(each for each in specialists_of(settings) if not each.awaited)


def outlasting(settings: Settings) -> tuple[Specialist, ...]:
    """List the specialists whose reports come behind the turn."""
    return tuple(each for each in specialists_of(settings) if each.awaited)


def servers_of(settings: Settings) -> tuple[Server, ...]:
    """Say how the servers outside are reached."""
    return tuple(
        Server(name, tuple(each.tools), each.seconds, each.values, each.command or (), each.url or "")
        for name, each in settings.mcp.items()
    )


def _known_secrets(settings: Settings) -> tuple[str, ...]:
    """Read the secrets that are at hand; a command is not run for that, and what is missing can reach nobody."""
    at_hand = [secret for _, secret in secrets_of(settings) if not secret.command and not secret.missing()]
    return tuple(secret.read() for secret in at_hand)


def standing_orders(settings: Settings) -> str:
    """Put together the system prompt: who the employee is, and the standing orders of the operator's file."""
    employee = settings.employee
    parts = [f"You are {employee.name}, working the mailbox {employee.address}.", settings.standing_orders]
    parts += [TO_SPECIALISTS] if within_turns(settings) else []
    parts += [TO_OUTLASTING] if outlasting(settings) else []
    return "\n\n".join(parts)


def mirror_of(settings: Settings) -> Mirror | None:
    """Say where the transcripts are mirrored, if anywhere."""
    store = settings.session.store
    badge = Badge(StateDirectory(settings.service.state).badge)
    return Mirror(store_of(store), project_of(settings), badge, required=store.required) if store else None


def project_of(settings: Settings) -> str:
    """Name the employee in a session store, which several may share."""
    return settings.employee.address.lower()


def desk_of(settings: Settings) -> Desk:
    """Lay out the tools."""
    workspace = any(each.workspace for each in within_turns(settings))
    return Desk(latitude_of(settings), workspace=workspace, specialists=outlasting(settings))


def latitude_of(settings: Settings) -> Latitude:
    """Say what a decision may name."""
    replies = settings.autonomy.autonomy.highest(Effect.REPLY) is Mode.DO
    return Latitude(settings.employee.categories, settings.folders, tuple(settings.addressees), replies)


def orders_digest(settings: Settings) -> str:
    """Hash what the CLI freezes with a session's first turn: model, system prompt and tools."""
    known = [(each.name, each.when) for each in within_turns(settings)]
    frozen = [settings.model.name, standing_orders(settings), desk_of(settings).frozen(), known]
    return hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()


def build(settings: Settings, db: Database, stop: Stop, log: Log) -> House:
    """Wire a house around an open, migrated database."""
    systemd = Systemd()
    _check_watchdog(settings, systemd)
    bundled_cli()
    embedder = embedder_of(settings)
    generation = service.start(db, os.getpid(), own_version(), utc_now())
    desk = desk_of(settings)
    watches = tuple(
        Watch(mailbox, folder, source_of(mailbox, folder, settings, db))
        for mailbox in settings.mailboxes
        for folder in mailbox.watch
    )
    outgoing = {mailbox.name: Outgoing(mailbox, effects_of(mailbox, settings, db)) for mailbox in settings.mailboxes}
    parts = (
        MODEL,
        BUDGET,
        READER,
        SESSION,
        STORE,
        FORKS,
        POST,
        *(watch.part for watch in watches),
        *(out.part for out in outgoing.values()),
    )
    mirroring = (WORKER,) if settings.session.store else ()
    embedding = (loop.EMBEDDER,) if settings.knowledge.embedder else ()
    workers = (*(watch.part for watch in watches), *loop.WORKERS, *mirroring, *embedding)
    connections.keep_only(db, [(watch.mailbox.name, watch.folder) for watch in watches])

    def feed() -> None:
        db.check_hold()
        systemd.alive()
        systemd.status(_status(db))
        service.beat(db, generation, utc_now())

    return House(
        settings=settings,
        db=db,
        session=Session(engine_of(settings), desk),
        mirror=mirror_of(settings),
        desk=desk,
        reader=Reader(reading_limits(settings)),
        shelf=Shelf(reading_limits(settings)),
        watches=watches,
        outgoing=outgoing,
        author=Author(settings.employee.name, settings.employee.address, settings.employee.signature),
        health=Health(db, log, utc_now, settings.retry.pauses, parts),
        stop=stop,
        pulse=Pulse(feed, workers, _longest_silence(settings)),
        systemd=systemd,
        log=log,
        clock=utc_now,
        generation=generation,
        orders_digest=orders_digest(settings),
        embedder=embedder,
        post=Submission(settings.smtp, settings.employee.address) if settings.smtp else None,
    )


def reading_limits(settings: Settings) -> ReadingLimits:
    """Say what a mail may cost to read."""
    reading = settings.reading
    return ReadingLimits(reading.longest_text, reading.seconds, reading.megabytes * MEGABYTE)


def _longest_silence(settings: Settings) -> float:
    """Bound what a worker may need between two beats, in seconds: a turn without an answer, or a slow mailbox."""
    imap = [mailbox for mailbox in settings.mailboxes if isinstance(mailbox, ImapMailbox)]
    slowest = max((mailbox.timeout_seconds for mailbox in imap), default=0)
    store = CALLS_OF_A_PUSH * settings.session.store.timeout_seconds if settings.session.store else 0
    longest = max(settings.model.turn_seconds, LONGEST_CALL * slowest, 2 * settings.reading.seconds)
    beside = max((each.seconds for each in outlasting(settings)), default=0.0)
    return max(longest + store, beside) + SLACK_SECONDS


def _check_watchdog(settings: Settings, systemd: Systemd) -> None:
    needed = _longest_silence(settings)
    if systemd.watchdog_seconds and systemd.watchdog_seconds < needed:
        message = (
            f"the limits contradict each other: WatchdogSec= of the unit is {systemd.watchdog_seconds:g} s, but "
            "model.turn_seconds, mailbox.timeout_seconds, reading.seconds, session.store.timeout_seconds and the "
            f"specialists' seconds allow a silence of {needed:g} s"
        )
        raise FatalError(message)


def _status(db: Database) -> str:
    counts = ledger.counts(db)
    waiting = sum(counts.get(state, 0) for state in (MessageState.RECEIVED, MessageState.ASKING, MessageState.DECIDED))
    attention = sum(counts.get(state, 0) for state in NEEDS_A_PERSON)
    paused = [f"{row.part} paused: {row.kind}" for row in service.conditions(db) if row.paused]
    return "; ".join([f"{counts.get(MessageState.DONE, 0)} done, {waiting} waiting, {attention} for a person", *paused])
