"""One connection to a server that misbehaves: nothing stalls it, spins it, or makes it lose an announcement."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import ClerkdError, FatalError, PermanentError, TransientError, UncertainError
from daemon.mail.imap import Imap, Listed, Pass
from tests.certificate import Certificate, self_signed
from tests.misbehaving import (
    Answer,
    Mail,
    Misbehaving,
    Talk,
    ahead,
    chatter,
    completed,
    drip,
    hang_up,
    idling,
    refused,
    saying,
    silence,
)

LONG = 30.0  # seconds that a call would wait if the server's word were lost
AT_ONCE = 2.0
SHORT = 0.3  # a time-out that is meant to pass
FOREVER = 20.0  # whatever takes longer than this hangs
GO = b"+ idling\r\n"
NEWS = b"* 2 EXISTS\r\n"
STILL_HERE = b"* OK Still here\r\n"
HERE = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Sign a certificate once."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """Serve in the open."""
    with Misbehaving() as running:
        yield running


@pytest.fixture
def secure(certificate: Certificate) -> Iterator[Misbehaving]:
    """Serve over TLS."""
    with Misbehaving(certificate) as running:
        yield running


@pytest.fixture(params=["plain", "tls"])
def either(request: pytest.FixtureRequest) -> Misbehaving:
    """Serve in the open, then over TLS."""
    found: Misbehaving = request.getfixturevalue({"plain": "server", "tls": "secure"}[request.param])
    return found


@pytest.fixture
def dial() -> Iterator[Callable[..., Imap]]:
    """Make connections that are ended with the test."""
    made: list[Imap] = []

    def connection(server: Misbehaving, timeout: float = 10, entrance: Callable[[], Pass] | None = None) -> Imap:
        account = server.account(timeout, entrance) if entrance else server.account(timeout)
        made.append(Imap(account))
        return made[-1]

    yield connection
    for imap in made:
        imap.close()


@pytest.fixture
def bell() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Make a pair of which the first ends ``listen`` once something is sent on the second."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def ear(bell: tuple[socket.socket, socket.socket]) -> socket.socket:
    """Give an end of a pair that nobody rings."""
    return bell[0]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call be stretched to three time-outs only, since each test of it waits that long."""
    monkeypatch.setattr("daemon.mail.imap.connection.LONGEST_CALL", 3)


def opened(imap: Imap) -> Imap:
    """Select the inbox and look at it once, as the intake does before it listens."""
    imap.select("INBOX", readonly=True)
    imap.new_uids(0)
    return imap


def seconds(call: Callable[[], object]) -> float:
    """Say how long a call takes that is broken off."""
    begun = time.monotonic()
    with pytest.raises(ClerkdError):
        call()
    return time.monotonic() - begun


def later(call: Callable[[], object], after: float = 0.3) -> threading.Timer:
    """Call from another thread in a moment."""
    timer = threading.Timer(after, call)
    timer.start()
    return timer


# News in IDLE


@pytest.mark.parametrize("time_", range(16))
def test_it_hears_a_line_that_is_buffered_behind_the_plus(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, time_: int
) -> None:
    """News in the packet of ``+ idling`` is news at once, every time."""
    either.coming = {"IDLE": [idling(GO + STILL_HERE * (time_ % 3) + NEWS)]}
    imap, begun = opened(dial(either)), time.monotonic()
    assert (imap.listen(LONG, ear), time.monotonic() - begun < AT_ONCE) == (True, True)


def test_it_hears_news_that_come_before_the_plus(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """A server may announce mail between IDLE and its ``+``."""
    either.coming = {"IDLE": [idling(NEWS + GO)]}
    imap, begun = opened(dial(either)), time.monotonic()
    assert (imap.listen(LONG, ear), time.monotonic() - begun < AT_ONCE) == (True, True)


@pytest.mark.parametrize(
    "pieces",
    [
        (GO, b"* 2 EXI", b"STS\r\n"),
        (GO + b"* 2 EXI", b"STS\r\n"),
        (GO, b"* 2 EXISTS", b"\r\n"),
        (GO, b"*", b" 2 EXISTS\r", b"\n"),
        (b"+ idl", b"ing\r\n* 2 EX", b"ISTS\r\n"),
    ],
    ids=["in a word", "in the packet of the plus", "before the line's end", "in three", "the plus itself"],
)
def test_it_hears_a_line_in_pieces(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, pieces: tuple[bytes, ...]
) -> None:
    """The rest of a torn line is waited for."""
    either.coming = {"IDLE": [idling(*pieces)]}
    assert opened(dial(either)).listen(LONG, ear)


def test_it_announces_a_line_in_pieces_once(either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket) -> None:
    """Behind the announcement it is quiet again."""
    either.coming = {"IDLE": [idling(GO, b"* 2 EXI", b"STS\r\n")]}
    imap = opened(dial(either))
    imap.listen(LONG, ear)
    assert not imap.listen(SHORT, ear)


def test_it_hears_both_lines_where_the_second_is_torn(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """A whole line with half of the next one is news, and the half becomes news too."""
    either.coming = {"IDLE": [idling(GO + b"* 2 EXISTS\r\n* 1 REC", b"ENT\r\n")]}
    imap = opened(dial(either))
    assert (imap.listen(LONG, ear), imap.listen(LONG, ear)) == (True, True)


def test_it_works_on_after_a_torn_line(either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket) -> None:
    """What listening has read is no longer in the way of the next command."""
    either.coming = {"IDLE": [idling(GO + b"* 2 EXISTS\r\n* 1 REC", b"ENT\r\n")]}
    imap = opened(dial(either))
    imap.listen(LONG, ear)
    assert (imap.new_uids(0), either.connections) == ([1], 1)


def test_it_takes_a_sign_of_life_for_no_news(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """The wait goes on to its end."""
    either.coming = {"IDLE": [idling(GO + STILL_HERE, STILL_HERE)]}
    imap, begun = opened(dial(either)), time.monotonic()
    assert (imap.listen(0.5, ear), time.monotonic() - begun >= 0.5) == (False, True)


def test_it_hears_news_among_signs_of_life(either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket) -> None:
    """Whatever stands before the announcement does not cover it."""
    either.coming = {"IDLE": [idling(GO, STILL_HERE * 3, b"* 1 FETCH (FLAGS (\\Seen))\r\n" + NEWS)]}
    assert opened(dial(either)).listen(LONG, ear)


def test_a_server_that_never_stops_talking_cannot_hold_it(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """A flood of signs of life ends with the time that was given, as no news."""
    either.coming = {"IDLE": [chatter(STILL_HERE)]}
    imap, begun = opened(dial(either)), time.monotonic()
    assert (imap.listen(SHORT, ear), time.monotonic() - begun < FOREVER) == (False, True)


def test_it_is_woken_out_of_a_flood(
    either: Misbehaving, dial: Callable[..., Imap], bell: tuple[socket.socket, socket.socket]
) -> None:
    """The bell is heard while the server talks without a pause."""
    either.coming = {"IDLE": [chatter(STILL_HERE)]}
    imap, begun = opened(dial(either)), time.monotonic()
    timer = later(lambda: bell[1].send(b"\0"))
    assert (imap.listen(LONG, bell[0]), time.monotonic() - begun < AT_ONCE) == (False, True)
    timer.join()


def test_it_is_woken(either: Misbehaving, dial: Callable[..., Imap], bell: tuple[socket.socket, socket.socket]) -> None:
    """Another thread ends the wait within a moment."""
    imap, begun = opened(dial(either)), time.monotonic()
    timer = later(lambda: bell[1].send(b"\0"))
    assert (imap.listen(LONG, bell[0]), time.monotonic() - begun < AT_ONCE) == (False, True)
    timer.join()


def test_news_that_ride_on_an_empty_search_end_the_wait_at_once(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """The server says EXISTS with the answer to SEARCH, and nothing more in IDLE (measured)."""
    either.coming = {"UID SEARCH": [completed(b"* SEARCH\r\n" + NEWS)]}
    imap, begun = opened(dial(either)), time.monotonic()
    assert (imap.listen(LONG, ear), time.monotonic() - begun < AT_ONCE) == (True, True)


def test_a_server_that_counts_aloud_at_every_noop_is_not_asked_without_end(
    server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """What NOOP announces is in the SEARCH behind it, so it is no news."""
    server.always = {"NOOP": ahead(b"* 1 EXISTS\r\n")}
    assert not opened(dial(server)).listen(SHORT, ear)


# IDLE and the other commands


def test_it_stays_in_idle_between_two_waits(server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket) -> None:
    """No announcement can fall between two calls."""
    imap = opened(dial(server))
    for _time in range(3):
        imap.listen(0.1, ear)
    assert server.count("IDLE") == 1


def test_it_leaves_idle_before_another_command(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """DONE ends IDLE, and the next wait begins it again (RFC 2177)."""
    imap = opened(dial(either))
    either.commands.clear()
    imap.listen(0.1, ear)
    imap.new_uids(0)
    imap.listen(0.1, ear)
    assert either.commands == ["IDLE", "DONE", "NOOP", "UID SEARCH UID 1:*", "IDLE"]


def test_it_hears_news_that_come_while_it_leaves_idle(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """An announcement that was not read in IDLE rides on its end, and is news in the next wait."""
    either.coming = {"IDLE": [idling(GO, NEWS)]}
    imap = opened(dial(either))
    imap.listen(0, ear)
    imap.has_uid(1)
    assert imap.listen(LONG, ear)


@pytest.mark.parametrize("word", [b"NO not now", b"BAD what is that"])
def test_it_polls_where_idle_is_refused(
    server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, word: bytes
) -> None:
    """IDLE is advertised but refused: it is asked for once, and the connection stays usable."""
    server.always = {"IDLE": refused(word)}
    imap = opened(dial(server))
    heard = [imap.listen(0.1, ear) for _time in range(3)]
    assert (heard, imap.new_uids(0), server.count("IDLE"), server.connections) == ([False] * 3, [1], 1, 1)


def test_it_waits_its_time_where_idle_is_refused(
    server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """A refusal does not turn the wait into a spin."""
    server.always = {"IDLE": refused()}
    imap, begun = opened(dial(server)), time.monotonic()
    imap.listen(0.5, ear)
    assert time.monotonic() - begun >= 0.5


@pytest.mark.parametrize("capabilities", [b"IMAP4rev1 IDLE", b"IMAP4rev1"])
def test_it_says_whether_the_server_pushes(
    server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, capabilities: bytes
) -> None:
    """After the first wait, ``pushes`` is what the server can do."""
    server.capabilities = capabilities
    imap = opened(dial(server))
    imap.listen(0.1, ear)
    assert imap.pushes == imap.can_push() == (b"IDLE" in capabilities)


def test_it_is_woken_where_the_server_has_no_idle(
    server: Misbehaving, dial: Callable[..., Imap], bell: tuple[socket.socket, socket.socket]
) -> None:
    """Without push, the bell is all that ends the wait before its time."""
    server.capabilities = b"IMAP4rev1"
    imap, begun = opened(dial(server)), time.monotonic()
    timer = later(lambda: bell[1].send(b"\0"))
    assert (imap.listen(LONG, bell[0]), time.monotonic() - begun < AT_ONCE) == (False, True)
    timer.join()


# The end of the connection


def ends(talk: Talk) -> None:
    """Enter IDLE, and end the connection there."""
    talk.say(GO)
    talk.hang_up()


def says_goodbye(talk: Talk) -> None:
    """Enter IDLE, and say BYE there without ending the connection."""
    talk.say(GO, b"* BYE Autologout; idle for too long\r\n")


def ends_in_a_line(talk: Talk) -> None:
    """Enter IDLE, and end the connection in the middle of a line."""
    talk.say(GO, b"* 2 EXI")
    talk.hang_up()


def completes(talk: Talk) -> None:
    """Enter IDLE, and end it without having been asked to."""
    talk.say(GO)
    talk.end(b"NO idle for too long")


ENDS = [ends, says_goodbye, ends_in_a_line, completes, saying(b"* BYE for now\r\n"), hang_up]
END_NAMES = ["end", "BYE", "end within a line", "IDLE completed unasked", "BYE before the plus", "end before the plus"]


@pytest.mark.parametrize("end", ENDS, ids=END_NAMES)
def test_the_end_in_idle_is_an_error_at_once(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, end: Answer
) -> None:
    """Listening does not wait for a server that has gone."""
    either.coming = {"IDLE": [end]}
    imap = opened(dial(either))
    assert seconds(lambda: imap.listen(LONG, ear)) < AT_ONCE


@pytest.mark.parametrize("end", ENDS, ids=END_NAMES)
def test_the_end_in_idle_costs_no_command(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, end: Answer
) -> None:
    """The dead connection is not asked anything, and no new one is opened before it is needed."""
    either.coming = {"IDLE": [end]}
    imap = opened(dial(either))
    either.commands.clear()
    with pytest.raises(TransientError):
        imap.listen(LONG, ear)
    assert (either.commands, either.connections, imap.pushes) == (["IDLE"], 1, False)


@pytest.mark.parametrize("end", ENDS, ids=END_NAMES)
def test_after_the_end_in_idle_it_works_on_a_new_connection(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, end: Answer
) -> None:
    """The next look at the folder connects again."""
    either.coming = {"IDLE": [end]}
    imap = opened(dial(either))
    with pytest.raises(TransientError):
        imap.listen(LONG, ear)
    opened(imap)
    assert (imap.listen(0.1, ear), either.connections) == (False, 2)


def test_it_connects_again_to_a_server_that_was_killed(either: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A restart in the middle costs one failed try."""
    imap = opened(dial(either))
    either.__exit__()
    either.__enter__()
    with pytest.raises(TransientError):
        imap.new_uids(0)
    opened(imap)
    assert imap.new_uids(0) == [1]


def test_it_waits_out_a_blip(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A server that restarts within half a second is not out of reach."""
    imap = dial(server)
    server.__exit__()
    timer = later(server.__enter__, after=0.1)
    assert imap.select("INBOX").uidvalidity == 1
    timer.join()


# Deadlines

CALLS: dict[str, tuple[str, Callable[[Imap], object]]] = {
    "select": ("EXAMINE", lambda imap: imap.select("INBOX", readonly=True)),
    "noop": ("NOOP", lambda imap: imap.new_uids(0)),
    "search": ("UID SEARCH", lambda imap: imap.new_uids(0)),
    "since": ("UID SEARCH", lambda imap: imap.uids_since(HERE.date())),
    "listing": ("UID FETCH", lambda imap: imap.listing([1])),
    "fetch": ("UID FETCH", lambda imap: imap.fetch([Listed(1, 10, HERE)], 100)),
    "flag": ("UID STORE", lambda imap: imap.add_flag(1, "$Seen")),
    "folders": ("LIST", Imap.folders),
}
STALLS = pytest.mark.parametrize("stall", [silence, drip], ids=["mute", "drip"])


def listens(imap: Imap) -> object:
    """Listen on a bell that nobody rings."""
    one, other = socket.socketpair()
    with one, other:
        return imap.listen(SHORT, one)


CALLS["idle"] = ("IDLE", listens)


@pytest.mark.exhaustive
@STALLS
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("impatient")
def test_every_call_to_a_stalling_server_ends(
    either: Misbehaving, dial: Callable[..., Imap], call: str, stall: Answer
) -> None:
    """No answer, or one byte every now and then for ever: the call is broken off."""
    name, ask = CALLS[call]
    imap = opened(dial(either, timeout=SHORT))
    either.coming = {name: [stall]}
    assert seconds(lambda: ask(imap)) < FOREVER


@pytest.mark.exhaustive
@STALLS
@pytest.mark.parametrize("name", ["GREETING", "CAPABILITY", "LOGIN"])
@pytest.mark.usefixtures("impatient")
def test_a_server_that_stalls_at_the_door_is_left(
    either: Misbehaving, dial: Callable[..., Imap], name: str, stall: Answer
) -> None:
    """Connecting has an end too."""
    either.coming = {name: [stall]}
    assert seconds(lambda: dial(either, timeout=SHORT).select("INBOX")) < FOREVER


def drips_in_idle(talk: Talk) -> None:
    """Enter IDLE, and begin a line there that never ends."""
    talk.say(GO)
    drip(talk)


def falls_silent_in_a_line(talk: Talk) -> None:
    """Enter IDLE, and begin a line there."""
    talk.say(GO, b"* 2 EXI")


@pytest.mark.exhaustive
@pytest.mark.parametrize("stall", [drips_in_idle, falls_silent_in_a_line])
@pytest.mark.usefixtures("impatient")
def test_a_line_in_idle_that_never_ends_is_broken_off(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket, stall: Answer
) -> None:
    """Waiting for the rest of a torn line has an end."""
    either.coming = {"IDLE": [stall]}
    imap = opened(dial(either, timeout=SHORT))
    assert seconds(lambda: imap.listen(0.5, ear)) < FOREVER


def test_listening_longer_than_a_call_may_take_is_not_broken_off(
    server: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """The wait that was asked for does not count as the server's delay."""
    imap = opened(dial(server, timeout=0.1))
    assert (imap.listen(1.5, ear), imap.new_uids(0), server.connections) == (False, [1], 1)


@STALLS
@pytest.mark.usefixtures("impatient")
def test_a_connection_that_stalled_is_not_used_again(
    either: Misbehaving, dial: Callable[..., Imap], stall: Answer
) -> None:
    """After a time-out the next call is on a new connection: on the old one it would get the answer before."""
    imap = opened(dial(either, timeout=SHORT))
    either.coming = {"NOOP": [stall]}
    with pytest.raises(TransientError):
        imap.new_uids(0)
    imap.select("INBOX")
    assert either.connections == 2


def test_a_stalled_connection_stands_no_longer(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """The state that is shown follows at once."""
    server.coming = {"NOOP": [silence]}
    imap = dial(server, timeout=SHORT)
    imap.select("INBOX")
    with pytest.raises(TransientError):
        imap.new_uids(0)
    assert (imap.connected_at, imap.pushes) == (None, False)


@pytest.mark.parametrize("name", ["GREETING", "LOGIN", "EXAMINE", "NOOP"])
def test_it_is_aborted_in_a_hanging_call(either: Misbehaving, dial: Callable[..., Imap], name: str) -> None:
    """Another thread ends the call long before its time-out."""
    either.coming = {name: [silence]}
    imap = dial(either, timeout=LONG)
    timer = later(imap.abort)
    assert seconds(lambda: opened(imap)) < AT_ONCE
    timer.join()


def test_it_is_aborted_in_idle(either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket) -> None:
    """Listening is a call like the others."""
    imap = opened(dial(either, timeout=LONG))
    timer = later(imap.abort)
    assert seconds(lambda: imap.listen(LONG, ear)) < AT_ONCE
    timer.join()


def test_it_opens_no_connection_after_an_abort(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A service that is stopping does not sign in once more."""
    imap = dial(server)
    imap.abort()
    with pytest.raises(TransientError, match="stopping"):
        imap.select("INBOX")
    assert server.connections == 0


def test_breaking_off_never_takes_the_encryption_off(secure: Misbehaving, dial: Callable[..., Imap]) -> None:
    """What another thread sends meanwhile can fail, but not go in the clear."""
    imap = opened(dial(secure))
    wire = imap._client.socket() if imap._client else None
    imap.abort()
    assert wire is not None
    assert wire.version() == "TLSv1.3"


# What the server says


def test_it_leaves_out_the_newest_message_where_it_is_older_than_asked_for(
    server: Misbehaving, dial: Callable[..., Imap]
) -> None:
    """``UID 8:*`` names UID 7 where that is the last one (RFC 3501, 6.4.8)."""
    server.mails = {3: Mail(), 7: Mail()}
    imap = dial(server)
    imap.select("INBOX")
    assert (imap.new_uids(7), imap.new_uids(6)) == ([], [7])


def test_it_reads_a_search_answer_of_more_than_a_megabyte(either: Misbehaving, dial: Callable[..., Imap]) -> None:
    """130,000 new mails in one line are read (measured: the library's own limit fails there)."""
    many = range(1_000_000, 1_130_000)
    either.coming = {"UID SEARCH": [completed(b"* SEARCH " + b" ".join(b"%d" % uid for uid in many) + b"\r\n")]}
    imap = dial(either)
    imap.select("INBOX")
    assert imap.new_uids(0) == list(many)


def test_a_folder_without_uidvalidity_is_refused(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Without it, no mail can be told from another one (RFC 3501, 2.3.1.1)."""
    server.coming = {"EXAMINE": [completed(b"* 1 EXISTS\r\n")]}
    with pytest.raises(PermanentError, match="UIDVALIDITY"):
        dial(server).select("INBOX", readonly=True)


def test_a_mail_that_has_vanished_is_not_listed(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Asking for it is no error."""
    imap = dial(server)
    imap.select("INBOX")
    assert [mail.uid for mail in imap.listing([1, 2])] == [1]


def test_a_mail_that_has_vanished_is_not_fetched(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """It may go between the listing and the fetch."""
    imap = dial(server)
    imap.select("INBOX")
    assert [mail.uid for mail in imap.fetch([Listed(uid, 10, HERE) for uid in (1, 2)], 100)] == [1]


def test_a_mail_whose_body_is_nil_is_fetched_without_one(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A mail that the server lists but cannot read is not lost without a trace."""
    server.coming = {"UID FETCH": [completed(b"* 1 FETCH (UID 1 BODY[] NIL)\r\n")]}
    imap = dial(server)
    imap.select("INBOX")
    [mail] = imap.fetch([Listed(1, 10, HERE)], 100)
    assert (mail.raw, mail.whole) == (b"", False)


def test_of_a_mail_that_is_too_large_it_fetches_the_header(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """The body stays where it is."""
    server.mails = {1: Mail(), 2: Mail(b"Subject: Big\r\n\r\n" + b"x" * 200)}
    imap = dial(server)
    imap.select("INBOX")
    fetched = imap.fetch(imap.listing([1, 2]), 100)
    assert [(mail.uid, mail.raw, mail.whole) for mail in fetched] == [
        (1, Mail().raw, True),
        (2, b"Subject: Big\r\n\r\n", False),
    ]


def test_it_marks_no_mail_as_seen(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Every body is asked for by PEEK."""
    imap = dial(server)
    imap.select("INBOX")
    imap.fetch([Listed(1, 10, HERE), Listed(2, 1000, HERE)], 100)
    assert [command.split(" ", 3)[3] for command in server.commands if "FETCH" in command] == [
        "(BODY.PEEK[])",
        "(BODY.PEEK[HEADER])",
    ]


def test_news_of_other_mails_is_not_taken_for_a_listing(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A server may volunteer another mail, and tell the same one twice: the cursor must not follow it."""
    others = b"".join(b"* %d FETCH (UID %d %s)\r\n" % (uid, uid, Mail().facts()) for uid in (1, 1, 9))
    server.coming = {"UID FETCH": [completed(others)]}
    imap = dial(server)
    imap.select("INBOX")
    assert [mail.uid for mail in imap.listing([1])] == [1]


def test_a_call_behind_a_listening_that_opened_the_connection_ends_it_first(
    either: Misbehaving, dial: Callable[..., Imap], ear: socket.socket
) -> None:
    """Whoever listens first, opens the connection; the next command is sent after DONE all the same."""
    imap = dial(either)
    assert not imap.listen(SHORT, ear)
    imap.select("INBOX")
    assert imap.new_uids(0) == [1]


WORDS = """* SEARCH|* 1 FETCH|* OK|* 1 EXISTS|* BYE|+|*|(|)|"|UID 1|NIL|BODY[]|RFC822.SIZE|INTERNALDATE|\\|x|\xff|-1|{3}
|[UIDVALIDITY 1]"""
NONSENSE = st.lists(st.sampled_from([*WORDS.encode("latin-1").split(b"|"), b"\r\n"]), max_size=12).map(b" ".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nonsense=NONSENSE, call=st.sampled_from(sorted(CALLS)))
def test_whatever_a_server_says_only_classified_errors_come_out(
    server: Misbehaving, dial: Callable[..., Imap], nonsense: bytes, call: str
) -> None:
    """No answer can end the service."""
    name, ask = CALLS[call]
    imap = opened(dial(server, timeout=SHORT))
    server.coming = {name: [completed(nonsense.replace(b"\r\n ", b"\r\n") + b"\r\n" + GO)]}
    try:
        ask(imap)
    except (TransientError, PermanentError):
        assert imap._client is None or imap.connected_at
    finally:
        imap.close()


# The socket


@pytest.mark.parametrize(
    ("level", "option", "value"),
    [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    ],
    ids=["no delay", "keepalive", "first after a minute", "then every 15 seconds", "four times"],
)
def test_it_sets_the_socket(
    either: Misbehaving, dial: Callable[..., Imap], level: int, option: int, value: int
) -> None:
    """Commands leave at once, and a peer that is gone behind a NAT is noticed."""
    imap = opened(dial(either))
    assert imap._client is not None
    assert imap._client.socket().getsockopt(level, option) == value


def test_fifty_connections_leave_no_file_open(either: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Whichever way a connection ends, its descriptor is given back."""
    imap = opened(dial(either))
    imap.close()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only their number counts
    for time_ in range(50):
        if time_ % 2:
            either.coming = {"NOOP": [hang_up]}
            with pytest.raises(TransientError):
                opened(imap)
        else:
            imap.select("INBOX")
            imap.close()
    assert eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)  # noqa: PTH208 - only their number counts


def eventually(found: Callable[[], bool]) -> bool:
    """Wait until it is so, for the server's threads close their ends a moment later."""
    latest = time.monotonic() + FOREVER
    while not found() and time.monotonic() < latest:
        time.sleep(0.02)
    return found()


# Signing in


def test_it_says_since_when_it_is_connected(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Nothing stands before the first call, something after it, and nothing after the end."""
    imap = dial(server)
    stages = [imap.connected_at]
    imap.select("INBOX")
    stages.append(imap.connected_at)
    imap.close()
    stages.append(imap.connected_at)
    assert [stage is None for stage in stages] == [True, False, True]


def test_it_connects_again_where_the_token_is_about_to_end(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """A session ends with its token, so one that has a minute left is renewed."""
    imap = dial(server, entrance=lambda: Pass("token", expires_at=datetime.now(UTC) + timedelta(minutes=1)))
    imap.select("INBOX")
    imap.select("INBOX")
    assert server.connections == 2


def test_it_keeps_the_connection_while_the_token_is_good(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """An hour is long enough."""
    imap = dial(server, entrance=lambda: Pass("token", expires_at=datetime.now(UTC) + timedelta(hours=1)))
    imap.select("INBOX")
    imap.select("INBOX")
    assert server.connections == 1


def no_secret() -> Pass:
    """Fail as a secret does that cannot be read."""
    message = "the file is empty"
    raise FatalError(message)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(b"NO [AUTHENTICATIONFAILED] wrong"), "authentication"),
        (refused(b"NO wrong"), "authentication"),
        (refused(b"NO [UNAVAILABLE] ask later"), "unreachable"),
        (refused(b"NO [LIMIT] too many connections"), "unreachable"),
        (hang_up, "unreachable"),
        (saying(b"* BYE too many connections\r\n"), "unreachable"),
        (silence, "unreachable"),
    ],
    ids=["wrong password", "no code", "unavailable", "limit", "end", "BYE", "mute"],
)
def test_it_tells_a_wrong_password_from_a_server_in_trouble(
    either: Misbehaving, dial: Callable[..., Imap], answer: Answer, kind: str
) -> None:
    """Only a refusal of the sign-in itself asks for a person (RFC 5530, 3)."""
    either.coming = {"LOGIN": [answer]}
    with pytest.raises(TransientError) as caught:
        dial(either, timeout=1).select("INBOX")
    assert caught.value.kind == kind


def test_it_names_a_secret_that_cannot_be_read(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """It may be there at the next try."""
    with pytest.raises(TransientError, match="the file is empty") as caught:
        dial(server, entrance=no_secret).select("INBOX")
    assert caught.value.kind == "secret"


@pytest.mark.parametrize("greeting", [saying(b"* BYE too busy\r\n"), hang_up, saying(b"HTTP/1.1 400\r\n")])
def test_a_server_that_does_not_greet_is_out_of_reach(
    either: Misbehaving, dial: Callable[..., Imap], greeting: Answer
) -> None:
    """BYE, the end, or another protocol in place of the greeting may pass."""
    either.always = {"GREETING": greeting}
    with pytest.raises(TransientError):
        dial(either).select("INBOX")


def test_it_does_not_trust_a_certificate_of_its_own(
    secure: Misbehaving, dial: Callable[..., Imap], tmp_path: Path
) -> None:
    """A server that presents another certificate than the trusted one gets no password."""
    imap = dial(secure)
    secure.certificate = self_signed(tmp_path)
    with pytest.raises(TransientError, match="certificate is not trusted"):
        imap.select("INBOX")
    assert secure.commands == []


def test_a_closed_port_is_out_of_reach(server: Misbehaving, dial: Callable[..., Imap]) -> None:
    """Nobody is there, which may pass."""
    server.__exit__()
    with pytest.raises(TransientError, match="out of reach"):
        dial(server).select("INBOX")
    server.__enter__()


def test_a_connection_that_breaks_while_a_mail_is_stored_leaves_it_uncertain(
    either: Misbehaving, dial: Callable[..., Imap]
) -> None:
    """The bytes had left: nobody knows whether the mail is there."""
    either.coming = {"APPEND": [hang_up]}
    with pytest.raises(UncertainError):
        dial(either).append("Drafts", Mail().raw, ["\\Draft"])
