"""The bed that tests lie in: a mail server, the stand-in for the model, a config, and a house or a process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import structlog
import structlog.testing
from imapclient import IMAPClient
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from daemon import app, loop, runs
from daemon.agent.store.base import Place
from daemon.agent.store.kinds import store_of
from daemon.house import House
from daemon.judgement.states import ACTION_DUE, UNFINISHED, SessionState, TurnState
from daemon.paths import StateDirectory
from daemon.premises import working
from daemon.rehearsal.model import StandIn
from daemon.service.stop import Stop
from daemon.service.telemetry import logger
from daemon.settings import Settings, load
from knowledge import actions, decisions, ledger, migrate, sessions, turns
from knowledge.database import Database
from knowledge.decisions import Entry, Filter
from tests import command
from tests.faults import Faults

LOOPBACK = "127.0.0.1"
USER, PASSWORD = "support@harbourpine.example", "rehearsal"
CONFIG = """\
[employee]
name = "Robin Reed"
address = "support@harbourpine.example"
{employee}
[mailbox]
host = "127.0.0.1"
port = {imap}
security = "none"
user = "support@harbourpine.example"
password = {{ file = "{root}/mailbox-password" }}
since = "all"
poll_seconds = 0.25
timeout_seconds = 10
{mailbox}
[model]
api_key = {{ file = "{root}/api-key" }}
base_url = "{api}"
turn_seconds = 30
api_retries = 0
{model}
[session]
{session}
[limits]
{limits}
[retry]
first_pause_seconds = 0.1
longest_pause_seconds = 0.4
reconcile_seconds = 0
{retry}
[service]
state = "{root}/state"
stop_seconds = 10
{service}
"""


class Server(Protocol):
    """A mail server as the tests use it."""

    imap_port: int

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the INBOX."""


def mail(
    subject: str, body: str = "When do you open?", sender: str = "Ada Quill <ada@quill.example>", **headers: str
) -> bytes:
    """Write a plain mail; a header's underscores stand for hyphens."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = USER
    message["Subject"] = subject
    if "Message_ID" not in headers:
        message["Message-ID"] = f"<{abs(hash((subject, body, sender)))}@quill.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass
class Bed:
    """Everything around one daemon."""

    root: Path
    server: Server
    model: StandIn
    faults: Faults
    sections: dict[str, str] = field(default_factory=dict)
    orders: str = "Answer kindly."
    served: Database | None = None
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def know_on(self, url: URL) -> None:
        """Have the knowledge database on a server."""
        self.served = Database(url)
        secret = self.root / "knowledge-password"
        secret.write_text(url.password or "", encoding="utf-8")
        where = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
        self.sections["served"] = f'[knowledge]\nurl = "{where}"\npassword = {{ file = "{secret}" }}'

    def close(self) -> None:
        """End what a failed test has left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(20)
        if self.served:
            self.served.close()

    @property
    def config(self) -> Path:
        """Write the config, with further lines for some sections, and give its path."""
        for name, secret in (("mailbox-password", PASSWORD), ("api-key", "a-key-for-the-stand-in")):
            (self.root / name).write_text(secret, encoding="utf-8")
        (self.root / "employee.md").write_text(self.orders, encoding="utf-8")
        names = ("employee", "mailbox", "model", "session", "limits", "retry", "service")
        sections = {name: self.sections.get(name, "") for name in names}
        text = CONFIG.format(imap=self.server.imap_port, root=self.root, api=self.model.url, **sections)
        text += "".join(
            f"{self.sections.get(name, '')}\n"
            for name in ("served", "documents", "smtp", "autonomy", "hours", "web", "digest")
        )
        path = self.root / "clerkd.toml"
        path.write_text(_last_wins(text), encoding="utf-8")
        return path

    @property
    def settings(self) -> Settings:
        """Load the config."""
        return load(self.config)

    @property
    def state(self) -> StateDirectory:
        """The daemon's state directory."""
        return StateDirectory(self.root / "state")

    @property
    def db(self) -> Database:
        """A handle on the knowledge database."""
        return self.served or Database(self.state.database)

    @property
    def entries(self) -> list[Entry]:
        """The decision log, the oldest message first."""
        return sorted(decisions.log(self.db, Filter(limit=1000)), key=lambda entry: entry.message.id or 0)

    def prepare(self) -> None:
        """Lay an empty knowledge database of the newest schema where there is none: to migrate one takes a while."""
        path = self.state.database
        if not self.served and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(0o600)
            path.write_bytes(_empty_database())

    def run(self, until: Callable[[Database], bool], seconds: float = 60) -> list[dict[str, Any]]:
        """Run a house in this process until the condition holds; give its events."""
        self.prepare()
        with structlog.testing.capture_logs() as events, working(self.settings) as db:
            runs.bring_up_to_date(db)
            asyncio.run(asyncio.wait_for(perform(self.settings, db, until), seconds))
        return [dict(event) for event in events]

    def work(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Run until so many messages are through."""
        return self.run(lambda db: is_through(db, count), seconds)

    def through(self, count: int) -> bool:
        """Say whether a daemon in another process is through with so many messages."""
        try:
            return is_through(self.db, count)
        except OperationalError:
            return False  # it has not made its database yet

    def state_of(self, message_id: int) -> str:
        """Say how far a message is."""
        row = ledger.get(self.db, message_id)
        return row.state if row else "unknown"

    @contextmanager
    def imap(self, folder: str = "INBOX") -> Iterator[IMAPClient]:
        """Look into the mailbox as a person would."""
        client = IMAPClient(LOOPBACK, self.server.imap_port, ssl=False, timeout=10)
        client.login(USER, PASSWORD)
        try:
            if client.folder_exists(folder):
                client.select_folder(folder)
            yield client
        finally:
            client.logout()

    def mails_in(self, folder: str) -> list[bytes]:
        """Give the raw mails of a folder; none where it is missing."""
        with self.imap(folder) as client:
            if not client.folder_exists(folder):
                return []
            uids = client.search("ALL")
            found = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
            return [item[b"BODY[]"] for _, item in sorted(found.items())]

    def start(self, *words: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a process of ours (the daemon by default) with an environment that holds nothing of this machine's."""
        arguments = words or ("-m", "daemon", "run", "--config", str(self.config))
        log = (self.root / "daemon.log").open("ab")
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "PYTHONPATH": str(Path.cwd())}
        env.update(environment or {})
        try:
            return subprocess.Popen(
                [sys.executable, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        finally:
            log.close()

    def clerkd(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as a process with an environment that holds nothing of this machine's."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "COLUMNS": "160", "PYTHONPATH": str(Path.cwd())}
        return command.run(arguments, env, self.root, typed)

    @property
    def log_text(self) -> str:
        """What the process has logged."""
        return (self.root / "daemon.log").read_text(encoding="utf-8")


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        db = Database(Path(place) / "empty.db")
        migrate.upgrade(db)
        db.close()
        return db.path.read_bytes()


def _last_wins(text: str) -> str:
    """Drop a key's earlier line where a later one of the same section sets it again: TOML would refuse both."""
    kept: dict[tuple[str, str], str] = {}
    section = ""
    for line in filter(None, text.splitlines()):
        section = line if line.startswith("[") else section
        kept[section, line.partition("=")[0].strip()] = line
    return "\n".join(kept.values()) + "\n"


async def perform(settings: Settings, db: Database, until: Callable[[Database], bool]) -> None:
    """Be a daemon until the condition holds."""
    runs.make_room(settings)
    stop = Stop(settings.service.stop_seconds)
    house = app.build(settings, db, stop, logger())
    watch = asyncio.create_task(_watch(house, until))
    await loop.run(house)
    await watch


async def _watch(house: House, until: Callable[[Database], bool]) -> None:
    while not until(house.db):
        await house.stop.rest(0.05)
    house.stop.request()


def is_through(db: Database, count: int) -> bool:
    """Say whether so many messages, and all their actions, are through."""
    counts = ledger.counts(db)
    unfinished = sum(counts.get(state, 0) for state in UNFINISHED)
    if unfinished or sum(counts.values()) < count:
        return False
    of_actions = actions.counts(db)
    return not any(of_actions.get(state, 0) for state in ACTION_DUE)


def wait_for(condition: Callable[[], bool], seconds: float = 60, what: str = "the condition") -> None:
    """Wait until a condition holds; fail with its name where it does not in time."""
    latest = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > latest:
            message = f"{what} did not come within {seconds:g} seconds"
            raise AssertionError(message)
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
    """Signal a process that the test has started, and give its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(seconds)


def transcript(bed: Bed) -> list[dict[str, Any]]:
    """Read the live session's transcript."""
    live = sessions.live(bed.db, SessionState.LIVE)
    if live is None:
        return []
    path = app.engine_of(bed.settings).transcript(live.id)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def stored(bed: Bed, session: str) -> bytes:
    """Give what the session store has of a session, as a transcript."""

    async def read() -> list[str]:
        wanted = bed.settings.session.store
        assert wanted
        store = store_of(wanted)
        try:
            return await store.tail(Place(app.project_of(bed.settings), session))
        finally:
            await store.close()

    return "".join(f"{line}\n" for line in asyncio.run(read())).encode()


def prompts_in_transcript(bed: Bed) -> list[str]:
    """Give the uuids of our prompts in the live transcript, in their order."""
    known = {turn.prompt_uuid for state in TurnState for turn in turns.in_state(bed.db, state)}
    return [entry["uuid"] for entry in transcript(bed) if entry.get("type") == "user" and entry.get("uuid") in known]


def settled_prompts(bed: Bed) -> list[str]:
    """Give the prompt uuids of the live session's settled turns, in their order."""
    live = sessions.live(bed.db, SessionState.LIVE)
    settled = turns.in_state(bed.db, TurnState.SETTLED)
    return [turn.prompt_uuid for turn in settled if live and turn.session_id == live.id]


def subjects_in_last_request(bed: Bed) -> list[str]:
    """Give the subjects of the mails that the stand-in's last request held, in their order."""
    found = []
    for message in bed.model.seen[-1]["messages"]:
        content = message["content"]
        parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        if message["role"] == "user":
            found += [line[9:] for part in parts for line in part.splitlines() if line.startswith("Subject: ")]
    return found
