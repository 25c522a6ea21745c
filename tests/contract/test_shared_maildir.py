"""One Maildir that a real Dovecot and clerkd work in together: what the one writes, the other reads."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from daemon.mail.maildir import VALIDITY, MaildirInbox, MaildirOutbox
from daemon.mail.outbox import Place
from knowledge import maildirs
from knowledge.database import Database
from knowledge.migrate import upgrade
from tests import dovecot
from tests.bed import PASSWORD, USER, mail
from tests.conftest import need
from tests.dovecot import Dovecot

FOLDERS = ("Aufträge/R&D", "Erledigt")


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    """Run a Dovecot that keeps its mail in Maildirs."""
    need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as short:
        running = Dovecot(Path(short), USER, PASSWORD)
        running.start()
        yield running
        running.stop()


@pytest.fixture
def box(server: Dovecot, request: pytest.FixtureRequest) -> Dovecot:
    """Make a mailbox with two folders for each test."""
    server.user = request.node.name
    client = server.sign_in()
    for folder in FOLDERS:
        client.create_folder(folder)
    client.append("INBOX", mail("One"))
    client.logout()
    return server


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """Keep the numbers of the files."""
    database = Database(tmp_path / "clerkd.db")
    upgrade(database)
    yield database
    database.close()


def inbox(box: Dovecot, db: Database, folder: str = "INBOX") -> MaildirInbox:
    """Open the files of a folder."""
    return MaildirInbox(box.maildir, folder, 1_000_000, partial(maildirs.number, db, "shared"))


@pytest.fixture
def outbox(box: Dovecot, db: Database) -> MaildirOutbox:
    """Open what changes the files."""
    return MaildirOutbox(box.maildir, "Entwürfe", "", partial(maildirs.name_of, db, "shared"))


def seen_by_the_server(box: Dovecot, folder: str) -> list[tuple[bytes, set[bytes]]]:
    """Give subject and flags of all mails of a folder, as a mail program gets them."""
    client = box.sign_in()
    client.select_folder(folder, readonly=True)
    uids = client.search("ALL")
    found = client.fetch(uids, ["ENVELOPE", "FLAGS"]) if uids else {}
    client.logout()
    return [(mail[b"ENVELOPE"].subject, {*mail[b"FLAGS"]} - {b"\\Recent"}) for _, mail in sorted(found.items())]


def test_what_the_server_delivers_is_taken_in(box: Dovecot, db: Database) -> None:
    """The folder is found by its name, though it has another spelling on the disk."""
    box.deliver(mail("Two"), FOLDERS[0])
    source = inbox(box, db, FOLDERS[0])
    (batch,) = source.new(source.start(everything=True))
    assert [one.raw.replace(b"\r\n", b"\n") for one in batch.mails] == [mail("Two").replace(b"\r\n", b"\n")]


def test_a_flag_is_seen_by_the_server(box: Dovecot, db: Database, outbox: MaildirOutbox) -> None:
    """The letter in the name is the flag in the mail program."""
    inbox(box, db).start(everything=True)
    outbox.flag(Place("INBOX", VALIDITY, 1), "\\Flagged")
    assert seen_by_the_server(box, "INBOX") == [(b"One", {b"\\Flagged"})]


def test_a_moved_mail_is_seen_by_the_server(box: Dovecot, db: Database, outbox: MaildirOutbox) -> None:
    """It is in the one folder, and no longer in the other."""
    inbox(box, db).start(everything=True)
    outbox.move(Place("INBOX", VALIDITY, 1), FOLDERS[1])
    assert (seen_by_the_server(box, "INBOX"), seen_by_the_server(box, FOLDERS[1])) == ([], [(b"One", set())])


def test_a_draft_is_seen_by_the_server(box: Dovecot, outbox: MaildirOutbox) -> None:
    """It lies in the folder whose name a person knows, as a draft."""
    box.deliver(mail("Other"), "Entwürfe")
    outbox.store_draft(mail("Draft"))
    assert (b"Draft", {b"\\Draft"}) in seen_by_the_server(box, "Entwürfe")


def test_a_flag_set_through_the_server_brings_no_mail_again(box: Dovecot, db: Database) -> None:
    """The server renames the file, under the name that it keeps for good."""
    source = inbox(box, db)
    (batch,) = source.new(source.start(everything=True))
    client = box.sign_in()
    client.select_folder("INBOX")
    client.add_flags(client.search("ALL"), [b"\\Seen", b"$Label"])
    client.logout()
    assert list(source.new(batch.position)) == []
