"""What a digest tells, and when it is due."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.judgement.daybook import FOOT, MOST_LISTED, Book, Item, alarm, headline, is_due, text, unusual

NOW = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")
PAGES = "https://clerkd.example.com"
QUIET = Book(
    since=NOW - timedelta(days=1), until=NOW, received=3, categories={"question": 2, "order": 1}, done={"draft": 2},
    waiting=(), attention=(), dollars=0.05, dollars_this_month=1.5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        ("2026-11-28T06:30Z", date(2026, 11, 27), date(2026, 11, 28)),  # half past seven in Vienna
        ("2026-11-28T05:59Z", date(2026, 11, 27), None),
        ("2026-11-28T05:59Z", date(2026, 11, 26), date(2026, 11, 27)),  # yesterday's, late
        ("2026-11-28T06:30Z", date(2026, 11, 28), None),
        ("2026-11-28T06:30Z", date(2026, 11, 20), date(2026, 11, 28)),  # one, however many were missed
        ("2026-11-28T06:30Z", None, date(2026, 11, 28)),
    ],
)
def test_the_digest_of_a_day_is_due_once(now: str, last: date | None, due: date | None) -> None:
    """By the clock on the wall of the office."""
    assert is_due(time(7), VIENNA, last, datetime.fromisoformat(now)) == due


def test_a_clock_that_was_set_back_writes_no_second_digest() -> None:
    """The day that was told is told."""
    assert is_due(time(7), VIENNA, date(2026, 11, 30), NOW) is None


def test_a_quiet_day_is_told_in_a_few_lines() -> None:
    """What came in, what was done, what it cost, and that nothing was unusual."""
    assert text(QUIET, "Robin Reed", PAGES, VIENNA) == (
        "What Robin Reed did from 2026-11-27 07:30 to 2026-11-28 07:30.\n\n"
        "3 mails came in, 3 decided: 2 question, 1 order.\nDone: 2 draft.\n\n"
        "Unusual\n- nothing\n\n"
        "Cost: $0.0500, and $1.50 this month.\n\n" + FOOT
    )
    assert headline("Robin Reed", QUIET) == "Robin Reed: 3 mails came in, 0 for a person"


def test_a_day_without_a_mail_is_told_too() -> None:
    """Silence would mean that nothing works."""
    empty = replace(QUIET, received=0, categories={}, done={}, dollars=0.0)
    assert "0 mails came in, 0 decided.\n\nUnusual" in text(empty, "Robin Reed", PAGES, VIENNA)


def test_what_needs_a_person_is_listed_with_links() -> None:
    """What waits for a word, and what is held, failed or escalated."""
    book = replace(
        QUIET,
        waiting=[Item("reply to ada@quill.example: Hours (autonomy.reply)", "/waiting/12")],
        attention=[Item("message 31, held: Invoice (two senders)", "/log/31")],
        verdicts={"approved": 2, "edited": 1},
    )
    told = text(book, "Robin Reed", PAGES, VIENNA)
    assert "Your words: 2 approved, 1 edited." in told
    assert (
        "Waiting for a word of yours: 1\n- reply to ada@quill.example: Hours (autonomy.reply)\n  "
        "https://clerkd.example.com/waiting/12\n\nHeld, failed or escalated: 1\n"
        "- message 31, held: Invoice (two senders)\n  https://clerkd.example.com/log/31\n"
    ) in told
    assert headline("Robin Reed", book) == "Robin Reed: 3 mails came in, 2 for a person"


def test_a_long_list_is_cut_with_a_link_to_the_rest() -> None:
    """A digest stays short."""
    book = replace(QUIET, waiting=[Item(f"item {number}", f"/waiting/{number}") for number in range(MOST_LISTED + 3)])
    told = text(book, "Robin Reed", PAGES, VIENNA)
    assert f"item {MOST_LISTED - 1}\n" in told
    assert f"item {MOST_LISTED}\n" not in told
    assert f"- and 3 more: {PAGES}/waiting" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"received": 30, "received_before": [9, 10, 11]}, ["30 mails came in; on the days before it was 10"]),
        ({"received": 29, "received_before": [9, 10, 11]}, []),
        ({"received": 9, "received_before": [1, 0]}, []),
        ({"received": 30}, []),
        ({"dollars": 3.0, "dollars_before": [0.5, 1.0]}, ["It cost $3.00; on the days before it was $0.75"]),
        ({"dollars": 0.9, "dollars_before": [0.1]}, []),
        ({"dollars": 3.0}, []),
        ({"walls": 1}, ["1 proposal ran into a wall"]),
        ({"verdicts": {"expired": 2}}, ["2 proposals expired: nobody had said a word on it in time"]),
        ({"troubles": ["smtp is paused: out of reach"]}, ["smtp is paused: out of reach"]),
    ],
)
def test_what_is_out_of_the_ordinary_is_named(changes: dict[str, object], told: list[str]) -> None:
    """Held against the days before, where there are any."""
    assert unusual(replace(QUIET, **changes)) == told  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "rest"), [(2, "2 more can be told so today"), (0, "All others of today wait for the digest")]
)
def test_an_alarm_says_what_why_and_how_many_more_there_can_be(more: int, rest: str) -> None:
    """With a link, and without any way to approve something."""
    told = alarm("message 31, from Bo <bo@tern.example>: Stop", ["from bo@tern.example"], PAGES, "/log/31", more)
    assert told == (
        f"message 31, from Bo <bo@tern.example>: Stop\n{PAGES}/log/31\n\n"
        f"Urgent:\n- from bo@tern.example\n\n{rest}. {FOOT}"
    )
