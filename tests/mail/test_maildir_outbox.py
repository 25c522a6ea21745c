"""What is done in a Maildir, while mail programs go on with it: no mail is lost, none is taken for another."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.errors import GoneError, PermanentError
from daemon.mail import maildir
from daemon.mail.maildir import Folder
from daemon.mail.outbox import LARGEST_SIGHTING, MOST_SIGHTINGS, Place, Trail
from tests.conftest import need
from tests.mail.disk import Disk, as_nobody, everything, laid, open_to_nobody

OWN, THEIRS = "<0123.clerkd@harbourpine.example>", "<question@quill.example>"
DRAFT = b"Subject: Re: Hours\r\nMessage-ID: <0123.clerkd@harbourpine.example>\r\n\r\nWe close at six.\r\n"
UNSHARE = shutil.which("unshare")
FULL_DISK = """\
import subprocess, sys
from pathlib import Path
from daemon.errors import TransientError
from daemon.mail.maildir import MaildirOutbox
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(root)], check=True)
try:
    MaildirOutbox(root, "", "", lambda _folder, _uid: None).store_draft(b"x" * 200_000)
except TransientError as error:
    print(error.kind, list(root.glob(".Drafts/*/*")), error)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Lay an empty Maildir."""
    with laid(tmp_path) as found:
        yield found


def known(disk: Disk, subject: str = "One") -> tuple[str, Place]:
    """Deliver a mail and take it in; give its unique name and where it is."""
    unique = disk.deliver(subject)
    numbers = {mail.uid for batch in everything(disk.inbox()) for mail in batch.mails}
    return unique, Place("INBOX", maildir.VALIDITY, max(numbers))


# Drafts


def test_a_draft_is_stored_as_a_mail_of_a_maildir(disk: Disk) -> None:
    """It lies in cur with the letter of a draft and with this system's line ends, and nothing stays in tmp."""
    disk.outbox().store_draft(DRAFT)
    (name,) = disk.names
    assert (name.startswith(".Drafts/cur/"), name.endswith(":2,D")) == (True, True)
    assert (disk.root / name).read_bytes() == DRAFT.replace(b"\r\n", b"\n")


@pytest.mark.exhaustive
def test_no_two_drafts_get_the_same_name(disk: Disk) -> None:
    """The second does not replace the first, however fast it follows."""
    for _ in range(50):
        disk.outbox().store_draft(DRAFT)
    assert len(disk.names) == 50


@pytest.mark.exhaustive
def test_a_new_folder_beyond_ascii_is_spelled_as_mail_servers_do(disk: Disk) -> None:
    """So that a server on the same Maildir shows it by its name."""
    disk.outbox(drafts="Entwürfe").store_draft(DRAFT)
    assert (disk.root / ".Entw&APw-rfe").is_dir()


def test_a_draft_that_cannot_be_stored_is_refused_in_words(disk: Disk) -> None:
    """The error says what is in the way."""
    (disk.root / ".Drafts").write_text("no directory")
    with pytest.raises(PermanentError, match="a draft cannot be stored: "):
        disk.outbox().store_draft(DRAFT)


def test_a_full_disk_is_waited_for_and_leaves_no_half_draft(tmp_path: Path) -> None:
    """There may be room later, so the draft is not given up."""
    mount = [str(UNSHARE), "--map-root-user", "--mount"]
    probe = [*mount, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    may = UNSHARE and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    need(may, "no mount namespace may be made here (unshare)")
    command = [*mount, sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "refused [] a draft cannot be stored: No space left on device\n", done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\nMESSAGE-ID:\n <0123.clerkd@harbourpine.example>\n\nBody\n",
        b"Subject: x\r\nMessage-Id: <0123.clerkd@harbourpine.example>\r\n\r\nBody\r\n",
        b"Message-ID: <0123.clerkd@harbourpine.example>",
    ],
)
def test_a_draft_is_found_however_a_mail_program_writes_its_header(disk: Disk, raw: bytes) -> None:
    """Folded, in other letters, with either line end, and without a body."""
    Folder(disk.root, "Sent").store(DRAFT, "S")
    (path,) = (disk.root / ".Sent" / "cur").iterdir()
    path.write_bytes(raw)
    assert disk.outbox().has_draft(OWN)


@pytest.mark.exhaustive
def test_an_id_in_a_body_is_not_the_id_of_a_mail(disk: Disk) -> None:
    """Whoever quotes a header has not sent the draft."""
    Folder(disk.root, "Sent").store(b"Subject: x\n\nMessage-ID: <0123.clerkd@harbourpine.example>\n", "S")
    assert not disk.outbox().has_draft(OWN)


@pytest.mark.exhaustive
def test_only_the_latest_of_many_answers_are_read(disk: Disk) -> None:
    """What a person sent in a long conversation is not read all over at each look."""
    for number in range(MOST_SIGHTINGS + 2):
        Folder(disk.root, "Sent").store(b"Subject: %d\nIn-Reply-To: %s\n\nx\n" % (number, THEIRS.encode()), "S")
    seen = disk.outbox().look_for(Trail(OWN, THEIRS))
    assert [sighting.raw[:10] for sighting in seen] == [b"Subject: %d" % number for number in range(2, 7)]


def test_of_a_huge_mail_only_the_header_is_seen(disk: Disk) -> None:
    """Whoever attached a film to the draft does not fill our memory with it, and has sent it all the same."""
    Folder(disk.root, "Sent").store(DRAFT + b"x" * LARGEST_SIGHTING, "S")
    (seen,) = disk.outbox().look_for(Trail(OWN, THEIRS))
    assert (seen.sent, seen.whole, len(seen.raw) < LARGEST_SIGHTING) == (True, False, True)


# Flags and moves


def test_a_flag_is_added_to_those_that_are_there(disk: Disk) -> None:
    """The letters stand in the order of the alphabet, and the mail is new no more."""
    unique, place = known(disk)
    disk.show(unique, "RS")
    disk.outbox().flag(place, "\\Flagged")
    assert disk.names == {f"cur/{unique}:2,FRS"}


def test_a_flagged_mail_leaves_new(disk: Disk) -> None:
    """A file has flags in cur only."""
    unique, place = known(disk)
    disk.outbox().flag(place, "\\Flagged")
    assert disk.names == {f"cur/{unique}:2,F"}


@pytest.mark.exhaustive
def test_a_moved_mail_keeps_its_flags(disk: Disk) -> None:
    """It is the same file, in another folder."""
    unique, place = known(disk)
    disk.show(unique, "FS")
    disk.outbox().move(place, "Done/2026")
    assert disk.names == {f".Done.2026/cur/{unique}:2,FS"}


@pytest.mark.exhaustive
def test_a_mail_received_from_a_server_under_the_same_number_is_gone(disk: Disk) -> None:
    """A Maildir that has followed an IMAP folder under its name: the number means another mail now."""
    unique, place = known(disk)
    theirs = Place("INBOX", 1_700_000_000, place.uid)
    assert not disk.outbox().is_there(theirs)
    with pytest.raises(GoneError):
        disk.outbox().flag(theirs, "\\Deleted")
    assert disk.names == {f"new/{unique}"}


def test_a_mail_that_was_deleted_is_gone(disk: Disk) -> None:
    """The error says that there is nothing left to be done."""
    unique, place = known(disk)
    disk.path(unique).unlink()
    with pytest.raises(GoneError, match="no longer in INBOX"):
        disk.outbox().move(place, "Done")


@pytest.mark.exhaustive
def test_a_folder_that_cannot_be_made_is_refused_in_words(disk: Disk) -> None:
    """The mail stays where it is."""
    unique, place = known(disk)
    (disk.root / ".Done").write_text("no directory")
    with pytest.raises(PermanentError, match="the mail cannot be put into 'Done': "):
        disk.outbox().move(place, "Done")
    assert f"new/{unique}" in disk.names


@pytest.mark.exhaustive
def test_a_flag_in_a_folder_that_may_not_be_written_is_refused_in_words() -> None:
    """It will not work however often it is tried."""
    with open_to_nobody() as root, laid(root) as disk:
        unique, place = known(disk)
        outbox = maildir.MaildirOutbox(disk.root, "", "", lambda _folder, _uid: unique)
        for part in ("new", "cur"):
            (disk.root / part).chmod(0o555)
        with as_nobody(), pytest.raises(PermanentError, match="the mail cannot be put into 'INBOX': Permission denied"):
            outbox.flag(place, "\\Flagged")


@pytest.mark.exhaustive
def test_a_mail_that_is_renamed_in_this_moment_is_reached_all_the_same(disk: Disk) -> None:
    """Whatever is done to it, is done under its new name."""
    unique = disk.deliver("One")

    def act(path: Path) -> bytes:
        if path.parent.name == "new":
            disk.show(unique)
        return path.read_bytes()

    assert b"Subject: One" in (Folder(disk.root, "INBOX").reach(unique, act) or b"")


@pytest.mark.exhaustive
def test_a_mail_that_is_never_caught_is_given_up(disk: Disk) -> None:
    """The search has an end."""
    unique = disk.deliver("One")
    seen: list[Path] = []

    def act(path: Path) -> None:
        seen.append(path)
        raise FileNotFoundError

    assert Folder(disk.root, "INBOX").reach(unique, act) is None
    assert len(seen) == maildir.folder.LOOKS
