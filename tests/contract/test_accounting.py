"""What became of the mail of a folder while nobody looked: every server, and a Maildir, held to one accounting."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from imapclient import IMAPClient

from daemon.errors import PermanentError
from daemon.house import Source
from daemon.mail.inbox import Inbox, Position
from daemon.mail.maildir import Folder, MaildirInbox
from knowledge import maildirs, migrate
from knowledge.database import Database
from tests.bed import LOOPBACK, mail
from tests.contract.servers import SERVERS, Rack, connect, own, serving

pytestmark = pytest.mark.exhaustive
OLD = datetime(2026, 1, 5, 12, tzinfo=UTC)
PATIENCE = 20.0


class Place(Protocol):
    """A mailbox under test, changed as its owner and the world would change it."""

    def source(self, folder: str = "INBOX", largest: int = 1_000_000, since: date | None = None) -> Source:
        """Open a source on one of its folders."""

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail there."""

    def create(self, folder: str) -> None:
        """Make a folder."""

    def rename(self, folder: str, to: str) -> None:
        """Rename a folder."""

    def remove(self, folder: str) -> None:
        """Delete a folder with its mails."""

    def delete_first(self, folder: str = "INBOX") -> None:
        """Delete the folder's oldest mail."""

    def flag_all(self) -> None:
        """Mark all mails of the INBOX as seen."""

    def copy_all(self, folder: str, to: str) -> None:
        """Copy all mails of a folder to another, or to itself."""

    def is_untouched(self) -> bool:
        """Say whether no mail of the INBOX is marked as seen."""


@dataclass
class OnServer:
    """A mailbox on an IMAP server."""

    server: Any
    opened: list[Source]

    def source(self, folder: str = "INBOX", largest: int = 1_000_000, since: date | None = None) -> Source:
        """Open a source."""
        name = folder if folder == "INBOX" else own(self.server, folder)
        self.opened.append(Inbox(connect(self.server), name, largest, since))
        return self.opened[-1]

    def client(self) -> IMAPClient:
        """Sign in as the owner."""
        if hasattr(self.server, "sign_in"):
            signed_in: IMAPClient = self.server.sign_in()
            return signed_in
        client = IMAPClient(LOOPBACK, self.server.imap_port, ssl=False, timeout=10)
        client.login(self.server.user, self.server.password)
        return client

    def _do(self, work: Callable[[IMAPClient], object]) -> None:
        client = self.client()
        try:
            work(client)
        finally:
            client.logout()

    def _name(self, folder: str) -> str:
        return folder if folder == "INBOX" else own(self.server, folder)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Append it."""
        self._do(lambda client: client.append(self._name(folder), raw, msg_time=received))

    def create(self, folder: str) -> None:
        """Create it."""
        self._do(lambda client: client.create_folder(self._name(folder)))

    def rename(self, folder: str, to: str) -> None:
        """Rename it."""
        self._do(lambda client: client.rename_folder(self._name(folder), self._name(to)))

    def remove(self, folder: str) -> None:
        """Delete it."""
        self._do(lambda client: client.delete_folder(self._name(folder)))

    def delete_first(self, folder: str = "INBOX") -> None:
        """Mark it as deleted and expunge."""

        def work(client: IMAPClient) -> None:
            client.select_folder(self._name(folder))
            client.delete_messages(client.search("ALL")[:1])
            client.expunge()

        self._do(work)

    def flag_all(self) -> None:
        """Set the flag."""

        def work(client: IMAPClient) -> None:
            client.select_folder("INBOX")
            client.add_flags(client.search("ALL"), [b"\\Seen"])

        self._do(work)

    def copy_all(self, folder: str, to: str) -> None:
        """COPY."""

        def work(client: IMAPClient) -> None:
            client.select_folder(self._name(folder))
            client.copy(client.search("ALL"), self._name(to))

        self._do(work)

    def is_untouched(self) -> bool:
        """Search for what was seen."""
        client = self.client()
        client.select_folder("INBOX", readonly=True)
        seen = client.search("SEEN")
        client.logout()
        return not seen


@dataclass
class OnDisk:
    """A Maildir."""

    root: Path
    db: Database
    opened: list[Source]
    count: int = 0

    def source(self, folder: str = "INBOX", largest: int = 1_000_000, since: date | None = None) -> Source:
        """Open a source."""

        def number(name: str, files: Any) -> dict[str, int]:
            return maildirs.number(self.db, "disk", name, files)

        self.opened.append(MaildirInbox(self.root, folder, largest, number, since))
        return self.opened[-1]

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Write it to tmp and rename it to new, as Postfix does."""
        self.count += 1
        box = Folder(self.root, folder)
        name = f"{1_790_000_000 + self.count}.V1I{self.count}M{self.count}.mx.example"
        (box.path / "tmp" / name).write_bytes(raw.replace(b"\r\n", b"\n"))
        if received:
            os.utime(box.path / "tmp" / name, (received.timestamp(), received.timestamp()))
        (box.path / "tmp" / name).rename(box.path / "new" / name)

    def create(self, folder: str) -> None:
        """Make its directories."""
        Folder(self.root, folder).create()

    def rename(self, folder: str, to: str) -> None:
        """Rename its directory."""
        Folder(self.root, folder).path.rename(Folder(self.root, to).path)

    def remove(self, folder: str) -> None:
        """Remove its directory."""
        shutil.rmtree(Folder(self.root, folder).path)

    def delete_first(self, folder: str = "INBOX") -> None:
        """Unlink it."""
        files = Folder(self.root, folder).files()
        files[min(files)].unlink()

    def flag_all(self) -> None:
        """Rename from new to cur, as a mail program does that has shown them."""
        for path in list((self.root / "new").iterdir()):
            path.rename(self.root / "cur" / f"{path.name}:2,S")

    def copy_all(self, folder: str, to: str) -> None:
        """Write each once more, under a name of its own."""
        for path in list(Folder(self.root, folder).files().values()):
            self.deliver(path.read_bytes(), to, datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def is_untouched(self) -> bool:
        """Look whether all are in new still."""
        return not list((self.root / "cur").iterdir())


@pytest.fixture(params=[*SERVERS, "maildir"])
def box(request: pytest.FixtureRequest, rack: Rack, tmp_path: Path) -> Iterator[Place]:
    """Give an empty mailbox of each kind."""
    opened: list[Source] = []
    if request.param == "maildir":
        db = Database(tmp_path / "knowledge.db")
        migrate.upgrade(db)
        disk = OnDisk(tmp_path / "Maildir", db, opened)
        disk.create("INBOX")
        yield disk
        db.close()
    else:
        with serving(rack, request.param) as server:
            yield OnServer(server, opened)
    for source in opened:
        source.close()


def taken(source: Source, position: Position) -> tuple[list[str], Position]:
    """Take in what is new: the subjects, and the position behind it."""
    subjects = []
    for batch in source.new(position):
        subjects += [_subject(fetched.raw) for fetched in batch.mails]
        position = batch.position
    return subjects, position


def _subject(raw: bytes) -> str:
    return raw.partition(b"Subject: ")[2].splitlines()[0].decode()


def test_what_arrived_while_nobody_looked_comes_in_order(box: Place) -> None:
    """A source that is opened again goes on behind its position, wherever the mails have gone since."""
    source = box.source()
    box.deliver(mail("One"))
    _, position = taken(source, source.start(everything=True))
    source.close()
    for name in ("Two", "Three"):
        box.deliver(mail(name))
    assert taken(box.source(), position)[0] == ["Two", "Three"]


def test_nothing_comes_twice(box: Place) -> None:
    """Whoever looks again behind the position finds nothing, although the mails are still there."""
    source = box.source()
    box.deliver(mail("One"))
    _, position = taken(source, source.start(everything=True))
    assert taken(source, position)[0] == []


def test_a_first_start_for_new_mail_leaves_old_mail_alone(box: Place) -> None:
    """Only what comes later is taken."""
    box.deliver(mail("Old"))
    source = box.source()
    position = source.start(everything=False)
    box.deliver(mail("New"))
    assert taken(source, position)[0] == ["New"]


def test_a_first_start_since_a_day_takes_what_came_on_it_or_later(box: Place) -> None:
    """The day is that of the arrival, not that of the mail's own date."""
    box.deliver(mail("Old"), received=OLD)
    box.deliver(mail("Recent"))
    source = box.source(since=date(2026, 6, 1))
    assert taken(source, source.start(everything=False))[0] == ["Recent"]


def test_a_mail_moved_in_later_is_taken_however_old_it_is(box: Place) -> None:
    """It came into the folder after the first start, so it is new there."""
    source = box.source(since=date(2026, 6, 1))
    position = source.start(everything=False)
    box.create("Elsewhere")
    box.deliver(mail("Old"), "Elsewhere", OLD)
    box.copy_all("Elsewhere", "INBOX")
    assert taken(source, position)[0] == ["Old"]


def test_flags_and_reading_by_a_person_bring_no_mail_again(box: Place) -> None:
    """A mail that was read in a mail program is the same mail."""
    source = box.source()
    box.deliver(mail("One"))
    _, position = taken(source, source.start(everything=True))
    box.flag_all()
    assert taken(source, position)[0] == []


def test_taking_mail_in_changes_nothing_in_the_folder(box: Place) -> None:
    """No mail is marked as seen."""
    source = box.source()
    box.deliver(mail("One"))
    taken(source, source.start(everything=True))
    assert box.is_untouched()


def test_a_mail_deleted_before_the_fetch_is_no_error(box: Place) -> None:
    """Between the look and the fetch a mail may go; those behind it come all the same."""
    for name in ("One", "Two"):
        box.deliver(mail(name))
    source = box.source()
    position = source.start(everything=True)
    box.delete_first()
    assert taken(source, position)[0] == ["Two"]


def test_a_copy_within_the_folder_comes_as_a_mail_of_its_own(box: Place) -> None:
    """The ledger tells copies apart from new mail by their bytes; the source hands out both."""
    source = box.source()
    box.deliver(mail("One"))
    _, position = taken(source, source.start(everything=True))
    box.copy_all("INBOX", "INBOX")
    assert taken(source, position)[0] == ["One"]


def test_a_folder_that_is_not_there_is_named(box: Place) -> None:
    """The error names the folder; once it is made, its mail is taken."""
    source = box.source("Invoices")
    with pytest.raises(PermanentError, match="Invoices"):
        source.start(everything=True)
    box.create("Invoices")
    box.deliver(mail("One"), "Invoices")
    assert taken(source, source.start(everything=True))[0] == ["One"]


def test_a_folder_that_is_renamed_and_comes_back_brings_nothing_again(box: Place) -> None:
    """While it has another name it is missing; what is known stays known."""
    box.create("Invoices")
    box.deliver(mail("One"), "Invoices")
    source = box.source("Invoices")
    _, position = taken(source, source.start(everything=True))
    box.rename("Invoices", "Away")
    source.close()
    with pytest.raises(PermanentError, match="Invoices"):
        taken(source, position)
    box.rename("Away", "Invoices")
    source.close()
    fresh = [batch for batch in source.new(position) if batch.mails and not batch.rescan]
    assert fresh == []


def test_a_folder_deleted_and_made_anew_hands_out_its_new_mail(box: Place) -> None:
    """Its numbers begin anew, and so does the position; no new mail hides behind the old one."""
    box.create("Invoices")
    for name in ("One", "Two"):
        box.deliver(mail(name), "Invoices")
    source = box.source("Invoices")
    _, position = taken(source, source.start(everything=True))
    source.close()
    box.remove("Invoices")
    time.sleep(1.1)  # a UIDVALIDITY is often the second of a folder's making
    box.create("Invoices")
    box.deliver(mail("Three"), "Invoices")
    assert "Three" in taken(source, position)[0]


def test_a_folder_with_a_name_beyond_ascii_is_read(box: Place) -> None:
    """Its name is spelled as a person does."""
    box.create("Aufträge")
    box.deliver(mail("One"), "Aufträge")
    source = box.source("Aufträge")
    assert taken(source, source.start(everything=True))[0] == ["One"]


def test_of_a_mail_larger_than_allowed_only_the_header_comes(box: Place) -> None:
    """The rest stays where it is."""
    box.deliver(mail("Large", "x" * 5_000))
    source = box.source(largest=2_000)
    (batch,) = source.new(source.start(everything=True))
    (fetched,) = batch.mails
    assert (fetched.whole, b"Subject: Large" in fetched.raw, b"xxxx" in fetched.raw) == (False, True, False)


def test_many_mails_come_in_several_batches_each_once(box: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mail falls between two batches."""
    for module in ("inbox", "maildir.inbox"):
        monkeypatch.setattr(f"daemon.mail.{module}.BATCH", 7)
    names = [f"Mail {number}" for number in range(20)]
    for name in names:
        box.deliver(mail(name))
    source = box.source()
    batches = list(source.new(source.start(everything=True)))
    assert [_subject(one.raw) for batch in batches for one in batch.mails] == names
    assert len(batches) > 1


def test_a_delivery_is_heard_of_or_found_at_the_next_look(box: Place) -> None:
    """Where the source pushes, ``listen`` ends with the delivery; where not, the next look finds it."""
    source = box.source()
    _, position = taken(source, source.start(everything=True))
    source.listen(0.1)
    box.deliver(mail("One"))
    assert source.listen(PATIENCE if source.pushes else 0.1) == source.pushes
    assert taken(source, position)[0] == ["One"]


def test_listening_ends_when_it_is_woken(box: Place) -> None:
    """A tick, or the end of the service, need not wait for the server."""
    source = box.source()
    taken(source, source.start(everything=True))
    source.wake()
    begun = time.monotonic()
    assert not source.listen(PATIENCE)
    assert time.monotonic() - begun < PATIENCE / 2
