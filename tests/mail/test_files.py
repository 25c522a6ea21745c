"""Mails in files, as people keep and send them: single ones, folders, Maildirs and mboxes."""

import mailbox
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import FatalError
from daemon.mail.files import Filed, mails_in

ONE, TWO = (f"From: {name}@quill.example\nSubject: {name}\n\nHello\n".encode() for name in ("ada", "bo"))


def raws(path: Path) -> list[bytes]:
    """Give the bytes of the mails at a path."""
    return [mail.raw for mail in mails_in(path)]


def maildir(root: Path) -> None:
    """Make a Maildir with a mail that was seen, a new one, and one that is still being written."""
    for part in ("new", "cur", "tmp"):
        (root / part).mkdir()
    (root / "cur" / "1.one:2,S").write_bytes(ONE)
    (root / "new" / "2.two").write_bytes(TWO)
    (root / "tmp" / "3.three").write_bytes(b"From: half")


def folder(root: Path) -> None:
    """Make a folder with two mails, the second below, and a file that is none."""
    (root / "below").mkdir()
    (root / "a.eml").write_bytes(ONE)
    (root / "below" / "b.eml").write_bytes(TWO)
    (root / "notes.txt").write_bytes(b"no mail")


@pytest.mark.parametrize("make", [maildir, folder])
def test_it_finds_the_mails_of_a_directory_in_the_order_of_their_names(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    """A Maildir's mails from new and cur, else every .eml, however deep; nothing else."""
    make(tmp_path)
    assert raws(tmp_path) == [ONE, TWO]


def test_it_reads_a_single_mail_whatever_its_name(tmp_path: Path) -> None:
    """Whoever names a file means it."""
    path = tmp_path / "strange"
    path.write_bytes(ONE)
    assert list(mails_in(path)) == [Filed(str(path), ONE)]


@given(st.binary().filter(lambda raw: not raw.startswith(b"From ")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_never_changes_a_byte_of_a_single_mail(tmp_path: Path, raw: bytes) -> None:
    """Line ends, 8-bit bytes and NUL are what a reading goes wrong by."""
    (tmp_path / "mail.eml").write_bytes(raw)
    assert raws(tmp_path / "mail.eml") == [raw]


def test_it_numbers_the_mails_of_an_mbox(tmp_path: Path) -> None:
    """The separators are no part of the mails, and each mail's number tells which one is meant."""
    path = tmp_path / "inbox"
    path.write_bytes(b"From ada Mon Nov  2 08:05:00 2026\n" + ONE + b"\nFrom bo Mon Nov  2 08:06:00 2026\n" + TWO)
    assert list(mails_in(path)) == [Filed(f"{path} (1)", ONE), Filed(f"{path} (2)", TWO)]


def test_it_reads_an_mbox_that_a_mail_program_wrote(tmp_path: Path) -> None:
    """The library's own mboxes stand for those of other programs."""
    box = mailbox.mbox(tmp_path / "inbox")
    for raw in (ONE, TWO):
        box.add(raw)
    box.close()
    assert raws(tmp_path / "inbox") == [ONE, TWO]


def test_it_leaves_an_mbox_as_it_was(tmp_path: Path) -> None:
    """Reading changes neither the bytes nor leaves a lock behind."""
    before = b"From ada Mon Nov  2 08:05:00 2026\n" + ONE
    (tmp_path / "inbox").write_bytes(before)
    raws(tmp_path / "inbox")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"inbox": before}


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nothing is read of what is not there."""
    with pytest.raises(FatalError, match="nowhere: there is no such file or folder"):
        raws(tmp_path / "nowhere")


def test_a_folder_without_mail_is_told_with_what_would_be_one(tmp_path: Path) -> None:
    """An empty answer would look as if all were well."""
    with pytest.raises(FatalError, match=r"no mail found; give an \.eml file, a folder"):
        raws(tmp_path)


def test_an_empty_maildir_is_a_folder_without_mail(tmp_path: Path) -> None:
    """The Maildir's own directories are no mails."""
    for part in ("new", "cur"):
        (tmp_path / part).mkdir()
    with pytest.raises(FatalError, match="no mail found"):
        raws(tmp_path)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """Behind other mails too: what was read before it is given first."""
    (tmp_path / "a.eml").write_bytes(ONE)
    (tmp_path / "b.eml").mkdir()
    found = mails_in(tmp_path)
    next(found)
    with pytest.raises(FatalError, match=r"b\.eml: cannot be read: Is a directory"):
        next(found)
