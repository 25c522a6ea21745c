"""What is new in a folder: every mail once, whatever the server does to the numbers, and in batches of bounded size."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import TransientError
from daemon.mail.imap import Fetched, Imap
from daemon.mail.inbox import BATCH, BATCH_BYTES, Batch, Inbox, Position
from tests.misbehaving import Answer, Mail, Misbehaving, Talk, ahead, completed, idling, ordinary, refused, silence

LARGEST = 10_000_000
AT_ONCE, LONG = 2.0, 30.0
NEWS = b"* 2 EXISTS\r\n"
OLD = datetime(2020, 1, 1, 12, 0, tzinfo=UTC)
RECENT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SINCE = date(2026, 11, 1)


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """Serve an inbox with three mails."""
    with Misbehaving(mails={uid: Mail() for uid in (1, 2, 3)}) as running:
        yield running


@pytest.fixture
def open_inbox(server: Misbehaving) -> Iterator[Callable[..., Inbox]]:
    """Make inboxes on the server that are closed with the test."""
    made: list[Inbox] = []

    def inbox(since: date | None = None, timeout: float = 10) -> Inbox:
        made.append(Inbox(Imap(server.account(timeout)), "INBOX", LARGEST, since))
        return made[-1]

    yield inbox
    for one in made:
        one.close()


@pytest.fixture
def inbox(open_inbox: Callable[..., Inbox]) -> Inbox:
    """Give an inbox that works any mail."""
    return open_inbox()


def uids(batches: list[Batch]) -> list[int]:
    """List the UIDs of all batches."""
    return [mail.uid for batch in batches for mail in batch.mails]


def take_in(inbox: Inbox, last: int = 0, uidvalidity: int = 1, first: int = 0) -> list[Batch]:
    """Read what is new behind a UID."""
    return list(inbox.new(Position(uidvalidity, last, first)))


def fetched(server: Misbehaving) -> list[str]:
    """List the UIDs of each command that fetched bodies."""
    return [command.split()[2] for command in server.commands if "BODY" in command]


def delivering(uid: int, answer: Callable[[Talk], None]) -> Callable[[Talk], None]:
    """Answer, and have a mail delivered by then; its EXISTS is up to the answer."""

    def deliver(talk: Talk) -> None:
        answer(talk)
        talk.server.mails[uid] = Mail()

    return deliver


# What is new


def test_it_reads_what_is_behind_the_position(inbox: Inbox) -> None:
    """Mails up to the position stay where they are."""
    assert uids(take_in(inbox, last=1)) == [2, 3]


def test_it_reads_nothing_where_nothing_is_new(inbox: Inbox) -> None:
    """``UID 4:*`` names UID 3, which is known."""
    assert take_in(inbox, last=3) == []


def test_mail_announced_with_a_fetch_is_read_in_the_same_call(server: Misbehaving, inbox: Inbox) -> None:
    """An EXISTS that rides on FETCH is followed at once."""
    server.coming = {"UID FETCH": [ordinary, delivering(4, ahead(b"* 4 EXISTS\r\n"))]}
    assert uids(take_in(inbox)) == [1, 2, 3, 4]


def test_mail_announced_with_an_empty_search_is_heard_at_once(server: Misbehaving, inbox: Inbox) -> None:
    """The SEARCH did not see the delivery yet: the wait ends before it begins."""
    server.coming = {"UID SEARCH": [completed(b"* SEARCH\r\n" + NEWS)]}
    take_in(inbox, last=3)
    begun = time.monotonic()
    assert (inbox.listen(LONG), time.monotonic() - begun < AT_ONCE) == (True, True)


def test_an_announcement_that_came_with_the_fetch_costs_no_further_look(server: Misbehaving, inbox: Inbox) -> None:
    """There is one more look behind every batch, and no third."""
    server.coming = {"UID FETCH": [ordinary, ahead(b"* 3 EXISTS\r\n")]}
    take_in(inbox)
    assert server.count("UID SEARCH") == 2


def test_it_looks_until_nothing_is_left(server: Misbehaving, inbox: Inbox) -> None:
    """What came while a batch was handled is looked for at once: one SEARCH more, whether announced or not."""
    take_in(inbox)
    assert server.count("UID SEARCH") == 2


def test_it_works_on_after_the_server_was_killed_between_two_looks(server: Misbehaving, inbox: Inbox) -> None:
    """The next try reads what came meanwhile."""
    [batch] = take_in(inbox)
    server.__exit__()
    server.mails[4] = Mail()
    server.__enter__()
    with pytest.raises(TransientError):
        list(inbox.new(batch.position))
    assert uids(list(inbox.new(batch.position))) == [4]


def test_what_a_cut_fetch_left_is_read_at_the_next_try(server: Misbehaving, inbox: Inbox) -> None:
    """A connection that ends within a body leaves the position before it."""
    server.coming = {"UID FETCH": [ordinary, cut_in_a_body]}
    with pytest.raises(TransientError):
        take_in(inbox)
    assert uids(take_in(inbox)) == [1, 2, 3]


def cut_in_a_body(talk: Talk) -> None:
    """Begin a body, and hang up in it."""
    talk.say(b"* 1 FETCH (UID 1 BODY[] {30}\r\nSubj")
    talk.hang_up()


# The numbers


def breaking(poison: int) -> Answer:
    """Hang up on whoever asks for the body of one mail."""

    def answer(talk: Talk) -> None:
        asked = talk.text.partition("FETCH ")[2].split()[0].replace(":", ",").split(",")
        if "BODY" in talk.text and str(poison) in asked:
            talk.hang_up()
        else:
            ordinary(talk)

    return answer


def test_a_mail_that_breaks_the_connection_whenever_it_is_asked_for_keeps_no_other_out(
    server: Misbehaving, inbox: Inbox
) -> None:
    """The others come in as soon as they are asked for without it; it is taken in without a body in the end."""
    server.mails |= {uid: Mail() for uid in range(4, 31)}
    server.always = {"UID FETCH": breaking(20)}
    taken: list[Fetched] = []
    position = Position(1, 0)
    for _ in range(8):
        try:
            for batch in inbox.new(position):
                taken += batch.mails
                position = batch.position
        except TransientError:
            continue
    assert [mail.uid for mail in taken] == list(range(1, 31))
    assert [mail.uid for mail in taken if not mail.raw] == [20]


def test_a_new_uidvalidity_is_a_rescan(server: Misbehaving, inbox: Inbox) -> None:
    """The folder is read from its beginning, under its new number."""
    server.uidvalidity = 2
    [batch] = take_in(inbox, last=3)
    assert (uids([batch]), batch.rescan, batch.position) == ([1, 2, 3], True, Position(2, 3))


def test_a_uidnext_that_went_back_is_a_rescan(server: Misbehaving, inbox: Inbox) -> None:
    """The server has lost its count: what it calls UID 3 now may be another mail."""
    server.uidnext = 4
    [batch] = take_in(inbox, last=9)
    assert (uids([batch]), batch.rescan, batch.position) == ([1, 2, 3], True, Position(1, 3))


def test_a_rescan_that_is_cut_off_begins_again(server: Misbehaving, inbox: Inbox) -> None:
    """Up to its last batch, the position stays the old one."""
    server.uidvalidity, server.mails = 2, {uid: Mail() for uid in range(1, 2 * BATCH + 2)}
    batches = take_in(inbox, last=3)
    assert [batch.position for batch in batches] == [Position(1, 3), Position(1, 3), Position(2, 2 * BATCH + 1)]


def test_an_emptied_folder_is_a_rescan_without_mails(server: Misbehaving, inbox: Inbox) -> None:
    """Its new number is noted all the same."""
    server.uidvalidity, server.mails = 2, {}
    assert take_in(inbox, last=3) == [Batch((), Position(2, 0), 2, rescan=True)]


def test_a_server_without_uidnext_is_no_rescan(server: Misbehaving, inbox: Inbox) -> None:
    """Nothing said is nothing gone back."""
    server.coming = {"EXAMINE": [completed(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] so\r\n")]}
    [batch] = take_in(inbox, last=2)
    assert (uids([batch]), batch.rescan) == ([3], False)


# Mails that vanish, or that the server refuses


def test_mail_that_vanished_after_the_search_is_passed(server: Misbehaving, inbox: Inbox) -> None:
    """The position goes past it."""
    server.coming = {"UID SEARCH": [completed(b"* SEARCH 1 2 3 4\r\n")]}
    batches = take_in(inbox)
    assert (uids(batches), batches[-1].position.last_uid) == ([1, 2, 3], 4)


def test_mails_that_all_vanished_are_passed(server: Misbehaving, inbox: Inbox) -> None:
    """A batch may be empty, and still moves the position."""
    server.coming = {"UID SEARCH": [completed(b"* SEARCH 4 5\r\n")]}
    batches = take_in(inbox, last=3)
    assert (uids(batches), batches[-1].position.last_uid) == ([], 5)


def test_mail_that_vanished_after_the_listing_is_passed(server: Misbehaving, inbox: Inbox) -> None:
    """The rest of its batch is fetched."""
    server.coming = {"UID FETCH": [vanishing(2)]}
    batches = take_in(inbox)
    assert (uids(batches), batches[-1].position.last_uid) == ([1, 3], 3)


def vanishing(uid: int) -> Callable[[Talk], None]:
    """Answer, and have a mail gone by then."""

    def answer(talk: Talk) -> None:
        ordinary(talk)
        del talk.server.mails[uid]

    return answer


def test_a_mail_whose_body_is_nil_is_taken_in_without_one(server: Misbehaving, inbox: Inbox) -> None:
    """It is not lost between its neighbours."""
    server.coming = {"UID FETCH": [ordinary, completed(b"* 2 FETCH (UID 2 BODY[] NIL)\r\n")]}
    [batch] = take_in(inbox, last=1)
    assert [(mail.uid, mail.raw, mail.whole) for mail in batch.mails] == [(2, b"", False)]


def without(uid: int) -> Callable[[Talk], None]:
    """Refuse every fetch of bodies that names a UID."""

    def answer(talk: Talk) -> None:
        named = str(uid) in talk.text.split()[2].split(",") and "BODY" in talk.text
        (refused() if named else ordinary)(talk)

    return answer


def test_a_refused_mail_is_taken_in_without_a_body(server: Misbehaving, inbox: Inbox) -> None:
    """One mail that the server cannot hand out does not keep the others back."""
    server.always = {"UID FETCH": without(2)}
    [batch] = take_in(inbox)
    assert [(mail.uid, mail.raw != b"", mail.whole) for mail in batch.mails] == [
        (1, True, True),
        (2, False, False),
        (3, True, True),
    ]


def test_a_refused_batch_is_repeated_one_by_one(server: Misbehaving, inbox: Inbox) -> None:
    """Each mail of it is asked for once more, by itself."""
    server.always = {"UID FETCH": without(2)}
    take_in(inbox)
    assert fetched(server) == ["1,2,3", "1", "2", "3"]


def test_a_refused_listing_is_repeated_one_by_one(server: Misbehaving, inbox: Inbox) -> None:
    """A mail that cannot be listed is fetched all the same, as one of unknown size."""
    server.coming = {"UID FETCH": [refused(), ordinary, refused(), ordinary]}
    assert uids(take_in(inbox)) == [1, 2, 3]


# Batches


def test_it_cuts_batches_by_number(server: Misbehaving, inbox: Inbox) -> None:
    """No command names more mails than a batch holds."""
    server.mails = {uid: Mail() for uid in range(1, BATCH + 3)}
    assert [len(batch.mails) for batch in take_in(inbox)] == [BATCH, 2]


@pytest.mark.parametrize(
    ("sizes", "commands"),
    [
        ([BATCH_BYTES // 2] * 2, ["1,2"]),
        ([BATCH_BYTES // 2, BATCH_BYTES // 2 + 1], ["1", "2"]),
        ([BATCH_BYTES // 2] * 5, ["1,2", "3,4", "5"]),
        ([9_000_000, 1, 9_000_000, 1], ["1,2", "3,4"]),
        ([LARGEST, 1], ["1,2"]),
    ],
    ids=["as much as fits", "one byte too many", "in pairs", "small ones between", "one at the limit"],
)
def test_it_cuts_batches_by_bytes(server: Misbehaving, inbox: Inbox, sizes: list[int], commands: list[str]) -> None:
    """No command fetches more than the memory is meant to hold."""
    server.mails = {uid: Mail(size=size) for uid, size in enumerate(sizes, 1)}
    take_in(inbox)
    assert fetched(server) == commands


def test_a_mail_that_is_too_large_is_fetched_by_its_header(server: Misbehaving, inbox: Inbox) -> None:
    """It is taken in, marked as not whole."""
    server.mails = {1: Mail(size=LARGEST + 1)}
    [batch] = take_in(inbox)
    assert [(mail.raw, mail.whole, mail.size) for mail in batch.mails] == [
        (b"Subject: Hello\r\n\r\n", False, LARGEST + 1)
    ]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.dictionaries(st.integers(1, 60), st.integers(0, 2 * LARGEST), min_size=1, max_size=20),
    last=st.integers(0, 60),
)
def test_every_new_mail_is_always_read_once_and_in_order(
    server: Misbehaving, inbox: Inbox, sizes: dict[int, int], last: int
) -> None:
    """However the sizes fall, nothing is lost and nothing is read twice."""
    server.mails, server.uidnext = {uid: Mail(size=sizes[uid]) for uid in sorted(sizes)}, 100
    assert uids(take_in(inbox, last=last)) == [uid for uid in sorted(sizes) if uid > last]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 2 * LARGEST), min_size=1, max_size=20))
def test_the_position_never_goes_back_and_never_passes_a_mail_that_comes_later(
    server: Misbehaving, inbox: Inbox, sizes: list[int]
) -> None:
    """Whichever batch is the last one committed, the rest is read behind it."""
    server.mails = {uid: Mail(size=size) for uid, size in enumerate(sizes, 1)}
    batches = take_in(inbox)
    assert all(one.position.last_uid < other.mails[0].uid for one, other in pairwise(batches))


# The first start


@pytest.fixture
def mixed(server: Misbehaving) -> Misbehaving:
    """Hold two old mails and two recent ones."""
    dates = {1: OLD, 2: RECENT, 3: OLD, 4: RECENT}
    server.mails = {uid: Mail(arrived_at=when) for uid, when in dates.items()}
    return server


def test_a_first_start_leaves_what_is_there(mixed: Misbehaving, open_inbox: Callable[..., Inbox]) -> None:
    """Without ``since``, only what comes later is new."""
    inbox = open_inbox()
    position = inbox.start(everything=False)
    mixed.mails[5] = Mail()
    assert uids(list(inbox.new(position))) == [5]


def test_a_first_start_takes_everything(mixed: Misbehaving, open_inbox: Callable[..., Inbox]) -> None:
    """With ``everything``, all that is there is new."""
    inbox = open_inbox()
    assert uids(list(inbox.new(inbox.start(everything=True)))) == list(mixed.mails)


@pytest.mark.usefixtures("mixed")
def test_a_first_start_takes_what_is_recent(open_inbox: Callable[..., Inbox]) -> None:
    """With a day, what arrived since is new, and an old mail between is left."""
    inbox = open_inbox(SINCE)
    assert uids(list(inbox.new(inbox.start(everything=False)))) == [2, 4]


def test_a_day_is_counted_generously(server: Misbehaving, open_inbox: Callable[..., Inbox]) -> None:
    """The server counts days in its own zone: one day before belongs to them."""
    eve = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    server.mails = {1: Mail(arrived_at=eve - timedelta(days=1)), 2: Mail(arrived_at=eve)}
    inbox = open_inbox(SINCE)
    assert uids(list(inbox.new(inbox.start(everything=False)))) == [2]


def test_an_old_mail_that_is_moved_in_later_is_new(mixed: Misbehaving, open_inbox: Callable[..., Inbox]) -> None:
    """What counts is when it came into the folder, not the date that it brought along."""
    inbox = open_inbox(SINCE)
    position = inbox.start(everything=False)
    mixed.mails[5] = Mail(arrived_at=OLD)
    assert uids(list(inbox.new(position))) == [2, 4, 5]


def test_a_first_start_in_an_empty_folder_begins_at_its_beginning(server: Misbehaving, inbox: Inbox) -> None:
    """The first mail ever is new."""
    server.mails = {}
    position = inbox.start(everything=False)
    server.mails[1] = Mail()
    assert uids(list(inbox.new(position))) == [1]


def test_a_first_start_without_uidnext_is_behind_the_newest_mail(server: Misbehaving, inbox: Inbox) -> None:
    """Some servers do not tell it."""
    server.coming = {"EXAMINE": [completed(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] so\r\n")]}
    assert inbox.start(everything=False) == Position(1, 3, 4)


# The wait


def test_it_opens_the_folder_without_the_right_to_change_it(server: Misbehaving, inbox: Inbox) -> None:
    """EXAMINE leaves even the RECENT flags alone (RFC 3501, 6.3.2)."""
    take_in(inbox)
    assert (server.count("EXAMINE"), server.count("SELECT")) == (1, 0)


@pytest.mark.parametrize("capabilities", [b"IMAP4rev1 IDLE", b"IMAP4rev1"])
def test_it_is_woken_from_another_thread(server: Misbehaving, inbox: Inbox, capabilities: bytes) -> None:
    """A tick of the schedule ends the wait, with push and without."""
    server.capabilities = capabilities
    take_in(inbox)
    timer, begun = threading.Timer(0.3, inbox.wake), time.monotonic()
    timer.start()
    assert (inbox.listen(LONG), time.monotonic() - begun < AT_ONCE) == (False, True)
    timer.join()


def test_it_is_woken_by_what_rang_before(inbox: Inbox) -> None:
    """A tick that came while a mail was being read is not lost."""
    take_in(inbox)
    inbox.wake()
    begun = time.monotonic()
    assert (inbox.listen(LONG), time.monotonic() - begun < AT_ONCE) == (False, True)


def test_ringing_often_wakes_it_once(inbox: Inbox) -> None:
    """Ticks do not pile up into a spin."""
    take_in(inbox)
    for _time in range(100):
        inbox.wake()
    inbox.listen(LONG)
    begun = time.monotonic()
    inbox.listen(0.3)
    assert time.monotonic() - begun >= 0.3


def test_nobody_who_rings_is_kept_waiting(inbox: Inbox) -> None:
    """A bell that nobody hears does not block."""
    for _time in range(10_000):
        inbox.wake()
    assert not inbox.pushes


def test_it_is_aborted_from_another_thread(server: Misbehaving, open_inbox: Callable[..., Inbox]) -> None:
    """A hanging call ends long before its time-out."""
    inbox = open_inbox(timeout=LONG)
    server.coming = {"UID SEARCH": [silence]}
    timer, begun = threading.Timer(0.3, inbox.abort), time.monotonic()
    timer.start()
    with pytest.raises(TransientError):
        take_in(inbox)
    assert time.monotonic() - begun < AT_ONCE
    timer.join()


def test_mail_that_comes_in_the_wait_is_read(server: Misbehaving, inbox: Inbox) -> None:
    """The way from the announcement to the mail is whole."""

    def deliver(talk: Talk) -> None:
        server.mails[4] = Mail()
        idling(b"+ idling\r\n", b"* 4 EXISTS\r\n")(talk)

    server.coming = {"IDLE": [deliver]}
    take_in(inbox)
    inbox.listen(LONG)
    assert uids(take_in(inbox, last=3)) == [4]
