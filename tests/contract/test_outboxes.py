"""What clerkd does in a mailbox, held to one contract on every server and in a Maildir."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import GoneError, PermanentError
from daemon.house import Effects
from daemon.judgement.answers import thread_id
from daemon.mail.compose import Author
from daemon.mail.letter import Request, letter
from daemon.mail.maildir import Folder, MaildirOutbox
from daemon.mail.outbox import Outbox, Place, Trail
from tests.bed import mail
from tests.contract.servers import SERVERS, Rack, connect, own, serving
from tests.contract.test_accounting import OnServer

pytestmark = pytest.mark.exhaustive
NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
OWN, THEIRS = "<0123.clerkd@harbourpine.example>", "<question@quill.example>"
DRAFT = mail("Re: Hours", "We close at six.", Message_ID=OWN, In_Reply_To=THEIRS)
REWRITTEN = mail("Re: Hours", "We close at seven.", Message_ID="<new@client.example>", In_Reply_To=THEIRS)


@dataclass
class Desk:
    """A mailbox with one mail in its INBOX, and the hand that works in it."""

    effects: Effects
    place: Place
    kind: str
    server: Any = None
    root: Path = Path()

    def name(self, folder: str) -> str:
        """Spell a folder as this mailbox does."""
        return folder if self.server is None else own(self.server, folder)

    def put(self, raw: bytes, folder: str) -> None:
        """Put a mail into a folder, which is made where it is missing."""
        if self.server is None:
            Folder(self.root, folder).store(raw, "S")
            return
        client = OnServer(self.server, []).client()
        if not client.folder_exists(self.name(folder)):
            client.create_folder(self.name(folder))
        client.append(self.name(folder), raw)
        client.logout()

    def clear(self, folder: str) -> None:
        """Delete all mails of a folder, as a person does."""
        if self.server is None:
            for path in Folder(self.root, folder).files().values():
                path.unlink()
            return
        client = OnServer(self.server, []).client()
        client.select_folder(folder)
        client.delete_messages(client.search("ALL"))
        client.expunge()
        client.logout()


@pytest.fixture(params=[*SERVERS, "maildir"])
def desk(request: pytest.FixtureRequest, rack: Rack, tmp_path: Path) -> Iterator[Desk]:
    """Lay one mail into the INBOX of each kind of mailbox."""
    if request.param == "maildir":
        inbox = Folder(tmp_path / "Maildir", "INBOX")
        inbox.store(mail("One"), "")
        (name,) = inbox.files()
        outbox = MaildirOutbox(tmp_path / "Maildir", "", "", lambda _folder, uid: name if uid == 1 else None)
        yield Desk(outbox, Place("INBOX", 1, 1), "maildir", root=tmp_path / "Maildir")
        return
    with serving(rack, request.param) as server:
        server.deliver(mail("One"))
        imap = connect(server)
        place = Place("INBOX", imap.select("INBOX").uidvalidity, imap.new_uids(0)[0])
        yield Desk(Outbox(imap, ""), place, request.param, server)
        imap.close()


def drafts_of(desk: Desk) -> str:
    """Name the folder for drafts."""
    assert isinstance(desk.effects, Outbox | MaildirOutbox)
    found = desk.effects.find_drafts()
    assert found
    return found


def test_a_stored_draft_is_found_and_no_other_is(desk: Desk) -> None:
    """What the reconciliation looks for is found on a new connection too."""
    desk.effects.store_draft(DRAFT)
    desk.effects.reconnect()
    assert desk.effects.has_draft(OWN)
    assert not desk.effects.has_draft("<other@clerkd.example>")


def test_a_draft_that_a_person_has_sent_already_is_found(desk: Desk) -> None:
    """It is not among the drafts any more, and must not be stored a second time."""
    desk.effects.store_draft(DRAFT)
    desk.clear(drafts_of(desk))
    desk.put(DRAFT, "Sent")
    desk.effects.reconnect()
    assert desk.effects.has_draft(OWN)


def test_drafts_go_where_the_server_keeps_them(desk: Desk) -> None:
    """By the folder's attribute, whatever its name; else by the usual name, which is made where one's folders are."""
    desk.effects.store_draft(DRAFT)
    unmarked = {"embedded", "dovecot-all-under-INBOX", "maildir"}
    assert drafts_of(desk) == desk.name("Drafts" if desk.kind in unmarked else "Entwürfe")


def test_a_flag_may_be_set_twice(desk: Desk) -> None:
    """Doing it again after a crash is harmless."""
    for _ in range(2):
        desk.effects.flag(desk.place, "\\Flagged")
    assert desk.effects.is_there(desk.place)


def test_a_keyword_is_kept_or_refused_in_words(desk: Desk) -> None:
    """A Maildir has no letter for it and says so; the servers take it."""
    if desk.kind != "maildir":
        desk.effects.flag(desk.place, "$Clerkd")
        return
    with pytest.raises(PermanentError, match=r"\$Clerkd"):
        desk.effects.flag(desk.place, "$Clerkd")


def test_a_moved_mail_is_gone_from_where_it_was(desk: Desk) -> None:
    """A move into a folder that did not exist works, and a second one finds the mail gone."""
    desk.effects.move(desk.place, desk.name("Archive"))
    assert not desk.effects.is_there(desk.place)
    with pytest.raises(GoneError):
        desk.effects.move(desk.place, desk.name("Archive"))


def test_a_mail_that_is_not_there_cannot_be_flagged(desk: Desk) -> None:
    """The error says that it is gone, so that the action is cancelled and not tried for ever."""
    with pytest.raises(GoneError):
        desk.effects.flag(Place("INBOX", desk.place.uidvalidity, 999), "\\Flagged")


def test_an_untouched_draft_is_seen_among_the_drafts(desk: Desk) -> None:
    """Nobody has done anything with it yet."""
    desk.effects.store_draft(DRAFT)
    (seen,) = desk.effects.look_for(Trail(OWN, THEIRS))
    assert (seen.sent, b"close at six" in seen.raw) == (False, True)


def test_a_letter_comes_back_with_the_mail_in_it_byte_for_byte(desk: Desk) -> None:
    """Also one of eight bits, with lines as long as they may be."""
    raw = "Subject: Größe\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPaid? €\r\n".encode() + b"x" * 998 + b"\r\n"
    raw = raw.replace(b"\r\n", b"\n") if desk.kind == "maildir" else raw  # as mails lie there
    request = Request(7, 12, "Größe", "Dear Alice,", "The books", "Is it paid?", "A customer asks.")
    stored = letter(request, Author("Robin Reed", "support@harbourpine.example"), "alice@x.example", raw, OWN, NOW)
    desk.effects.store_draft(stored)
    desk.effects.reconnect()
    (seen,) = desk.effects.look_for(Trail(OWN, thread_id(OWN)))
    assert raw in seen.raw


def test_a_letter_that_got_a_new_message_id_is_found_by_its_second_id(desk: Desk) -> None:
    """It answers no mail of anybody's, so it carries an id to be known by."""
    request = Request(7, 12, "Paid?", "Dear Alice,", "The books", "Is it paid?", "A customer asks.")
    stored = letter(request, Author("Robin Reed", "support@harbourpine.example"), "alice@x.example", DRAFT, OWN, NOW)
    desk.put(stored.replace(f"Message-ID: {OWN}".encode(), b"Message-ID: <new@client.example>"), "Sent")
    (seen,) = desk.effects.look_for(Trail(OWN, thread_id(OWN)))
    assert seen.sent


def test_a_sent_draft_is_seen_in_what_was_sent(desk: Desk) -> None:
    """Sent under its own Message-ID, from whatever program."""
    desk.effects.store_draft(DRAFT)
    desk.clear(drafts_of(desk))
    desk.put(DRAFT, "Sent")
    desk.effects.reconnect()
    assert [seen.sent for seen in desk.effects.look_for(Trail(OWN, THEIRS))] == [True]


def test_a_draft_that_got_a_new_message_id_is_found_by_what_it_answers(desk: Desk) -> None:
    """Most mail programs give an edited draft an id of its own."""
    desk.effects.store_draft(DRAFT)
    desk.clear(drafts_of(desk))
    desk.put(REWRITTEN, "Sent")
    desk.effects.reconnect()
    (seen,) = desk.effects.look_for(Trail(OWN, THEIRS))
    assert (seen.sent, b"close at seven" in seen.raw) == (True, True)


def test_a_deleted_draft_is_seen_nowhere(desk: Desk) -> None:
    """Neither among the drafts nor in what was sent."""
    desk.effects.store_draft(DRAFT)
    desk.clear(drafts_of(desk))
    assert desk.effects.look_for(Trail(OWN, THEIRS)) == []


@pytest.mark.parametrize("theirs", ["<m\u00fcnz@quill.example>", "<a{5}b@quill.example>", '<a"b@quill.example>'])
def test_an_id_that_no_search_can_spell_is_looked_for_in_vain_and_stops_nothing(desk: Desk, theirs: str) -> None:
    """A stranger chooses what stands in a Message-ID; the outbox goes on with its work."""
    desk.effects.store_draft(DRAFT)
    desk.clear(drafts_of(desk))
    desk.put(DRAFT, "Sent")
    desk.effects.reconnect()
    assert [seen.sent for seen in desk.effects.look_for(Trail(OWN, theirs))] == [True]
    assert desk.effects.look_for(Trail("<other@clerkd.example>", theirs)) == []


def without_id(raw: bytes) -> bytes:
    """Write a mail as careless programs do."""
    return b"".join(line for line in raw.splitlines(keepends=True) if not line.startswith(b"Message-ID:"))


HALF_MOVED = {
    "with an id": mail("One"),
    "without an id": without_id(mail("One")),
    "with an id that no search can spell": mail("One", Message_ID='<"a b"@quill.example>'),
}


def copy_half_way(desk: Desk, raw: bytes) -> Place:
    """Put a mail into the INBOX and copy it, as a move without MOVE begins."""
    client = OnServer(desk.server, []).client()
    client.append("INBOX", raw)
    opened = client.select_folder("INBOX")
    uid = max(client.search("ALL"))
    if not client.folder_exists(desk.name("Archive")):
        client.create_folder(desk.name("Archive"))
    client.copy([uid], desk.name("Archive"))
    client.logout()
    return Place("INBOX", opened[b"UIDVALIDITY"], uid)


def sizes(desk: Desk, folder: str) -> list[int]:
    """List the sizes of a folder's mails."""
    client = OnServer(desk.server, []).client()
    client.select_folder(desk.name(folder), readonly=True)
    found = client.fetch(client.search("ALL"), ["RFC822.SIZE"]).values()
    client.logout()
    return [item[b"RFC822.SIZE"] for item in found]


@pytest.mark.parametrize("desk", ["dovecot-without-extensions"], indirect=True)
@pytest.mark.parametrize("raw", HALF_MOVED.values(), ids=HALF_MOVED.keys())
def test_a_move_cut_off_half_way_makes_no_second_copy(desk: Desk, raw: bytes) -> None:
    """A server without MOVE has copied the mail already: the second try only takes the first one away."""
    place = copy_half_way(desk, raw)
    desk.effects.move(place, desk.name("Archive"), again=True)
    assert sizes(desk, "Archive") == [len(raw)]
    assert not desk.effects.is_there(place)


@pytest.mark.parametrize("desk", ["dovecot-without-extensions"], indirect=True)
def test_an_id_quoted_in_the_text_does_not_hide_the_copy(desk: Desk) -> None:
    """A report without an id of its own names that of another mail, which lies in the same folder."""
    desk.put(mail("Quoted", Message_ID=THEIRS), "Archive")
    raw = without_id(mail("Report", "About this one:")) + b"Message-ID: " + THEIRS.encode() + b"\r\n"
    assert b"\r\nMessage-ID: " + THEIRS.encode() in raw
    place = copy_half_way(desk, raw)
    desk.effects.move(place, desk.name("Archive"), again=True)
    assert sizes(desk, "Archive").count(len(raw)) == 1


@pytest.mark.parametrize("desk", ["dovecot-without-extensions"], indirect=True)
@pytest.mark.parametrize("raw", HALF_MOVED.values(), ids=HALF_MOVED.keys())
@pytest.mark.parametrize("differs", [(b"One", b"Two"), (b"open?", b"shut?")], ids=["subject", "body"])
def test_a_move_cut_off_before_the_copy_makes_one(desk: Desk, raw: bytes, differs: tuple[bytes, bytes]) -> None:
    """A mail of the same size, header or id is not taken for the copy: the mail would be gone."""
    assert differs[0] in raw
    place = copy_half_way(desk, raw.replace(*differs))
    client = OnServer(desk.server, []).client()
    client.select_folder("INBOX")
    client.append("INBOX", raw)
    uid = max(client.search("ALL"))
    client.logout()
    desk.effects.move(Place("INBOX", place.uidvalidity, uid), desk.name("Archive"), again=True)
    assert sizes(desk, "Archive") == [len(raw), len(raw)]
