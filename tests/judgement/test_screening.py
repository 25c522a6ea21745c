"""Screening by headers, form and sender: a case for each sign of a machine, and honest mail that passes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.message import Address, Attachment, Delivery, Report
from daemon.judgement.screening import AutomatedKind, File, Hold, Screening, Work, screen
from tests.judgement.samples import ADA, ADDRESSES, OWN, message

DAEMON = (Address("mailer-daemon@mx.harbourpine.example"),)
POSTMASTER = (Address("postmaster@quill.example"),)
PACKED = (Attachment("quill.example!harbourpine.example!1.xml.gz", "application/gzip", 900),)
DMARC = "Report Domain: harbourpine.example Submitter: quill.example Report-ID: <17>"
SIGNS: list[dict[str, Any]] = [
    {"headers": {"auto-submitted": ("auto-generated",)}},
    {"headers": {"return-path": ("<>",)}},
    {"headers": {"list-id": ("<plants.quill.example>",)}},
    {"headers": {"precedence": ("bulk",)}},
    {"headers": {"x-loop": ("yes",)}},
    {"headers": {"x-failed-recipients": ("bo@tern.example",)}},
    {"headers": {"x-cron-env": ("<SHELL=/bin/sh>",)}},
    {"headers": {"tls-report-domain": ("harbourpine.example",)}},
    {"report": Report("delivery-status")},
    {"media_type": "multipart/report"},
    {"calendar_method": "REQUEST"},
    {"subject": DMARC, "attachments": PACKED},
]


def screened(headers: dict[str, str] | None = None, **changes: Any) -> Screening:
    """Screen Ada's mail with these headers, and some things otherwise."""
    fields = {name: (value,) for name, value in (headers or {}).items()}
    return screen(message(headers=fields, **changes), OWN)


def rule(screening: Screening) -> str:
    """Give the rule under which a mail is filed, or an empty word."""
    return screening.rule if isinstance(screening, File) else ""


def kind(screening: Screening) -> AutomatedKind | None:
    """Give what the automated mail is, or nothing."""
    return screening.kind if isinstance(screening, File) else None


@pytest.mark.parametrize("value", ["auto-generated", "auto-replied", "auto-notified", "Auto-Replied; x=no", "yes"])
def test_it_files_mail_that_says_that_a_machine_sent_it(value: str) -> None:
    """Any Auto-Submitted but no is a machine's (RFC 3834, 5)."""
    assert rule(screened({"auto-submitted": value})) == "auto-submitted"


@pytest.mark.parametrize("value", ["no", "No", " no ", "no; owner-email=x", "", "no (sent by a person)"])
def test_it_works_mail_that_says_that_a_person_sent_it(value: str) -> None:
    """Auto-Submitted: no is a person's, with parameters and comments too (RFC 3834, 5)."""
    assert screened({"auto-submitted": value}) == Work()


def test_a_second_field_that_names_a_machine_counts() -> None:
    """A mail that says both is not answered."""
    mail = message(headers={"auto-submitted": ("no", "auto-replied")})
    assert rule(screen(mail, OWN)) == "auto-submitted"


@pytest.mark.parametrize("value", ["<>", " <> "])
def test_it_files_mail_with_an_empty_return_path(value: str) -> None:
    """An empty return path is a bounce's (RFC 3834, 2)."""
    assert rule(screened({"return-path": value})) == "null-return-path"


@pytest.mark.parametrize(
    "name",
    [
        "list-id", "list-unsubscribe", "list-subscribe", "list-post", "list-help", "list-owner", "list-archive",
        "x-mailing-list", "mailing-list",
    ],
)  # fmt: skip
def test_it_files_mail_of_a_mailing_list(name: str) -> None:
    """Each header of RFC 2369 and RFC 2919, and of older programs, makes a mailing list, even when it is empty."""
    screening = screened({name: ""})
    assert (rule(screening), kind(screening)) == ("mailing-list", AutomatedKind.LIST)


@pytest.mark.parametrize("value", ["bulk", "list", "junk", "Bulk", " junk ", "auto_reply"])
def test_it_files_bulk_mail(value: str) -> None:
    """The Precedence of a mass mailing is known in any case (RFC 3834, 2)."""
    assert rule(screened({"precedence": value})) == "bulk"


@pytest.mark.parametrize("name", ["x-autoreply", "x-autorespond", "x-loop", "x-auto-response-suppress"])
def test_it_files_mail_of_an_automatic_responder(name: str) -> None:
    """The common headers of responders are known."""
    assert rule(screened({name: "yes"})) == "robot-header"


def test_it_works_mail_that_suppresses_no_automatic_response() -> None:
    """Exchange writes None where nothing is asked for (MS-OXCMAIL, 2.1.3.2.20)."""
    assert screened({"x-auto-response-suppress": "None"}) == Work()


def test_it_files_a_report() -> None:
    """A multipart/report is a machine's (RFC 6522), whatever it reports."""
    assert screened(media_type="multipart/report") == File(
        "report", "it is a machine's report on an earlier mail (multipart/report)", AutomatedKind.MACHINE
    )


@pytest.mark.parametrize(
    ("report", "kind_of_it"),
    [
        (Report("delivery-status"), AutomatedKind.BOUNCE),
        (Report("global-delivery-status"), AutomatedKind.BOUNCE),
        (Report("", deliveries=(Delivery("bo@tern.example", "failed"),)), AutomatedKind.BOUNCE),
        (Report("disposition-notification"), AutomatedKind.RECEIPT),
        (Report("feedback-report"), AutomatedKind.MACHINE_REPORT),
        (Report("tlsrpt"), AutomatedKind.MACHINE_REPORT),
    ],
    ids=lambda value: value.kind or "undeclared" if isinstance(value, Report) else "",
)
def test_it_tells_reports_apart(report: Report, kind_of_it: AutomatedKind) -> None:
    """A bounce, a receipt and a complaint have the same form; the type tells (RFC 3464, 8098, 5965, 8460)."""
    assert kind(screened({"auto-submitted": "auto-replied", "return-path": "<>"}, report=report)) == kind_of_it


@pytest.mark.parametrize(
    ("headers", "changes", "rule_of_it"),
    [
        ({}, {"senders": DAEMON}, "robot-sender"),
        ({"return-path": "<>"}, {"senders": DAEMON}, "null-return-path"),
        ({"return-path": "<>"}, {"senders": POSTMASTER}, "null-return-path"),
        ({"x-failed-recipients": "bo@tern.example"}, {}, "failed-recipients"),
    ],
    ids=["mailer-daemon", "mailer-daemon without return", "postmaster without return", "Exim"],
)
def test_it_knows_a_bounce_without_a_report(headers: dict[str, str], changes: dict[str, Any], rule_of_it: str) -> None:
    """Exim and qmail bounce in forms of their own."""
    screening = screened(headers, **changes)
    assert (rule(screening), kind(screening)) == (rule_of_it, AutomatedKind.BOUNCE)


def test_a_postmaster_s_own_letter_is_no_bounce() -> None:
    """People run servers, and write as such."""
    assert kind(screened(senders=POSTMASTER)) == AutomatedKind.MACHINE


@pytest.mark.parametrize("method", ["REPLY", "CANCEL", "REFRESH", "DECLINECOUNTER", "reply"])
def test_it_files_what_a_calendar_tells(method: str) -> None:
    """Answers to invitations are no letters (RFC 5546, 1.4)."""
    screening = screened(calendar_method=method)
    assert (rule(screening), kind(screening)) == ("calendar", AutomatedKind.CALENDAR)


@pytest.mark.parametrize("method", ["REQUEST", "COUNTER", "PUBLISH", "ADD"])
def test_it_shows_to_a_person_what_a_calendar_asks(method: str) -> None:
    """The model never answers an invitation, but somebody must; an event in a letter hides none of the letter."""
    screening = screened({"auto-submitted": "auto-generated"}, calendar_method=method)
    assert isinstance(screening, File)
    assert (screening.kind, screening.for_a_person) == (AutomatedKind.CALENDAR, True)


def test_it_shows_nobody_what_a_calendar_only_tells() -> None:
    """An acceptance needs no person."""
    assert screened(calendar_method="REPLY") == File(
        "calendar", "a calendar program sent it: an invitation, or an answer to one", AutomatedKind.CALENDAR
    )


def test_it_works_a_letter_with_an_unknown_calendar_method() -> None:
    """What no calendar program understands is only an attachment."""
    assert screened(calendar_method="X-PLAN") == Work()


def test_it_knows_a_receipt_by_exchange_s_content_class() -> None:
    """Exchange's receipts are not always reports."""
    screening = screened({"content-class": "urn:content-classes:mdn"})
    assert (rule(screening), kind(screening)) == ("receipt", AutomatedKind.RECEIPT)


@pytest.mark.parametrize("name", ["return-receipt-to", "disposition-notification-to", "x-confirm-reading-to"])
def test_it_works_mail_that_asks_for_a_receipt(name: str) -> None:
    """People ask for receipts."""
    assert screened({name: "ada@quill.example"}) == Work()


@pytest.mark.parametrize(
    ("headers", "changes", "rule_of_it"),
    [
        ({"tls-report-domain": "harbourpine.example"}, {}, "tls-report"),
        ({"x-cron-env": "<SHELL=/bin/sh>"}, {}, "cron"),
        ({}, {"subject": DMARC, "attachments": PACKED}, "dmarc-report"),
        ({}, {"subject": DMARC, "attachments": (Attachment("r", "application/zip", 9),)}, "dmarc-report"),
    ],
    ids=["TLS", "cron", "DMARC by name", "DMARC by type"],
)
def test_it_knows_the_reports_of_machines(headers: dict[str, str], changes: dict[str, Any], rule_of_it: str) -> None:
    """Servers report to whoever runs them (RFC 8460, RFC 7489)."""
    screening = screened(headers, **changes)
    assert (rule(screening), kind(screening)) == (rule_of_it, AutomatedKind.MACHINE_REPORT)


@pytest.mark.parametrize(
    ("subject", "attachments"), [(DMARC, ()), ("Report", PACKED), (DMARC, (Attachment("a.png", "image/png", 9),))]
)
def test_it_works_what_only_resembles_a_dmarc_report(subject: str, attachments: tuple[Attachment, ...]) -> None:
    """Subject and packed file go together."""
    assert screened(subject=subject, attachments=attachments) == Work()


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        ({"auto-submitted": "auto-replied"}, {}),
        ({"auto-submitted": "auto-generated"}, {"subject": "Abwesenheitsnotiz: Re: Opening hours"}),
        ({"x-autoreply": "yes", "precedence": "bulk"}, {}),
        ({"precedence": "auto_reply"}, {}),
        ({"return-path": "<>"}, {"in_reply_to": ("<a@q>",)}),
        ({"return-path": "<>"}, {"references": ("<a@q>",)}),
        ({"x-auto-response-suppress": "All"}, {"subject": "Automatic reply: Opening hours"}),
        ({"x-ms-exchange-generated-message-source": "Mailbox Rules Agent"}, {"subject": "Out of office: Re: Hours"}),
    ],
)
def test_it_knows_an_automatic_reply(headers: dict[str, str], changes: dict[str, Any]) -> None:
    """By its own word, by what it answers, or by its subject where another sign goes with it."""
    assert kind(screened(headers, **changes)) == AutomatedKind.AUTO_REPLY


@pytest.mark.parametrize(
    ("headers", "subject"),
    [
        ({}, "Out of office"),
        ({}, "Abwesenheit meines Vaters"),
        ({"x-ms-exchange-inbox-rules-loop": "bo@tern.example"}, "Opening hours"),
    ],
    ids=["subject", "a person's absence", "sent on by a rule"],
)
def test_it_works_mail_with_half_the_signs_of_an_absence(headers: dict[str, str], subject: str) -> None:
    """A subject alone is a person's words, and a colleague's rule sends on what people wrote."""
    assert screened(headers, subject=subject) == Work()


@pytest.mark.parametrize("value", ["auto-generated", "auto-notified"])
def test_it_knows_any_other_machine(value: str) -> None:
    """A notification answers nothing."""
    assert kind(screened({"auto-submitted": value})) == AutomatedKind.MACHINE


@pytest.mark.parametrize("address", sorted(OWN))
def test_it_files_mail_from_an_own_address(address: str) -> None:
    """The employee never answers itself; that its own mail says so of itself changes nothing."""
    assert screened({"auto-submitted": "auto-replied"}, senders=(Address(address),)) == File(
        "own-address", "it comes from one of our own addresses", AutomatedKind.OWN
    )


@pytest.mark.parametrize(
    "name",
    [
        "mailer-daemon", "postmaster", "noreply", "no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply",
        "do-notreply", "noreply-orders", "noreply+17", "orders-noreply", "my.shop.no-reply", "nicht-antworten",
        "ne-pas-repondre", "no-responder", "autoreply", "auto-responder", "owner-plants", "plants-owner",
        "plants-request", "bounce", "bounces", "bounce+ada=quill.example", "bounces-17",
    ],
)  # fmt: skip
def test_it_files_mail_from_a_machine_s_name(name: str) -> None:
    """Names that no person has are not answered (RFC 3834, 2)."""
    assert rule(screened(senders=(Address(f"{name}@quill.example"),))) == "robot-sender"


@pytest.mark.parametrize("name", ["owner-plants", "plants-owner", "plants-request"])
def test_the_programs_of_a_list_are_a_list_s(name: str) -> None:
    """They write about subscriptions."""
    assert kind(screened(senders=(Address(f"{name}@quill.example"),))) == AutomatedKind.LIST


@pytest.mark.parametrize(
    "name",
    ["ada", "owner", "request", "bouncer", "noreplyx", "ownership", "my-postmaster", "noah", "jo.no", "arnoreply"],
)
def test_it_works_mail_from_a_name_that_only_resembles_a_machine_s(name: str) -> None:
    """Honest names are not mistaken for machines."""
    assert screened(senders=(Address(f"{name}@quill.example"),)) == Work()


@pytest.mark.parametrize(
    ("senders", "reason"),
    [
        ((), "the sender is ambiguous: From names no address"),
        ((ADA, Address("bo@tern.example")), "the sender is ambiguous: From names 2 addresses"),
    ],
    ids=["nobody", "two"],
)
def test_it_holds_a_mail_whose_sender_is_ambiguous(senders: tuple[Address, ...], reason: str) -> None:
    """A person must look where it is not plain who wrote."""
    assert screened(senders=senders) == Hold(reason)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"return-path": "<ada@quill.example>"},
        {"return-path": ""},
        {"precedence": "first-class"},
        {"precedence": ""},
        {"x-mailer": "Harrier Mail 4.1", "user-agent": "Mutt"},
        {"subject": "Auto-Submitted: auto-replied", "received": "by list-id bulk"},
        {"content-class": "urn:content-classes:message"},
    ],
)
def test_it_works_honest_mail(headers: dict[str, str]) -> None:
    """Ordinary headers are no reason to file a mail."""
    assert screened(headers) == Work()


def test_the_headers_go_before_the_sender() -> None:
    """A bounce without a sender is filed, not held."""
    assert rule(screened({"return-path": "<>"}, senders=())) == "null-return-path"


@given(st.sampled_from(SIGNS), st.lists(ADDRESSES, max_size=2), st.text(max_size=200))
def test_an_automated_mail_is_never_worked(sign: dict[str, Any], senders: list[Address], text: str) -> None:
    """Whoever sends it and whatever it says, one sign is enough."""
    assert isinstance(screen(message(senders=tuple(senders), text=text, **sign), OWN), File)
