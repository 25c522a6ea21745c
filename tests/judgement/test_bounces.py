"""Bounces: which mail they are about, whom it did not reach, and the line for a person."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.bounces import MOST_IDS, Bounce, bounce_of
from daemon.judgement.message import Address, Attachment, Delivery, Message, Report
from tests.judgement.samples import message

OURS = f"<{'0f' * 16}.clerkd@harbourpine.example>"
DAEMON = (Address("mailer-daemon@mx.harbourpine.example"),)
FAILED = Delivery("bo@tern.example", "failed", "5.1.1", "550 5.1.1 user unknown")
LONG_ENOUGH = 10  # seconds: a hang takes minutes
DELIVERIES = st.builds(
    Delivery,
    st.text(max_size=300),
    st.sampled_from(["failed", "delayed", "delivered", "relayed", "expanded", ""]),
    st.sampled_from(["5.1.1", "4.4.7", "2.0.0", ""]),
    st.text(max_size=600),
)
QMAIL = f"""Hi. This is the qmail-send program at mx.harbourpine.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<Bo@tern.example>:
192.0.2.7 does not like recipient.

--- Below this line is a copy of the message.

Message-ID: {OURS}
Subject: Re: Opening hours
"""


def reported(*deliveries: Delivery, **changes: Any) -> Bounce:
    """Read a bounce whose report names these deliveries."""
    return read(message(report=Report("delivery-status", OURS, deliveries), **changes))


def read(mail: Message) -> Bounce:
    """Read what is a bounce."""
    bounce = bounce_of(mail)
    assert bounce is not None
    return bounce


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"senders": (Address("postmaster@quill.example"),)},
        {"report": Report("disposition-notification")},
        {"text": QMAIL},
    ],
    ids=["a letter", "a postmaster's letter", "a receipt", "a letter that quotes a bounce"],
)
def test_what_is_no_bounce_is_read_as_none(changes: dict[str, Any]) -> None:
    """A letter about a bounce is a letter."""
    assert bounce_of(message(**changes)) is None


def test_it_reads_the_report() -> None:
    """Recipient, status and diagnostic come from RFC 3464's fields."""
    assert reported(FAILED) == Bounce(
        (OURS,), (FAILED,), is_final=True, words="could not be delivered to bo@tern.example: 5.1.1, user unknown"
    )


@pytest.mark.parametrize(
    ("action", "status", "is_final"),
    [
        ("failed", "5.1.1", True),
        ("failed", "4.4.7", True),
        ("failed", "", True),
        ("", "5.1.1", True),
        ("", "4.4.1", False),
        ("", "", False),
        ("delayed", "4.4.1", False),
        ("delayed", "5.0.0", False),
        ("delivered", "2.0.0", False),
        ("relayed", "", False),
    ],
)
def test_only_a_recipient_that_is_given_up_is_final(action: str, status: str, is_final: bool) -> None:  # noqa: FBT001 - a table of cases
    """What is still being tried may yet arrive; what was tried for too long is given up (4.4.7)."""
    assert reported(Delivery("bo@tern.example", action, status)).is_final is is_final


@pytest.mark.parametrize(
    ("deliveries", "words"),
    [
        ((Delivery("bo@tern.example", "delayed", "4.4.1"),), "is delayed on its way to bo@tern.example: 4.4.1"),
        ((Delivery("bo@tern.example", "", "4.4.1"),), "is delayed on its way to bo@tern.example: 4.4.1"),
        ((Delivery("bo@tern.example", "delivered", "2.0.0"),), "was delivered to bo@tern.example: 2.0.0"),
        ((Delivery("bo@tern.example", "failed"),), "could not be delivered to bo@tern.example"),
        (
            (Delivery("ada@quill.example", "delivered"), FAILED),
            "could not be delivered to bo@tern.example: 5.1.1, user unknown",
        ),
        (
            tuple(Delivery(f"{name}@tern.example", "failed") for name in "abcde"),
            "could not be delivered to a@tern.example; b@tern.example; c@tern.example; and 2 more",
        ),
    ],
    ids=["delayed", "status only", "delivered", "no reason", "one of two", "many"],
)
def test_its_words_continue_our_mail(deliveries: tuple[Delivery, ...], words: str) -> None:
    """A person reads one line; whoever was not reached goes first."""
    assert reported(*deliveries).words == words


@pytest.mark.parametrize(
    ("diagnostic", "reason"),
    [
        ("550 5.1.1 user unknown", "user unknown"),
        ("550-5.1.1: user unknown", "user unknown"),
        ("#5.1.1 user unknown", "user unknown"),
        ("user unknown", "user unknown"),
        ("user\nunknown \x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}here", "user unknown [2Jhere"),
    ],
)
def test_the_reason_is_the_diagnostic_without_its_codes(diagnostic: str, reason: str) -> None:
    """The status stands before it, and nothing in it moves a terminal's cursor."""
    words = reported(Delivery("bo@tern.example", "failed", "5.1.1", diagnostic)).words
    assert words == f"could not be delivered to bo@tern.example: 5.1.1, {reason}"


@given(st.lists(DELIVERIES, max_size=8).map(tuple))
def test_its_words_are_always_one_short_plain_line(deliveries: tuple[Delivery, ...]) -> None:
    """Whatever a stranger's server writes, the log stays readable."""
    words = reported(*deliveries).words
    assert words.isprintable()
    assert len(words) <= 1_000


@given(st.lists(DELIVERIES, max_size=8).map(tuple))
def test_who_failed_is_always_among_those_reported(deliveries: tuple[Delivery, ...]) -> None:
    """Nobody is made up."""
    assert set(reported(*deliveries).failed) <= set(deliveries)


def test_it_reads_exim_s_header() -> None:
    """Exim names the recipients in a field of its own."""
    mail = message(headers={"x-failed-recipients": ("Bo@tern.example, jo@tern.example", "bo@tern.example")})
    bounce = read(mail)
    assert (bounce.failed, bounce.is_final) == (
        (Delivery("bo@tern.example", "failed"), Delivery("jo@tern.example", "failed")),
        True,
    )


def test_it_reads_qmail_s_text() -> None:
    """The recipient stands at the beginning of a line; qmail copies our mail below."""
    assert read(message(senders=DAEMON, text=QMAIL)) == Bounce(
        (OURS,),
        (Delivery("bo@tern.example", "failed", diagnostic="192.0.2.7 does not like recipient."),),
        is_final=True,
        words="could not be delivered to bo@tern.example: 192.0.2.7 does not like recipient.",
    )


def test_a_bounce_that_names_nobody_says_so() -> None:
    """A person must still know."""
    bounce = read(message(senders=DAEMON, text="Your mail came back."))
    assert (bounce.words, bounce.is_final) == ("could not be delivered to a recipient that is not named", True)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Warning: message 1a delayed 24 hours", "It will be retried."),
        ("Delivery status", "Your message has not yet been delivered; we will keep trying."),
    ],
)
def test_a_warning_in_words_is_not_final(subject: str, text: str) -> None:
    """Exim and sendmail warn of a delay without a report."""
    bounce = read(message(senders=DAEMON, subject=subject, text=text))
    assert (bounce.is_final, bounce.failed) == (False, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"report": Report("delivery-status", OURS)},
        {"in_reply_to": (OURS,)},
        {"references": ("<a@q>", OURS)},
        {"text": f"Message-ID: {OURS}"},
        {"quote": f"> Message-ID: {OURS}"},
        {"attachments": (Attachment("headers", "text/rfc822-headers", 60, text=f"Message-ID: {OURS}"),)},
    ],
    ids=["report", "In-Reply-To", "References", "text", "quote", "attachment"],
)
def test_it_finds_our_message_id_wherever_a_bounce_puts_it(changes: dict[str, Any]) -> None:
    """Not every server writes a report."""
    assert read(message(senders=DAEMON, **changes)).original_ids[0] == OURS


@pytest.mark.parametrize(
    "text", ["<0f0f.clerkd@harbourpine.example>", OURS.upper(), OURS.replace(".clerkd", ""), "<a@q>", OURS[1:]]
)
def test_it_takes_no_other_id_out_of_a_text(text: str) -> None:
    """Only ids of our form are looked for there."""
    assert read(message(senders=DAEMON, text=text)).original_ids == ()


@given(st.lists(st.integers(0, 99).map(lambda number: f"<{number:032x}.clerkd@q>"), max_size=120))
def test_it_never_gives_more_ids_than_the_most_nor_one_twice(ids: list[str]) -> None:
    """A mail cannot make the database look up thousands of ids."""
    found = read(message(senders=DAEMON, text=" ".join(ids))).original_ids
    assert len(found) == len(set(found)) <= MOST_IDS


@pytest.mark.parametrize(
    "piece", ["<", f"<{'0f' * 16}.clerkd@", "<a@", "\n<a@b>:", "\n<" + "a" * 60, " delay", "will "]
)
def test_a_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    """A hundred thousand beginnings of ids are no hang."""
    began = time.monotonic()
    read(message(senders=DAEMON, text=piece * 100_000, quote=piece * 100_000))
    assert time.monotonic() - began < LONG_ENOUGH
