"""A folder that may be read and not changed: its mail is taken in, and what cannot be done to it is said in words."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.errors import PermanentError
from daemon.mail.imap import Imap
from daemon.mail.inbox import Inbox
from daemon.mail.outbox import Outbox, Place
from tests import dovecot
from tests.bed import PASSWORD, USER, mail
from tests.conftest import need
from tests.contract.servers import connect
from tests.dovecot_acl import AclDovecot

FOLDER = "Invoices"


@pytest.fixture(scope="module")
def server() -> Iterator[AclDovecot]:
    """Serve a folder with one mail that its user may only read."""
    need(dovecot.PROGRAM, "dovecot is not installed (Debian: dovecot-imapd)")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as short:
        running = AclDovecot(Path(short), USER, PASSWORD)
        running.start()
        client = running.sign_in()
        client.create_folder(FOLDER)
        client.logout()
        running.deliver(mail("One"), FOLDER)
        running.make_read_only(FOLDER)
        yield running
        running.stop()


@pytest.fixture
def imap(server: AclDovecot) -> Iterator[Imap]:
    """Open a connection, and end it."""
    connection = connect(server)
    yield connection
    connection.close()


@pytest.fixture
def place(imap: Imap) -> Place:
    """Say where the mail is."""
    return Place(FOLDER, imap.select(FOLDER, readonly=True).uidvalidity, 1)


def test_the_mail_of_a_read_only_folder_is_taken_in(imap: Imap) -> None:
    """Taking it in needs no right but that of reading."""
    inbox = Inbox(imap, FOLDER, 1_000_000)
    (batch,) = inbox.new(inbox.start(everything=True))
    assert [b"Subject: One" in one.raw for one in batch.mails] == [True]


def test_a_flag_in_a_read_only_folder_is_refused_in_words(imap: Imap, place: Place) -> None:
    """It is no trouble that passes: the error names the folder, and says that it is read-only."""
    with pytest.raises(PermanentError, match=r"'Invoices'.*read-only"):
        Outbox(imap, "").flag(place, "\\Flagged")


def test_a_move_out_of_a_read_only_folder_is_refused_in_words(imap: Imap, place: Place) -> None:
    """The mail stays where it is."""
    with pytest.raises(PermanentError, match=r"'Invoices'.*read-only"):
        Outbox(imap, "").move(place, "Archive")
    imap.select(FOLDER, readonly=True)
    assert imap.new_uids(0) == [1]


def test_the_outbox_works_on_after_a_refusal(imap: Imap, place: Place) -> None:
    """A folder that may be written is not touched by it."""
    outbox = Outbox(imap, "")
    with pytest.raises(PermanentError):
        outbox.flag(place, "\\Flagged")
    outbox.store_draft(mail("Draft", Message_ID="<draft@clerkd.example>"))
    assert outbox.has_draft("<draft@clerkd.example>")
