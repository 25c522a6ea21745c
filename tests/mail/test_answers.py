"""What a FETCH answers: what the pattern reads is what the library reads, and what is odd is left to the library."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_parser import parse_fetch_response

from daemon.mail.imap import Listed, answers

UIDS = st.integers(1, 2**32 - 1)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATES = st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zones come beside
ARRIVED = datetime(2026, 11, 21, 13, 33, 17, tzinfo=UTC)
LINE = b'1 (UID 7 RFC822.SIZE 2859 INTERNALDATE "21-Nov-2026 13:33:17 +0000")'


def line_of(uid: int, size: int, date: datetime) -> bytes:
    """Write an answer as Dovecot does."""
    return f'1 (UID {uid} RFC822.SIZE {size} INTERNALDATE "{date:%d-%b-%Y %H:%M:%S %z}")'.encode()


@given(st.dictionaries(UIDS, st.tuples(st.integers(0, 2**40), DATES), min_size=1, max_size=5))
def test_a_listing_is_what_the_library_reads(mails: dict[int, Any]) -> None:
    """Any UID, size, date and zone is read by the pattern as by the library."""
    lines = [line_of(uid, size, date) for uid, (size, date) in mails.items()]
    read = {mail.uid: (mail.size, mail.arrived_at) for mail in answers.listing(lines)}
    library = parse_fetch_response(list(lines), normalise_times=False)
    assert read == {uid: (item[b"RFC822.SIZE"], item[b"INTERNALDATE"]) for uid, item in library.items()}


@given(st.dictionaries(UIDS, st.binary(max_size=50), max_size=5), st.sampled_from([b"BODY[]", b"BODY[HEADER]"]))
def test_bodies_are_what_the_library_reads(mails: dict[int, Any], name: bytes) -> None:
    """Any bytes in a literal are read by the pattern as by the library."""
    given: list[Any] = []
    for uid, raw in mails.items():
        given += [(b"1 (UID %d %s {%d}" % (uid, name, len(raw)), raw), b")"]
    library = parse_fetch_response(list(given)) if given else {}
    assert answers.bodies(given, name) == {uid: item[name] for uid, item in library.items()} == mails


def test_the_usual_listing_is_read_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pattern fits what Dovecot answers."""
    monkeypatch.setattr(answers, "parse_fetch_response", None)
    assert answers.listing([LINE]) == [Listed(7, 2859, ARRIVED)]


def test_the_usual_body_is_read_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pattern fits what Dovecot answers."""
    monkeypatch.setattr(answers, "parse_fetch_response", None)
    assert answers.bodies([(b"1 (UID 7 BODY[] {2}", b"hi"), b")"], b"BODY[]") == {7: b"hi"}


@pytest.mark.parametrize(
    "odd",
    [
        b'1 (RFC822.SIZE 2859 INTERNALDATE "21-Nov-2026 13:33:17 +0000" UID 7)',
        b'1 (UID 7 FLAGS (\\Seen) RFC822.SIZE 2859 INTERNALDATE "21-Nov-2026 13:33:17 +0000")',
        b'1 (uid 7 rfc822.size 2859 internaldate "21-Nov-2026 13:33:17 +0000")',
    ],
)
def test_an_odd_listing_is_left_to_the_library(odd: Any) -> None:
    """Another order, further items or small letters are read all the same."""
    assert answers.listing([LINE.replace(b"UID 7", b"UID 6"), odd]) == [
        Listed(6, 2859, ARRIVED),
        Listed(7, 2859, ARRIVED),
    ]


@pytest.mark.parametrize(
    ("odd", "raw"),
    [
        ([b'2 (UID 8 BODY[] "short")'], b"short"),
        ([b"2 (UID 8 BODY[] NIL)"], b""),
        ([(b"2 (BODY[] {2}", b"hi"), b" UID 8)"], b"hi"),
        ([(b"2 (UID 8 FLAGS () BODY[] {2}", b"hi"), b")"], b"hi"),
    ],
)
def test_an_odd_body_is_left_to_the_library(odd: Any, raw: bytes) -> None:
    """A quoted string, NIL, another order or further items are read all the same, beside a usual one."""
    usual: list[Any] = [(b"1 (UID 7 BODY[] {2}", b"hi"), b")"]
    assert answers.bodies([*usual, *odd], b"BODY[]") == {7: b"hi", 8: raw}


def test_news_of_flags_between_the_answers_is_passed_over() -> None:
    """A server may tell of a flag that somebody set meanwhile."""
    news = b"3 (UID 9 FLAGS (\\Seen))"
    assert answers.listing([LINE, news]) == [Listed(7, 2859, ARRIVED)]
    assert answers.bodies([(b"1 (UID 7 BODY[] {2}", b"hi"), b")", news], b"BODY[]") == {7: b"hi"}


@pytest.mark.parametrize("nothing", [[], [None]])
def test_no_answer_is_no_mail(nothing: list[Any]) -> None:
    """Mails that have vanished have no answer."""
    assert answers.listing(nothing) == []
    assert answers.bodies(nothing, b"BODY[]") == {}


def test_a_body_under_another_name_does_not_count() -> None:
    """A header where the whole was asked for is not taken for the whole."""
    assert answers.bodies([(b"1 (UID 7 BODY[HEADER] {2}", b"hi"), b")"], b"BODY[]") == {}


@pytest.mark.parametrize(
    "date", ["31-Foo-2026 13:33:17 +0000", "31-Feb-2026 13:33:17 +0000", "21-Nov-2026 29:33:17 +0000"]
)
def test_a_date_of_no_calendar_counts_as_now(date: str) -> None:
    """A server's odd date keeps no mail out, nor those listed beside it."""
    odd = LINE.replace(b"21-Nov-2026 13:33:17", date.encode()).replace(b"UID 7", b"UID 8")
    usual, read = answers.listing([LINE, odd])
    assert usual == Listed(7, 2859, ARRIVED)
    assert abs(read.arrived_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "date", ["01-Jan-0001 00:00:00 +0100", "01-Jan-0099 00:00:00 +0000", " 1-Jan-2026 00:00:00 -1400"]
)
def test_a_date_of_another_age_is_what_the_library_reads(date: str) -> None:
    """A server that has no date gives the first one there is, which no zone can shift."""
    line = LINE.replace(b"21-Nov-2026 13:33:17 +0000", date.encode())
    (library,) = parse_fetch_response([line], normalise_times=False).values()
    assert answers.listing([line]) == [Listed(7, 2859, library[b"INTERNALDATE"])]


def test_a_date_that_no_zone_can_shift_counts_as_now() -> None:
    """The last hour of all, further west, is none in UTC."""
    (read,) = answers.listing([LINE.replace(b"21-Nov-2026 13:33:17 +0000", b"31-Dec-9999 23:59:59 -0100")])
    assert abs(read.arrived_at - datetime.now(UTC)) < timedelta(minutes=1)
