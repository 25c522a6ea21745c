"""Bounces, receipts and complaints: who was not reached, why, and which mail it is about."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.message import Delivery, Report
from daemon.mail.parse import parse
from daemon.rehearsal.mails import SAMPLE

STATUS = (
    "Reporting-MTA: dns; mx.quill.example\n\n"
    "Final-Recipient: rfc822; Bo@tern.example\nAction: Failed\nStatus: 5.1.1 (no such user)\n"
    "Diagnostic-Code: smtp; 550 5.1.1\n  User unknown"
)
BO = Delivery("bo@tern.example", "failed", "5.1.1", "550 5.1.1 User unknown")
ORIGINAL = "Message-ID: <one@quill.example>\nSubject: Hours\n\nHello"


def read(raw: bytes) -> Report | None:
    """Parse a mail, and give it as a report."""
    return parse(raw, 1000).report


def report(*parts: tuple[str, str], kind: str = "delivery-status") -> bytes:
    """Write a report of these parts, each a content type (and further fields) with its content."""
    body = "".join(f"--b\nContent-Type: {fields}\n\n{content}\n" for fields, content in parts)
    head = f"Content-Type: multipart/report; report-type={kind}; boundary=b"
    return f"From: mailer-daemon@quill.example\n{head}\n\n{body}--b--\n".encode()


def bounce(status: str, original: str = ORIGINAL) -> Report | None:
    """Read a bounce with these contents."""
    return read(report(("text/plain", "Sorry."), ("message/delivery-status", status), ("message/rfc822", original)))


def test_it_reads_the_bounce_of_the_sample_mailbox() -> None:
    """Recipient, action, status, diagnostic and original are those that a person would find."""
    raw = (SAMPLE / "17-delivery-failure.eml").read_bytes()
    diagnostic = "550 5.1.1 <p.hollisworth@lanternroom.example>: Recipient address rejected: User unknown"
    assert read(raw) == Report(
        "delivery-status",
        "<repair-1192.ready@harbourpine.example>",
        (Delivery("p.hollisworth@lanternroom.example", "failed", "5.1.1", diagnostic),),
    )


def test_it_reads_recipient_status_and_diagnostic() -> None:
    """The address is in lower case, and the diagnostic one line without its type."""
    assert bounce(STATUS) == Report("delivery-status", "<one@quill.example>", (BO,))


@pytest.mark.parametrize(
    "status",
    [
        STATUS.replace("\n", "\r\n"),
        STATUS.replace("\n\n", "\n\n\n\n"),
        STATUS.replace("Reporting-MTA", "This is a report\nReporting-MTA"),
        STATUS.replace("Action", "no field at all\nAction"),
        STATUS.partition("\n\n")[2],
        STATUS.replace("rfc822; Bo@tern.example", "<Bo@tern.example>"),
        STATUS.replace("Final-Recipient", "Original-Recipient"),
        STATUS.replace("Final-Recipient", "Original-Recipient: rfc822; ada@quill.example\nFinal-Recipient"),
    ],
    ids=["line ends", "empty lines", "a title", "a stray line", "no first group", "no type", "original", "both"],
)
def test_it_reads_a_report_that_is_not_quite_as_it_should_be(status: str) -> None:
    """What real servers write is read as it is meant."""
    found = bounce(status)
    assert found
    assert found.deliveries == (BO,)


def test_it_reads_a_report_that_was_encoded() -> None:
    """RFC 2046 (5.2.1) forbids it, and some do it."""
    fields = "message/delivery-status\nContent-Transfer-Encoding: base64"
    found = read(report((fields, base64.encodebytes(STATUS.encode()).decode())))
    assert found
    assert found.deliveries == (BO,)


def test_it_reads_every_recipient() -> None:
    """A mail to many may fail for some."""
    found = bounce(f"{STATUS}\n\nFinal-Recipient: rfc822; al@tern.example\nAction: delayed\nStatus: 4.4.1")
    assert found
    assert found.deliveries == (BO, Delivery("al@tern.example", "delayed", "4.4.1"))


def test_it_bounds_the_number_of_recipients() -> None:
    """A report on thousands does not fill the database."""
    groups = "\n\n".join(f"Final-Recipient: rfc822; a{number}@tern.example\nAction: failed" for number in range(1000))
    found = bounce(groups)
    assert found
    assert len(found.deliveries) == 50


def test_it_bounds_the_diagnostic() -> None:
    """A diagnostic is a line, not a page."""
    found = bounce(STATUS + " x" * 5000)
    assert found
    assert len(found.deliveries[0].diagnostic) == 500


def test_it_reads_the_original_s_id_from_its_headers() -> None:
    """Many servers return the header alone."""
    found = read(report(("message/delivery-status", STATUS), ("text/rfc822-headers", ORIGINAL.partition("\n\n")[0])))
    assert found
    assert found.original_id == "<one@quill.example>"


def test_it_reads_a_bounce_that_is_declared_as_an_ordinary_mail() -> None:
    """The machine's part says what it is."""
    raw = report(("message/delivery-status", STATUS)).replace(b"report; report-type=delivery-status;", b"mixed;")
    assert read(raw) == Report("delivery-status", "", (BO,))


def test_it_reads_a_receipt() -> None:
    """A receipt names the mail that was read (RFC 8098, 3.2.4)."""
    fields = (
        "Final-Recipient: rfc822; bo@tern.example\nOriginal-Message-ID: <one@quill.example>\nDisposition: x; displayed"
    )
    raw = report(("message/disposition-notification", fields), kind="Disposition-Notification")
    assert read(raw) == Report("disposition-notification", "<one@quill.example>")


def test_it_reads_a_complaint() -> None:
    """A feedback report returns the mail that somebody called spam (RFC 5965)."""
    raw = report(
        ("message/feedback-report", "Feedback-Type: abuse"), ("message/rfc822", ORIGINAL), kind="feedback-report"
    )
    assert read(raw) == Report("feedback-report", "<one@quill.example>")


@pytest.mark.parametrize("kind", ["", '""', "a b", "\u202ex"])
def test_it_takes_the_kind_from_the_machine_s_part_where_it_is_not_declared(kind: str) -> None:
    """A report type that is missing or broken is no loss."""
    found = read(report(("message/delivery-status", STATUS), kind=kind))
    assert found
    assert found.kind == "delivery-status"


def test_an_ordinary_mail_is_no_report() -> None:
    """A person's mail reports nothing."""
    assert read(b"From: ada@quill.example\n\nFinal-Recipient: rfc822; bo@tern.example\n") is None


@given(st.text(st.sampled_from("Final-Recpt:;<>@ \n\t5.1\x00\u202eé")))
def test_it_never_raises_on_a_broken_report(status: str) -> None:
    """Whatever stands in the machine's part, the mail is a report."""
    assert bounce(status) is not None
