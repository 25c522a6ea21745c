"""What clerkd expects of a connection to a mail server, held by the embedded one and by Dovecot in its varieties."""

import time
from typing import Any

import pytest

from daemon.errors import GoneError, PermanentError, TransientError
from daemon.mail.imap import Fetched, Imap
from daemon.mail.inbox import Inbox, Position
from daemon.mail.outbox import Outbox, Place
from tests.bed import mail
from tests.contract.servers import connect, own

pytestmark = pytest.mark.exhaustive
LARGE = 1_000_000


def fetch(imap: Imap, uids: list[int], largest: int = LARGE) -> list[Fetched]:
    """List and fetch mails of the selected folder."""
    return imap.fetch(imap.listing(uids), largest)


def place(imap: Imap, uid: int) -> Place:
    """Say where a mail of the INBOX is."""
    return Place("INBOX", imap.select("INBOX").uidvalidity, uid)


def test_new_mail_is_found_once_and_in_order(server: Any, imap: Imap) -> None:
    """The inbox yields what came behind the position, in the order of its arrival, and nothing twice."""
    inbox = Inbox(imap, "INBOX", LARGE)
    position = inbox.start(everything=True)
    for name in ("First", "Second"):
        server.deliver(mail(name))
    (batch,) = inbox.new(position)
    assert [b"Subject: First" in one.raw for one in batch.mails] == [True, False]
    assert list(inbox.new(batch.position)) == []


def test_a_first_start_for_new_mail_passes_over_what_is_there(server: Any, imap: Imap) -> None:
    """With the position of a first start, only later mail is yielded."""
    server.deliver(mail("Old"))
    inbox = Inbox(imap, "INBOX", LARGE)
    position = inbox.start(everything=False)
    assert list(inbox.new(position)) == []
    server.deliver(mail("New"))
    (batch,) = inbox.new(position)
    assert [b"Subject: New" in one.raw for one in batch.mails] == [True]


def test_a_rescan_that_is_cut_off_begins_again(server: Any, imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder numbered anew the position moves on with the last batch only: old mail never passes for new."""
    monkeypatch.setattr("daemon.mail.inbox.BATCH", 1)
    for name in ("First", "Second"):
        server.deliver(mail(name))
    actual = imap.select("INBOX", readonly=True).uidvalidity
    voided = Position(actual + 1, 7)
    first, last = Inbox(imap, "INBOX", LARGE).new(voided)
    assert (first.position, first.uidvalidity, first.rescan) == (voided, actual, True)
    assert (last.position.uidvalidity, last.rescan) == (actual, True)


def test_a_fetched_mail_is_the_delivered_one_to_the_byte(server: Any, imap: Imap) -> None:
    """No server changes a mail on its way, and fetching it does not mark it as seen."""
    raw = mail("Exact", body="Grüße,\n\n  two  blanks ?")
    server.deliver(raw)
    imap.select("INBOX", readonly=True)
    (fetched,) = fetch(imap, imap.new_uids(0))
    assert fetched.raw == raw
    assert (fetched.size, fetched.whole) == (len(raw), True)


def test_of_a_large_mail_only_the_header_comes(server: Any, imap: Imap) -> None:
    """Above the limit the body stays on the server."""
    server.deliver(mail("Large", body="x" * 5000))
    imap.select("INBOX", readonly=True)
    (fetched,) = fetch(imap, imap.new_uids(0), 1000)
    assert not fetched.whole
    assert b"Subject: Large" in fetched.raw
    assert b"xxxx" not in fetched.raw


def test_a_mail_that_has_vanished_is_no_error(server: Any, imap: Imap) -> None:
    """A UID that is not there any more is simply not in the answer."""
    server.deliver(mail("Here"))
    imap.select("INBOX", readonly=True)
    (uid,) = imap.new_uids(0)
    assert [one.uid for one in fetch(imap, [uid, uid + 1])] == [uid]


def test_a_stored_draft_is_found_by_its_message_id_and_no_other_is(imap: Imap) -> None:
    """What the reconciliation looks for is found, also on a new connection."""
    outbox = Outbox(imap, "")
    outbox.store_draft(mail("Draft", Message_ID="<draft@clerkd.example>"))
    outbox.reconnect()
    assert outbox.has_draft("<draft@clerkd.example>")
    assert not outbox.has_draft("<other@clerkd.example>")


def test_a_flag_may_be_set_twice(server: Any, imap: Imap) -> None:
    """Doing it again after a crash is harmless."""
    server.deliver(mail("Flag me"))
    imap.select("INBOX")
    (uid,) = imap.new_uids(0)
    outbox = Outbox(imap, "")
    for _ in range(2):
        outbox.flag(place(imap, uid), "\\Flagged")
    assert outbox.is_there(place(imap, uid))


def test_a_moved_mail_is_gone_from_where_it_was(server: Any, imap: Imap) -> None:
    """A move into a folder that did not exist works, and a second one finds the mail gone."""
    server.deliver(mail("Move me"))
    imap.select("INBOX")
    (uid,) = imap.new_uids(0)
    there = place(imap, uid)
    outbox = Outbox(imap, "")
    outbox.move(there, own(server, "Archive"))
    assert not outbox.is_there(there)
    with pytest.raises(GoneError):
        outbox.move(there, own(server, "Archive"))
    imap.select(own(server, "Archive"), readonly=True)
    assert len(imap.new_uids(0)) == 1


def test_a_mail_of_another_numbering_is_gone(server: Any, imap: Imap) -> None:
    """A UID counts only together with its UIDVALIDITY."""
    server.deliver(mail("Numbered"))
    imap.select("INBOX")
    (uid,) = imap.new_uids(0)
    before = place(imap, uid)
    assert not Outbox(imap, "").is_there(Place("INBOX", before.uidvalidity + 1, uid))


def test_a_missing_folder_is_a_permanent_error_that_names_it(imap: Imap) -> None:
    """The text tells which folder."""
    with pytest.raises(PermanentError, match="Nowhere"):
        imap.select("Nowhere")


def test_a_wrong_password_is_told_apart_from_a_server_out_of_reach(server: Any) -> None:
    """Both may pass; the kind says which it is, and the password stands in neither."""
    refused = connect(server, "not-the-password")
    with pytest.raises(TransientError, match="does not accept the password") as caught:
        refused.select("INBOX")
    assert caught.value.kind == "authentication"
    assert "not-the-password" not in str(caught.value)


def test_a_connection_that_was_closed_is_opened_again(server: Any, imap: Imap) -> None:
    """After an end, for whatever reason, the next call works on a new connection."""
    imap.select("INBOX")
    imap.close()
    server.deliver(mail("After"))
    imap.select("INBOX")
    assert len(imap.new_uids(0)) == 1


def test_a_delivery_is_seen_by_a_connection_that_was_open_before(server: Any, imap: Imap) -> None:
    """No delivery hides behind a stale view of the folder."""
    imap.select("INBOX", readonly=True)
    for number in range(5):
        server.deliver(mail(f"Mail {number}"))
        time.sleep(0.01)
        assert len(imap.new_uids(0)) == number + 1
