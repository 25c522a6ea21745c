"""A reply's exact bytes: threaded, marked, addressed to one person, and closed to injection."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.judgement.message import Address, Message
from daemon.mail import compose
from daemon.mail.compose import MOST_REFERENCES, Author, own_message_id, reply, reply_subject
from knowledge.seal import digest

NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
ADA = Address("ada@quill.example", "Ada Quill")
AUTHOR = Author("Robin Reed", "support@harbourpine.example")
OWN_ID = "<0123.clerkd@harbourpine.example>"
FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]
INJECTION = "=?utf-8?q?x=0D=0ABcc:_eve=40evil.example?="
INJECTION_IN_AN_ID = "<=?utf-8?q?x=0D=0ABcc:=20eve=40evil.example?=>"
LONG_ID = f"<{'VI1PR0602MB3456' * 4}@VI1PR0602MB3456.eurprd06.prod.outlook.example>"
LINE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=80)
PIECES = st.sampled_from(
    [INJECTION, "=?utf-8?b?DQo=?=", "=?utf-8?q?a?=", "\r\n", "\n", ",", '"', "<", ">", "(", ";", "é"]
)
SUBJECTS = st.lists(LINE | PIECES, max_size=6).map("".join)
NAMES = SUBJECTS.map(lambda text: " ".join(text.split()))
IDS = (LINE | st.sampled_from([INJECTION_IN_AN_ID[1:-1], "a" * 200])).map(
    lambda text: f"<{''.join(text.split()).translate({60: None, 62: None}) or 'x'}>"
)


def message(**changes: Any) -> Message:
    """Make a mail of Ada's, with some things otherwise."""
    values: dict[str, Any] = {
        "message_id": "<two@quill.example>",
        "subject": "Opening hours",
        "senders": (ADA,),
        "text": "When do you close?",
        "references": ("<one@quill.example>",),
    }
    return Message(**{**values, **changes})


def answer(to: str = ADA.email, body: str = "At six.", author: Author = AUTHOR, **changes: Any) -> EmailMessage:
    """Write a reply and read it again, as a mail program would."""
    raw = reply(message(**changes), author, to, body, OWN_ID, NOW)
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def body_of(mail: EmailMessage) -> str:
    """Give the decoded body with the line breaks of this machine."""
    return str(mail.get_content()).replace("\r\n", "\n")


def unfolded(raw: bytes) -> list[str]:
    """Give the lines of a mail, those that were folded in one piece."""
    return raw.decode("ascii").replace("\r\n ", " ").split("\r\n")


def strange(mail: EmailMessage) -> list[str]:
    """List the header fields that are not ours, or that stand there twice."""
    return [name for name in mail.keys() if name not in FIELDS or mail.keys().count(name) > 1]  # noqa: SIM118 - a mail's fields may repeat


def addressees(mail: EmailMessage) -> list[str]:
    """List the addresses in To."""
    return [address.addr_spec for address in mail["To"].addresses]


def test_it_writes_a_reply_to_the_letter() -> None:
    """The bytes of a plain reply are exactly these."""
    raw = reply(message(), AUTHOR, ADA.email, "At six.\n\nRobin", OWN_ID, NOW)
    assert unfolded(raw) == [
        "From: Robin Reed <support@harbourpine.example>",
        "To: Ada Quill <ada@quill.example>",
        "Subject: Re: Opening hours",
        "Date: Mon, 02 Nov 2026 08:05:00 +0000",
        f"Message-ID: {OWN_ID}",
        "In-Reply-To: <two@quill.example>",
        "References: <one@quill.example> <two@quill.example>",
        "Auto-Submitted: auto-replied",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "MIME-Version: 1.0",
        "",
        "At six.",
        "",
        "Robin",
        "",
    ]


def test_it_writes_the_same_bytes_for_the_same_reply() -> None:
    """Nothing in a reply is left to chance, so that an approval can be bound to it."""
    first, second = (reply(message(), AUTHOR, ADA.email, "At six.", OWN_ID, NOW) for _time in range(2))
    assert first == second


def test_it_says_that_a_machine_wrote_it() -> None:
    """A reply carries Auto-Submitted (RFC 3834, 5)."""
    assert answer()["Auto-Submitted"] == "auto-replied"


# Threading


@pytest.mark.parametrize(
    ("references", "in_reply_to", "chain"),
    [
        ((), (), "<two@quill.example>"),
        (("<one@quill.example>",), (), "<one@quill.example> <two@quill.example>"),
        ((), ("<one@quill.example>",), "<one@quill.example> <two@quill.example>"),
        (("<one@quill.example>",), ("<zero@quill.example>",), "<one@quill.example> <two@quill.example>"),
        (("<two@quill.example>",), (), "<two@quill.example>"),
    ],
    ids=["first mail", "references", "In-Reply-To alone", "both", "a mail that refers to itself"],
)
def test_it_continues_the_thread(references: tuple[str, ...], in_reply_to: tuple[str, ...], chain: str) -> None:
    """References are those of the mail with its own Message-ID (RFC 5322, 3.6.4)."""
    assert answer(references=references, in_reply_to=in_reply_to)["References"] == chain


def test_it_answers_the_mail_at_hand() -> None:
    """In-Reply-To is the mail's Message-ID."""
    assert answer()["In-Reply-To"] == "<two@quill.example>"


def test_it_keeps_the_first_and_the_last_of_a_long_chain() -> None:
    """A thread of a hundred mails keeps its root and its nearest."""
    chain = tuple(f"<{number}@quill.example>" for number in range(100))
    found = answer(references=chain, message_id="<last@quill.example>")["References"].split()
    assert found == ["<0@quill.example>", *chain[1:][-MOST_REFERENCES + 1 :], "<last@quill.example>"]


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_it_leaves_out_the_thread_where_the_mail_has_no_id(field: str) -> None:
    """A mail without a Message-ID cannot be threaded."""
    assert field not in answer(message_id="")


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_it_writes_a_long_id_as_it_stands(field: str) -> None:
    """An id that is longer than a line is not encoded: no other program would find the thread then."""
    raw = reply(message(message_id=LONG_ID, references=()), AUTHOR, ADA.email, "At six.", OWN_ID, NOW)
    lines = unfolded(raw)
    assert [line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:")] == [LONG_ID]


def test_its_own_id_stands_on_the_own_domain() -> None:
    """The domain is that of the author's address."""
    assert own_message_id("0123", "support@harbourpine.example") == OWN_ID


def test_its_own_id_is_in_the_header() -> None:
    """The id by which the draft is looked for is the one that it carries."""
    assert answer()["Message-ID"] == OWN_ID


# The subject


@pytest.mark.parametrize(
    ("subject", "written"),
    [
        ("Opening hours", "Re: Opening hours"),
        ("Re: Opening hours", "Re: Opening hours"),
        ("RE: Opening hours", "RE: Opening hours"),
        ("re:Opening hours", "re:Opening hours"),
        ("  Opening \t hours ", "Re: Opening hours"),
        ("Reopening", "Re: Reopening"),
        ("", "Re:"),
        ("Hello\r\nBcc: eve@evil.example", "Re: Hello Bcc: eve@evil.example"),
        ("Hello\N{LINE SEPARATOR}World\x85!", "Re: Hello World !"),
    ],
)
def test_it_puts_re_before_a_subject_once(subject: str, written: str) -> None:
    """A subject is one line that begins with Re: once."""
    assert reply_subject(subject) == written


@given(st.text())
def test_no_subject_of_a_reply_is_answered_with_a_second_re(subject: str) -> None:
    """The subject of an answer to an answer is the same."""
    once = reply_subject(subject)
    assert reply_subject(once).rstrip() == once


def test_it_cuts_a_subject_without_end() -> None:
    """A subject is bounded."""
    assert len(reply_subject("x" * 10_000)) == 404


@pytest.mark.parametrize(
    "subject", ["Grüße aus Köln", "Größe " * 40, "日本語の件名", "x" * 300, "a, b; <c> (d) \"e\" 'f'"]
)
def test_a_subject_comes_through(subject: str) -> None:
    """What a mail program shows is the subject as it was."""
    assert answer(subject=subject)["Subject"] == reply_subject(subject)


def test_it_writes_a_subject_that_looks_like_an_encoded_word_as_it_stands() -> None:
    """A subject was decoded once when the mail was read; it is not decoded again."""
    assert answer(subject="=?utf-8?q?Hello?=")["Subject"] == "Re: =?utf-8?q?Hello?="


# Injection: nobody but the one addressee ever gets the reply


@given(SUBJECTS)
@example(INJECTION)
def test_no_subject_injects_a_header(subject: str) -> None:
    """Whatever a mail's subject is, the reply has its own header fields and no others."""
    assert answer(subject=subject).keys() == FIELDS


@given(NAMES)
@example("x" + INJECTION)
def test_no_sender_s_name_injects_a_header(name: str) -> None:
    """Whatever the sender is called, the reply can be written and has its own header fields and no others."""
    assert answer(senders=(Address(ADA.email, name),)).keys() == FIELDS


@given(NAMES)
@example("Übel, eve@evil.example,")
def test_no_sender_s_name_adds_an_addressee(name: str) -> None:
    """Whatever the sender is called, To names the one address that the policy chose."""
    assert addressees(answer(senders=(Address(ADA.email, name),))) == [ADA.email]


@given(IDS)
@example(INJECTION_IN_AN_ID)
def test_no_message_id_injects_a_header(message_id: str) -> None:
    """Whatever a mail's Message-ID is, the reply has no header fields but its own; an impossible id may be left out."""
    assert strange(answer(message_id=message_id)) == []


@given(IDS)
@example(INJECTION_IN_AN_ID)
def test_no_reference_injects_a_header(reference: str) -> None:
    """Whatever a mail refers to, the reply has no header fields but its own; an impossible id may be left out."""
    assert strange(answer(references=(reference,))) == []


@given(st.text(st.characters(codec="utf-8"), min_size=1))
@example("\r\n.\r\nBcc: eve@evil.example\r\n\r\nHello")
@example("Bcc: eve@evil.example\n\nHello")
def test_no_body_injects_a_header(body: str) -> None:
    """Whatever the model writes, it stays in the body."""
    assert answer(body=body).keys() == FIELDS


# Names, bodies, signatures


@pytest.mark.parametrize(
    "name", ["Jürgen Möslhuber", "Hélène", "李雷", 'Ada "Q" Quill', "Quill, Ada", "O'Neil (work)", ""]
)
def test_the_addressee_s_name_comes_through(name: str) -> None:
    """What a mail program shows is the name that the sender chose."""
    assert answer(senders=(Address(ADA.email, name),))["To"].addresses[0].display_name == name


@pytest.mark.parametrize("name", ["Robin Rëed", "Reed, Robin", 'Robin "R" Reed'])
def test_the_author_s_name_comes_through(name: str) -> None:
    """The employee is called what the configuration says."""
    found = answer(author=Author(name, AUTHOR.address))["From"].addresses
    assert [(address.display_name, address.addr_spec) for address in found] == [(name, AUTHOR.address)]


def test_it_names_the_addressee_of_a_reply_to() -> None:
    """A reply to a Reply-To carries that address's name."""
    mail = answer(to="bo@quill.example", reply_to=(Address("bo@quill.example", "Bo Quill"),))
    assert mail["To"] == "Bo Quill <bo@quill.example>"


def test_it_addresses_somebody_unknown_without_a_name() -> None:
    """No name is made up."""
    assert answer(to="bo@quill.example")["To"] == "bo@quill.example"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n"), min_size=1))
def test_a_body_comes_through(body: str) -> None:
    """What a mail program shows is the body as it was written, with one line break at its end."""
    assert body_of(answer(body=body)) == body.rstrip() + "\n"


@pytest.mark.parametrize("signature", ["", "Robin Reed", "Robin Reed\nHarbour & Pine\n"])
def test_a_text_is_read_back_as_it_was_written(signature: str) -> None:
    """Without the signature, and with the line breaks of a text: whoever saves it unchanged has changed nothing."""
    body = "Dear Ada,\n\nwe close at six.\nBye"
    raw = reply(message(), Author(AUTHOR.name, AUTHOR.address, signature), ADA.email, body, OWN_ID, NOW)
    assert compose.body_of(raw, signature) == body
    again = compose.revised(raw, body, signature, "<2@b.example>", NOW)
    assert again == raw.replace(OWN_ID.encode(), b"<2@b.example>")


def test_it_puts_the_signature_behind_its_mark() -> None:
    """A signature stands behind two hyphens and a blank."""
    mail = answer(author=Author("Robin", AUTHOR.address, "Robin Reed\nHarbour & Pine"), body="At six.\n\n\n")
    assert body_of(mail) == "At six.\n\n-- \nRobin Reed\nHarbour & Pine\n"


@pytest.mark.parametrize("body", ["x" * 5000, "Grüße " * 2000])
def test_no_line_of_a_reply_is_too_long_to_be_sent(body: str) -> None:
    """A line has at most 998 bytes (RFC 5322, 2.1.1)."""
    raw = reply(message(), AUTHOR, ADA.email, body, OWN_ID, NOW)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_every_line_of_a_reply_ends_as_the_wire_demands() -> None:
    """There are no bare line feeds."""
    raw = reply(message(), AUTHOR, ADA.email, "One\nTwo\rThree\r\nFour", OWN_ID, NOW)
    assert not {*b"\r\n"} & {*raw.replace(b"\r\n", b"")}


# The digest


def test_the_digest_of_the_same_action_is_the_same() -> None:
    """An approval is found again."""
    assert digest(b"x", ("ada@quill.example",), "draft", "") == digest(b"x", ("ada@quill.example",), "draft", "")


@pytest.mark.parametrize(
    "other",
    [
        (b"y", ("ada@quill.example",), "draft", "Drafts"),
        (b"", ("ada@quill.example",), "draft", "Drafts"),
        (b"x", ("eve@evil.example",), "draft", "Drafts"),
        (b"x", ("ada@quill.example", "eve@evil.example"), "draft", "Drafts"),
        (b"x", (), "draft", "Drafts"),
        (b"x", ("ada@quill.example",), "reply", "Drafts"),
        (b"x", ("ada@quill.example",), "draft", "Sent"),
        (b"x", ("ada@quill.example",), "draftDrafts", ""),
        (b"x", ("ada@quill.example",), "Drafts", "draft"),
    ],
    ids=[
        "content",
        "no content",
        "recipient",
        "further recipient",
        "no recipient",
        "kind",
        "target",
        "kind and target run together",
        "kind and target exchanged",
    ],
)
def test_the_digest_changes_with_whatever_the_action_does(other: tuple[bytes, tuple[str, ...], str, str]) -> None:
    """An approval never fits another action."""
    assert digest(*other) != digest(b"x", ("ada@quill.example",), "draft", "Drafts")


@given(
    st.tuples(st.binary(), st.lists(st.text()).map(tuple), st.text(), st.text()),
    st.tuples(st.binary(), st.lists(st.text()).map(tuple), st.text(), st.text()),
)
@example((b"x", ("a", "b"), "", ""), (b"x", ("a, b",), "", ""))
@example((b'"\0x', (), "", ""), (b"x", (), "", '"'))
def test_two_actions_share_a_digest_only_where_they_are_the_same(
    one: tuple[bytes, tuple[str, ...], str, str], other: tuple[bytes, tuple[str, ...], str, str]
) -> None:
    """No part of an action can be shifted into another part."""
    assert (digest(*one) == digest(*other)) == (one == other)
