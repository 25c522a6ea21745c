"""New mail of a Maildir, while delivery agents and mail programs go on with it: each mail once, and none lost."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import PermanentError
from daemon.mail import maildir
from daemon.mail.bell import Bell
from daemon.mail.inbox import Position
from tests.mail.disk import Disk, as_nobody, behind, everything, laid, open_to_nobody, subjects

LONG, MANY = 60.0, 20_000
STEPS = st.lists(st.sampled_from(["deliver", "show", "flag", "delete", "take in", "crash", "restart"]), max_size=30)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Lay an empty Maildir."""
    with laid(tmp_path) as found:
        yield found


def heard(source: maildir.MaildirInbox, meanwhile: Callable[[], object]) -> bool:
    """Listen in a thread while something is done, and say what was heard."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(source.listen(LONG)))
    thread.start()
    meanwhile()
    thread.join(LONG)
    return found[0]


# What is read


def test_a_delivered_mail_comes_with_the_bytes_of_its_file(disk: Disk) -> None:
    """Nothing is added to it and no line end is changed."""
    disk.path(disk.deliver("One")).write_bytes(b"Subject: One\r\nX: y\n\n\0\xff body \r\n\n")
    (batch,) = everything(disk.inbox())
    assert batch.mails[0].raw == b"Subject: One\r\nX: y\n\n\0\xff body \r\n\n"


def test_reading_renames_nothing_and_writes_nothing(disk: Disk) -> None:
    """A mail that was taken in is still new to whoever opens the Maildir."""
    disk.deliver("One")
    disk.show(disk.deliver("Two"), "F")
    before = disk.names
    everything(disk.inbox())
    assert disk.names == before


def test_what_is_still_being_delivered_is_never_read(disk: Disk) -> None:
    """Files in tmp are unfinished, and names that begin with a dot are no mails."""
    (disk.root / "tmp" / "1790000000.M1P1.mx").write_text("Subject: Half")
    (disk.root / "new" / ".nfs0001").write_text("Subject: Hidden")
    disk.deliver("Whole")
    assert subjects(everything(disk.inbox())) == ["Whole"]


def test_mails_come_in_the_order_of_their_arrival(disk: Disk) -> None:
    """It is the time of the file that counts, whatever the name and whichever directory it is in."""
    late = disk.deliver("Late")
    os.utime(disk.path(late), (2_000_000_000, 2_000_000_000))
    disk.show(disk.deliver("Early"))
    assert subjects(everything(disk.inbox())) == ["Early", "Late"]


def test_of_a_large_mail_exactly_the_header_is_read(disk: Disk) -> None:
    """Not a byte of the body comes."""
    disk.deliver("Large", "x" * 5_000)
    (batch,) = everything(disk.inbox(largest=1_000))
    (mail,) = batch.mails
    assert (mail.whole, mail.raw) == (False, b"Subject: Large\nMessage-ID: <1@quill.example>\n\n")


def test_of_a_large_file_without_an_end_of_its_header_a_bounded_part_is_read(disk: Disk) -> None:
    """Whatever was put there, it does not fill the memory."""
    disk.path(disk.deliver("Junk")).write_bytes(b"x" * (2 * maildir.folder.HEAD_BYTES))
    (batch,) = everything(disk.inbox(largest=1_000))
    assert len(batch.mails[0].raw) == maildir.folder.HEAD_BYTES


def test_a_batch_ends_where_its_mails_grow_large(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch lies in the memory as a whole: hundreds of large mails would fill it."""
    monkeypatch.setattr(maildir.inbox, "BATCH_BYTES", 2_000)
    for number in range(5):
        disk.deliver(f"Mail {number}", "x" * 1_500)
    assert [len(batch.mails) for batch in everything(disk.inbox())] == [2, 2, 1]


def test_a_position_within_the_batches_goes_on_behind_it(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken in before a crash does not come again, and the rest does."""
    monkeypatch.setattr(maildir.inbox, "BATCH", 2)
    for number in range(5):
        disk.deliver(f"Mail {number}")
    first = next(iter(everything(disk.inbox())))
    assert subjects(disk.inbox().new(first.position)) == ["Mail 2", "Mail 3", "Mail 4"]


@pytest.mark.exhaustive
def test_a_mail_that_may_not_be_read_comes_without_a_body() -> None:
    """A person is to see it; the mail behind it comes all the same."""
    with open_to_nobody() as root, laid(root) as disk:
        disk.path(disk.deliver("Forbidden")).chmod(0)
        disk.deliver("Open")
        source = disk.inbox()
        position = source.start(everything=True)
        with as_nobody():
            (batch,) = source.new(position)
    assert [(mail.whole, mail.raw[:13]) for mail in batch.mails] == [(False, b""), (True, b"Subject: Open")]


def test_a_directory_in_place_of_a_mail_comes_without_a_body(disk: Disk) -> None:
    """What cannot be a mail stops no other."""
    (disk.root / "new" / "1.odd").mkdir()
    disk.deliver("Open")
    found = [mail.whole for batch in everything(disk.inbox()) for mail in batch.mails]
    assert sorted(found) == [False, True]


def test_a_link_that_leads_nowhere_is_a_mail_that_has_vanished(disk: Disk) -> None:
    """It is looked for a few times and passed over."""
    (disk.root / "new" / "1.link").symlink_to(disk.root / "nowhere")
    disk.deliver("Open")
    assert subjects(everything(disk.inbox())) == ["Open"]


def test_a_folder_beyond_ascii_is_found_as_a_mail_server_spells_it(disk: Disk) -> None:
    """Maildir++ has modified UTF-7 in the directory's name."""
    disk.deliver("One", folder=".Auftr&AOQ-ge.R&-D")
    assert subjects(everything(disk.inbox("Aufträge/R&D"))) == ["One"]


@pytest.mark.exhaustive
def test_a_folder_beyond_ascii_is_found_as_it_is_written(disk: Disk) -> None:
    """A delivery agent knows no encoding: what its rules say is the directory's name."""
    disk.deliver("One", folder=".Aufträge")
    assert subjects(everything(disk.inbox("Aufträge"))) == ["One"]


# What happens meanwhile


def test_a_mail_that_is_shown_between_the_look_and_the_reading_is_read(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail program has moved it to cur; it is the same mail."""
    monkeypatch.setattr(maildir.inbox, "BATCH", 1)
    disk.deliver("One")
    two = disk.deliver("Two")
    source = disk.inbox()
    batches = source.new(source.start(everything=True))
    taken = [next(batches)]
    disk.show(two, "FS")
    assert subjects(taken + list(batches)) == ["One", "Two"]


def test_a_mail_deleted_between_the_look_and_the_reading_is_passed_over(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mails behind it come."""
    monkeypatch.setattr(maildir.inbox, "BATCH", 1)
    disk.deliver("One")
    two = disk.deliver("Two")
    disk.deliver("Three")
    source = disk.inbox()
    batches = source.new(source.start(everything=True))
    taken = [next(batches)]
    disk.path(two).unlink()
    assert subjects(taken + list(batches)) == ["One", "Three"]


@pytest.mark.exhaustive
def test_no_mail_is_lost_while_a_mail_program_flags_them_all(disk: Disk) -> None:
    """Each is renamed over and over while it is read."""
    uniques = [disk.deliver(f"Mail {number}") for number in range(300)]
    paths = {unique: disk.root / "new" / unique for unique in uniques}
    through = threading.Event()

    def flag() -> None:
        for letters in 1000 * ("S", "FS", "RS"):
            for unique, path in paths.items():
                if through.is_set():
                    return
                paths[unique] = path.rename(disk.root / "cur" / f"{unique}:2,{letters}")

    thread = threading.Thread(target=flag)
    thread.start()
    found = [subjects(everything(disk.inbox())) for _ in range(5)]
    through.set()
    thread.join(LONG)
    assert all(sorted(one) == sorted(f"Mail {number}" for number in range(300)) for one in found)


@pytest.mark.exhaustive
def test_what_is_delivered_while_batches_are_read_comes_at_the_next_look(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``listen`` says at once that there is more."""
    monkeypatch.setattr(maildir.inbox, "BATCH", 1)
    for name in ("One", "Two"):
        disk.deliver(name)
    source = disk.inbox()
    batches = source.new(source.start(everything=True))
    next(batches)
    disk.deliver("Three")
    position = list(batches)[-1].position
    assert source.listen(LONG)
    assert subjects(source.new(position)) == ["Three"]


@pytest.mark.exhaustive
def test_a_mail_moved_to_a_folder_and_back_is_known(disk: Disk) -> None:
    """A file keeps its name for good, so this one has been taken in already."""
    unique = disk.deliver("One")
    position = behind(everything(disk.inbox()))
    away = disk.path(unique).rename(disk.root / unique)
    source = disk.inbox()
    list(source.new(position))
    away.rename(disk.root / "cur" / f"{unique}:2,S")
    assert subjects(source.new(position)) == []


# Over restarts


def test_numbers_outlive_a_restart(disk: Disk) -> None:
    """What is taken in after it lies behind the position of before."""
    disk.deliver("One")
    position = behind(everything(disk.inbox()))
    disk.deliver("Two")
    assert subjects(disk.inbox().new(position)) == ["Two"]


def test_a_crash_between_the_numbering_and_the_taking_in_loses_nothing(disk: Disk) -> None:
    """The numbers are in the database, the position is the old one: the mails come, with these numbers."""
    position = disk.inbox().start(everything=False)
    for name in ("One", "Two"):
        disk.deliver(name)
    next(disk.inbox().new(position))
    disk.deliver("Three")
    assert subjects(disk.inbox().new(position)) == ["One", "Two", "Three"]


@pytest.mark.exhaustive
def test_a_position_of_an_imap_folder_makes_all_mail_be_read_anew(disk: Disk) -> None:
    """Its numbers mean other mails: high as they are, none of ours may hide behind them."""
    disk.deliver("One")
    (batch,) = disk.inbox().new(Position(1_700_000_000, 5_000, 4_000))
    assert (subjects([batch]), batch.rescan, batch.position) == (["One"], True, Position(maildir.VALIDITY, 1))


@pytest.mark.exhaustive
def test_a_position_of_an_imap_folder_ends_in_an_empty_maildir_too(disk: Disk) -> None:
    """From then on the position counts."""
    (batch,) = disk.inbox().new(Position(1_700_000_000, 5_000, 4_000))
    assert (batch.mails, batch.rescan, batch.position) == ((), True, Position(maildir.VALIDITY, 0))


def test_a_reading_anew_that_is_cut_off_begins_again(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The position moves on with the last batch only: known mail never passes for new."""
    monkeypatch.setattr(maildir.inbox, "BATCH", 1)
    voided = Position(1_700_000_000, 5_000, 4_000)
    for name in ("One", "Two"):
        disk.deliver(name)
    assert [batch.position for batch in disk.inbox().new(voided)] == [voided, Position(maildir.VALIDITY, 2)]


@pytest.mark.exhaustive
def test_a_first_start_with_twenty_thousand_mails_is_bearable(disk: Disk) -> None:
    """They are numbered and passed over."""
    for number in range(MANY):
        (disk.root / "cur" / f"{number}.M1P1.mx:2,S").touch()
    begun = time.monotonic()
    position = disk.inbox().start(everything=False)
    assert (position.last_uid, time.monotonic() - begun < LONG) == (MANY, True)


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(STEPS)
def test_every_mail_always_comes_once_and_never_twice(steps: list[str]) -> None:
    """Whatever mail programs do, and wherever the daemon is cut off: only a mail that was deleted may be missing."""
    with tempfile.TemporaryDirectory() as root, laid(Path(root)) as disk:
        source, came = disk.inbox(), list[str]()
        position = source.start(everything=True)
        kept: dict[str, str] = {}
        for number, step in enumerate([*steps, "take in"]):
            match step:
                case "deliver":
                    kept[disk.deliver(f"Mail {number}")] = f"Mail {number}"
                case "show" | "flag" if kept:
                    disk.show(min(kept), "S" if step == "show" else "FS")
                case "delete" if kept:
                    disk.path(max(kept)).unlink()
                    del kept[max(kept)]
                case "crash":
                    next(source.new(position), None)
                    source = disk.inbox()
                case "restart":
                    source = disk.inbox()
                case "take in":
                    for batch in source.new(position):
                        came += subjects([batch])
                        position = batch.position
        assert len(came) == len(set(came))
        assert set(kept.values()) <= set(came)


# The wait for more


def test_a_delivery_ends_the_wait(disk: Disk) -> None:
    """So does a mail that goes, which is no harm."""
    source = disk.inbox()
    everything(source)
    assert heard(source, lambda: disk.deliver("One"))


@pytest.mark.exhaustive
def test_a_delivery_that_leaves_no_trace_in_the_times_ends_the_wait(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deliveries within a tick of the clock leave one time; the second is found by its name."""
    monkeypatch.setattr(maildir.inbox, "TICK_SECONDS", 0.1)
    disk.deliver("One")
    source = disk.inbox()
    everything(source)
    before = (disk.root / "new").stat()
    disk.deliver("Two")
    os.utime(disk.root / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert source.listen(LONG)


@pytest.mark.exhaustive
def test_a_delivery_during_the_look_ends_the_wait(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came too late for the look, which must not pass it over."""
    monkeypatch.setattr(maildir.inbox, "TICK_SECONDS", 2 * LONG)
    disk.deliver("One")
    source = disk.inbox()

    def number(_folder: str, names: Sequence[str]) -> dict[str, int]:
        disk.deliver("Two")
        return dict.fromkeys(names, 1)

    monkeypatch.setattr(source, "_number", number)
    everything(source)
    assert source.listen(LONG)


@pytest.mark.exhaustive
def test_the_wait_ends_after_its_time(disk: Disk) -> None:
    """Nothing came, and nothing is said to have come."""
    source = disk.inbox()
    everything(source)
    assert not source.listen(0.3)


@pytest.mark.exhaustive
def test_a_bell_rung_between_two_looks_ends_the_wait(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whichever moment it is rung, it is heard."""
    source = disk.inbox()
    everything(source)
    late = Bell()
    waits = iter([True])

    def wait(seconds: float) -> bool:
        woken = Bell.wait(late, seconds)
        if next(waits, False):
            late.ring()
        return woken

    monkeypatch.setattr(late, "wait", wait)
    monkeypatch.setattr(source, "_bell", late)
    begun = time.monotonic()
    assert not source.listen(LONG)
    assert time.monotonic() - begun < LONG / 2
    late.close()


@pytest.mark.exhaustive
def test_a_folder_that_is_made_ends_the_wait_for_it(disk: Disk) -> None:
    """While it is missing, there is nothing to hear."""
    source = disk.inbox("Invoices")
    with pytest.raises(PermanentError, match="Invoices"):
        source.start(everything=True)
    assert heard(source, lambda: disk.deliver("One", folder=".Invoices"))


@pytest.mark.exhaustive
def test_a_folder_that_is_removed_ends_the_wait(disk: Disk) -> None:
    """The next look says that it is missing."""
    disk.deliver("One", folder=".Invoices")
    source = disk.inbox("Invoices")
    everything(source)
    assert heard(source, lambda: shutil.rmtree(disk.root / ".Invoices"))
    with pytest.raises(PermanentError, match="Invoices"):
        list(source.new(Position(maildir.VALIDITY, 0)))


@pytest.mark.exhaustive
def test_a_closed_source_can_be_used_again(disk: Disk) -> None:
    """It says when it was opened, and that it is closed."""
    source = disk.inbox()
    everything(source)
    source.close()
    assert source.connected_at is None
    disk.deliver("One")
    assert subjects(everything(source)) == ["One"]
    assert source.connected_at is not None


@pytest.mark.exhaustive
def test_a_file_whose_name_is_no_text_is_a_mail_like_any_other(disk: Disk) -> None:
    """A backup or an old delivery agent may have named it so; it must not end the service."""
    name = os.fsencode(disk.root / "new") + b"/1790000001.M1P1.h\xf6st"
    with open(name, "wb") as file:  # noqa: PTH123 - a path takes no such name
        file.write(b"Subject: Hours\n\nWhen?\n")
    (batch,) = everything(disk.inbox())
    assert [mail.raw for mail in batch.mails] == [b"Subject: Hours\n\nWhen?\n"]
