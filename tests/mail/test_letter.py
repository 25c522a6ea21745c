"""A letter to a specialist who is a person: the mail in it byte for byte, and closed to injection."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.mail.compose import LONGEST_SUBJECT, Author, own_message_id
from daemon.mail.enclosed import LARGEST_ENCLOSED
from daemon.mail.letter import Request, letter
from tests.bed import mail
from tests.mail.test_compose import INJECTION, SUBJECTS, body_of

NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
AUTHOR = Author("Robin Reed", "support@harbourpine.example", "Robin Reed\nHarbour & Pine")
ALICE = "alice@harbourpine.example"
UNIQUE = "0123456789abcdef0123456789abcdef"
BOUNDARY = f"=_{UNIQUE}.clerkd"
OWN_ID = own_message_id(UNIQUE, AUTHOR.address)
FIELDS = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version",
          "Content-Type"]  # fmt: skip
MAIL = mail("Invoice HP-INV-2044", "Is it paid?")
TEXTS = SUBJECTS | st.text(st.characters(codec="utf-8"))


def request(**changes: Any) -> Request:
    """Ask Alice, with some things otherwise."""
    values: dict[str, Any] = {
        "case": 7,
        "message": 12,
        "subject": "Invoice HP-INV-2044",
        "opening": "Dear Alice,",
        "why": "Only the books tell",
        "brief": "Is it paid?",
        "summary": "A customer asks whether an invoice is paid.",
    }
    return Request(**{**values, **changes})


def written(raw: bytes = MAIL, **changes: Any) -> bytes:
    """Write a letter."""
    return letter(request(**changes), AUTHOR, ALICE, raw, OWN_ID, NOW)


def read(raw: bytes) -> EmailMessage:
    """Read a letter as a mail program would."""
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def enclosed(found: bytes) -> bytes:
    """Cut the enclosed mail out of a letter, as its last part."""
    mark = f"\r\n--{BOUNDARY}".encode()
    part = found.split(mark)[-2]
    return part.partition(b"\r\n\r\n")[2]


def text(found: bytes) -> str:
    """Give what a letter says."""
    part = read(found).get_payload(0)
    assert isinstance(part, EmailMessage)
    return body_of(part)


def test_it_writes_a_letter_to_the_letter() -> None:
    """Header, text and the mail as a part, and nothing else."""
    raw = b"From: ada@quill.example\r\nSubject: Invoice\r\n\r\nIs it paid?\r\n"
    lines = written(raw, why="-", brief="?", summary="!").decode("ascii").split("\r\n")
    assert lines[:11] == [
        "From: Robin Reed <support@harbourpine.example>",
        "To: alice@harbourpine.example",
        "Subject: [case 7] Invoice HP-INV-2044",
        "Date: Mon, 02 Nov 2026 08:05:00 +0000",
        f"Message-ID: <{UNIQUE}.clerkd@harbourpine.example>",
        f"In-Reply-To: <{UNIQUE}.letter.clerkd@harbourpine.example>",
        f"References: <{UNIQUE}.letter.clerkd@harbourpine.example>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"',
        "",
    ]
    assert lines[11:15] == [
        f"--{BOUNDARY}",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "MIME-Version: 1.0",
    ]
    assert lines[-12:] == [
        f"--{BOUNDARY}",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 7bit",
        'Content-Disposition: attachment; filename="message-12.eml"',
        "",
        "From: ada@quill.example",
        "Subject: Invoice",
        "",
        "Is it paid?",
        "",
        f"--{BOUNDARY}--",
        "",
    ]


def test_it_says_why_what_is_asked_and_what_the_case_is_about() -> None:
    """Below what our own people wrote, with a word on how to answer, and the signature."""
    found = text(written())
    assert found.startswith("Dear Alice,\n\nRobin Reed, a digital employee, hands this case to you.")
    assert "\n\nWhy: Only the books tell\n\nWhat it asks of you: Is it paid?\n\nWhat the case is about: A cust" in found
    assert "Answer this letter itself" in found
    assert found.endswith("\n-- \nRobin Reed\nHarbour & Pine\n")


@given(st.binary())
@example(b"")
@example(b"From: a@b.example\n\nOnly line feeds\n")
@example(b"Subject: \xff\x00\r\r\n\n" + b"x" * 2000)
@example(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
def test_the_mail_is_enclosed_byte_for_byte(raw: bytes) -> None:
    """Whatever stands in it, and however it ends."""
    assert enclosed(written(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "coding"),
    [
        (b"Subject: Invoice\r\n\r\nPaid?\r\n", "7bit"),
        (b"Subject: Invoice\r\n\r\nPaid? \xe2\x82\xac\r\n", "8bit"),
        (b"Subject: Invoice\n\nPaid?\n", "7bit"),
        (b"Subject: Invoice\r\n\r\nPaid?\nYes?\r\n", "binary"),
        (b"Subject: Invoice\r\n\r\n\0\r\n", "binary"),
        (b"Subject: Invoice\r\n\r\n" + b"x" * 998 + b"\r\n", "7bit"),
        (b"Subject: Invoice\r\n\r\n" + b"x" * 999 + b"\r\n", "binary"),
    ],
    ids=["plain", "eight bits", "of a Maildir", "a bare line feed", "NUL", "a line that fits", "a line too long"],
)
def test_the_enclosed_mail_is_called_what_it_is(raw: bytes, coding: str) -> None:
    """None of the three changes a byte (RFC 2045, 2.7 to 2.9)."""
    part = written(raw).split(f"--{BOUNDARY}\r\n".encode())[-1]
    assert f"Content-Transfer-Encoding: {coding}\r\n".encode() in part


def test_a_mail_program_shows_the_mail_as_an_attachment() -> None:
    """Under a name, with its own header and text."""
    part = read(written()).get_payload(1)
    assert isinstance(part, EmailMessage)
    assert (part.get_content_type(), part.get_filename()) == ("message/rfc822", "message-12.eml")
    inner = part.get_payload(0)
    assert isinstance(inner, EmailMessage)
    assert (inner["From"], inner["Subject"]) == ("Ada Quill <ada@quill.example>", "Invoice HP-INV-2044")
    assert "Is it paid?" in body_of(inner)


def test_a_mail_that_is_too_large_is_not_enclosed() -> None:
    """The letter says so, and how large it is; one byte less is enclosed."""
    large = b"x" * (LARGEST_ENCLOSED + 1)
    found = written(large)
    assert len(found) < 5000
    assert f"too large to be enclosed ({LARGEST_ENCLOSED + 1} bytes)" in text(found)
    assert b"message/rfc822" not in found
    assert enclosed(written(large[1:])) == large[1:]


def test_it_writes_the_same_bytes_for_the_same_letter() -> None:
    """Nothing in it is left to chance."""
    assert written() == written()


def test_it_says_that_a_machine_wrote_it() -> None:
    """So that no program answers it (RFC 3834, 5)."""
    assert read(written())["Auto-Submitted"] == "auto-generated"


# Injection


@given(SUBJECTS)
@example(INJECTION)
@example("x\r\nBcc: eve@evil.example")
def test_no_subject_injects_a_header_or_an_addressee(subject: str) -> None:
    """Whatever a mail's subject is, the letter has its own header fields, and goes to one person."""
    found = read(written(subject=subject))
    assert found.keys() == FIELDS
    assert [address.addr_spec for address in found["To"].addresses] == [ALICE]


@given(TEXTS, TEXTS, TEXTS)
@example("x\r\nBcc: eve@evil.example", f"\r\n--{BOUNDARY}--\r\n", f"\r\n\r\n--{BOUNDARY}\r\n")
@example("{opening}", "{0}", "{request.why}")
def test_no_word_of_the_model_leaves_the_text(why: str, brief: str, summary: str) -> None:
    """Neither a header field, nor a part, nor a field of the text's pattern can be made of it."""
    found = written(why=why, brief=brief, summary=summary)
    assert read(found).keys() == FIELDS
    assert len(found.split(f"--{BOUNDARY}".encode())) == 4
    assert enclosed(found) == MAIL


def test_a_subject_comes_through_with_the_case_before_it() -> None:
    """As it was, and cut where it has no end."""
    assert read(written(subject="Größe, 日本語"))["Subject"] == "[case 7] Größe, 日本語"
    assert read(written(subject="x" * 10_000))["Subject"] == f"[case 7] {'x' * LONGEST_SUBJECT}"
