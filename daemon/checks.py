"""What ``clerkd check`` tries: everything that the service needs, each by itself."""

import asyncio
import os
from collections.abc import Callable
from functools import partial

from daemon.agent.api import probe
from daemon.agent.outside import OutsideError, Server, reaching
from daemon.agent.store.base import Place, StoreError, key_of
from daemon.agent.store.kinds import store_of
from daemon.agent.transcript import Head, holds
from daemon.app import account_of, engine_of, outlasting, project_of, servers_of
from daemon.embedding.kinds import embedder_of
from daemon.errors import FatalError
from daemon.judgement.handoffs import Specialist
from daemon.judgement.states import SessionState
from daemon.mail.imap import Imap
from daemon.mail.maildir import Folder, MaildirOutbox
from daemon.mail.outbox import Outbox
from daemon.mail.submission import Submission
from daemon.paths import StateDirectory
from daemon.premises import database_of, knowledge_of
from daemon.settings import ImapMailbox, Mailbox, MaildirMailbox, Settings, Smtp, Store
from daemon.shelf import listing
from knowledge import schema, sessions

Check = tuple[str, Callable[[], str]]


def checks(settings: Settings) -> list[Check]:
    """List what ``clerkd check`` tries, in order; each gives a line or raises ClerkdError."""
    listed: list[Check] = [("state directory", lambda: _check_state(settings))]
    if settings.knowledge.url:
        listed.append(("knowledge database", lambda: _check_knowledge(settings)))
    for mailbox in settings.mailboxes:
        listed += [("mailbox", partial(_check_mailbox, settings, mailbox, folder)) for folder in mailbox.watch]
        listed.append(("drafts folder", partial(_check_drafts, settings, mailbox)))
    if settings.smtp:
        listed.append(("SMTP", partial(_check_smtp, settings.smtp, settings.employee.address)))
    if settings.knowledge.documents:
        listed.append(("documents", lambda: _check_documents(settings)))
    return [
        *listed,
        ("API key", lambda: _check_key(settings)),
        ("session", lambda: _check_session(settings)),
        *_stores(settings),
        *_embedders(settings),
        *((f"MCP server {server.name}", partial(_check_server, server)) for server in servers_of(settings)),
        *(
            (f"specialist {each.name}", partial(_check_person, settings, each))
            for each in outlasting(settings)
            if each.to
        ),
    ]


def _stores(settings: Settings) -> list[Check]:
    store = settings.session.store
    return [("session store", lambda: _check_store(store, project_of(settings)))] if store else []


def _embedders(settings: Settings) -> list[Check]:
    return [("embedder", lambda: _check_embedder(settings))] if settings.knowledge.embedder else []


def _check_embedder(settings: Settings) -> str:
    embedder = embedder_of(settings)
    return f"{embedder.name}, {len(embedder.vector(['mail']))} bytes a passage" if embedder else ""


def _check_state(settings: Settings) -> str:
    root = settings.service.state
    target = root if root.exists() else root.parent
    if not os.access(target, os.W_OK):
        message = f"{target} cannot be written to by this user"
        raise FatalError(message)
    return f"{root}{'' if root.exists() else ' (will be created)'}"


def _check_knowledge(settings: Settings) -> str:
    db = database_of(settings)
    found = schema.revision(db)
    return f"{db}, {f'version {found}' if found else 'empty yet; the service lays its tables'}"


def _check_mailbox(settings: Settings, mailbox: Mailbox, folder: str) -> str:
    match mailbox:
        case MaildirMailbox():
            count = len(Folder(mailbox.maildir, folder).files())
            return f"{mailbox.name}, folder {folder}, {count} mails"
        case ImapMailbox():
            imap = Imap(account_of(mailbox, StateDirectory(settings.service.state).tokens))
            try:
                found = imap.select(folder, readonly=True)
                pushes = "" if imap.can_push() else ", without IDLE: looked into every mailbox.poll_seconds"
            finally:
                imap.close()
            return f"{mailbox.name}, folder {found.name}, next UID {found.uidnext}{pushes}"


def _check_drafts(settings: Settings, mailbox: Mailbox) -> str:
    match mailbox:
        case MaildirMailbox():
            found = MaildirOutbox(
                mailbox.maildir, mailbox.drafts, mailbox.sent, lambda _folder, _uid: None
            ).find_drafts()
        case ImapMailbox():
            imap = Imap(account_of(mailbox, StateDirectory(settings.service.state).tokens))
            try:
                found = Outbox(imap, mailbox.drafts, mailbox.sent).find_drafts()
                if found:
                    imap.select(found, readonly=True)
            finally:
                imap.close()
    return found or "none yet; it will be created as Drafts"


def _check_smtp(smtp: Smtp, sender: str) -> str:
    Submission(smtp, sender).check()
    return f"{smtp.user} at {smtp.host}:{smtp.effective_port}"


def _check_key(settings: Settings) -> str:
    probe(settings.model.base_url, settings.model.api_key.read())
    return f"accepted for {settings.model.name}"


def _check_store(wanted: Store, project: str) -> str:
    """Read and write in the store, in a project of its own: the employee's is held by the service."""

    async def try_out() -> None:
        store, place = store_of(wanted), Place(f"{project} (check)", "check")
        try:
            await store.hold(place.project)
            await store.cut(place, 0)
            await store.add(place, ['{"type":"check"}'])
            await store.delete(key_of(place))
        finally:
            await store.close()

    try:
        asyncio.run(try_out())
    except StoreError as error:
        raise FatalError(str(error)) from None
    return f"{wanted.where}, {'required' if wanted.required else 'not required'}"


def _check_documents(settings: Settings) -> str:
    found = listing(settings.knowledge.documents, settings.service.state)
    closed = [file.name for file in found.files.values() if not os.access(file.path, os.R_OK)]
    problems = [f"{pattern} {remark}" for pattern, remark in found.remarks.items()]
    problems += [f"{name} cannot be read by this user" for name in closed]
    if problems:
        raise FatalError("; ".join(problems))
    return f"{len(found.files)} files"


def _check_server(server: Server) -> str:
    """Start or reach it, and see that it has the tools that are allowed."""

    async def missing() -> list[str]:
        async with reaching(server) as outside:
            return outside.missing

    try:
        lacking = asyncio.run(missing())
    except OutsideError as error:
        raise FatalError(str(error)) from None
    if lacking:
        message = f"it has no tool {', '.join(lacking)}; correct mcp.{server.name}.tools"
        raise FatalError(message)
    return f"{', '.join(server.tools)}; {server.url or server.command[0]}"


def _check_person(settings: Settings, person: Specialist) -> str:
    """Say where an answer counts: in a mailbox whose border server vouches for senders."""
    places = [mailbox.name for mailbox in settings.mailboxes if mailbox.authserv_id]
    return f"{person.to}; an answer counts that comes into {', '.join(places)}"


def _check_session(settings: Settings) -> str:
    if not schema.is_laid(database_of(settings)):
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
