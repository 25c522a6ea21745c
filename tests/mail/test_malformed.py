"""Broken mails, one for each way of breaking that the mailbox has seen or may see: none stalls, none raises."""

import base64
import random
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import PermanentError
from daemon.judgement.message import Message
from daemon.mail.parse import parse
from daemon.rehearsal.mails import SAMPLE
from knowledge.raw import header_of

LONGEST = 5_000
PATIENCE = 5.0
SEED = 20_261_102
MUTATIONS = 1_000

QUOTED = b"Content-Transfer-Encoding: quoted-printable"
WITHIN = b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b--"
STATUS = b"Content-Type: message/delivery-status\r\n\r\n"
ENCODED = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
HEAD = b"From: ada@quill.example\r\nTo: bo@tern.example\r\nSubject: Hours\r\nMIME-Version: 1.0\r\n"
UNSEEN = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080), 0x061C, 0x200B, 0x2060, 0xFEFF}


def of_type(content_type: bytes, body: bytes, *more: bytes) -> bytes:
    """Write a mail of this type."""
    return (
        HEAD + b"Content-Type: " + content_type + b"\r\n" + b"".join(line + b"\r\n" for line in more) + b"\r\n" + body
    )


def with_field(field: bytes) -> bytes:
    """Write a mail with one more header field, or the only one of its name."""
    name = field.partition(b":")[0] + b":"
    kept = [line for line in HEAD.split(b"\r\n") if line and not line.startswith(name)]
    return b"\r\n".join([*kept, field, b"", b"When do you close?"])


def mixed(*parts: bytes, kind: bytes = b"mixed", end: bytes = b"--b--") -> bytes:
    """Write a mail of these parts, each with its own header."""
    return of_type(
        b"multipart/" + kind + b"; boundary=b", b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end
    )


def file(name: bytes, data: bytes = b"x", media_type: bytes = b"application/pdf") -> bytes:
    """Write a mail that is one attached file."""
    return of_type(media_type, data, b"Content-Disposition: attachment; " + name)


BROKEN: dict[str, bytes] = {
    "nothing at all": b"",
    "one line break": b"\n",
    "a body without a header": b"\r\nHello",
    "a header without an end": HEAD,
    "bytes of noise": random.Random(SEED).randbytes(8_000),
    "bytes of nothing": b"\0" * 5_000,
    "the middle of a base64 body": base64.encodebytes(b"Hello " * 500),
    "a photograph": b"\xff\xd8\xff\xe0\x00\x10JFIF" + random.Random(1).randbytes(2_000),
    "line feeds alone": HEAD.replace(b"\r\n", b"\n") + b"\nHello",
    "carriage returns alone": HEAD.replace(b"\r\n", b"\r") + b"\rHello",
    "mixed line ends": HEAD.replace(b"\r\n", b"\n", 2) + b"\n\rHello\r\n\n\r",
    "an mbox line first": b"From ada@quill.example Mon Nov  2 10:00:00 2026\r\n" + HEAD + b"\r\nHello",
    "a byte order mark first": b"\xef\xbb\xbf" + HEAD + b"\r\nHello",
    "UTF-16 throughout": (HEAD + b"\r\nHello").decode().encode("utf-16"),
    "a line that is no field": HEAD + b"this is no field\r\nX: y\r\n\r\nHello",
    "a field without a name": HEAD + b": value\r\n\r\nHello",
    "a blank before the colon": with_field(b"Subject : Hours"),
    "a continuation first": b" continued\r\n" + HEAD + b"\r\nHello",
    "a NUL in a name": HEAD + b"X-\0-Y: z\r\n\r\nHello",
    "an 8-bit name": HEAD + b"X-\xe4\xf6: z\r\n\r\nHello",
    "a field of a megabyte": HEAD + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\nHello",
    "a megabyte of continuations": HEAD + b"X-Long: a\r\n" + b" a\r\n" * 200_000 + b"\r\nHello",
    "fifty thousand fields": HEAD + b"X: y\r\n" * 50_000 + b"\r\nHello",
    "From without an address": with_field(b"From: Ada Quill"),
    "From empty": with_field(b"From:"),
    "From of brackets": with_field(b'From: <<<>>>,,;:"'),
    "From of open comments": with_field(b"From: " + b"(" * 3_000),
    "From of closed comments": with_field(b"From: " + b"(" * 600 + b")" * 600 + b" <ada@quill.example>"),
    "From of open quotation marks": with_field(b"From: " + b'"\\' * 3_000),
    "From with a NUL": with_field(b"From: A\0da <ada@quill.example>"),
    "From in Latin-1": with_field(b"From: J\xfcrgen <j@quill.example>"),
    "From with an 8-bit address": with_field("From: jürgen@grüße.example".encode()),
    "From with three at signs": with_field(b"From: a@b@c@quill.example"),
    "From with a literal left open": with_field(b"From: ada@[192.0.2.1"),
    "From of a broken word": with_field(b"From: =?utf-8?B?A?= <ada@quill.example>"),
    "From hidden in bidirectional marks": with_field("From: \u202eada\u2066 <ada@quill.example>".encode()),
    "From twice": HEAD + b"From: eve@evil.example\r\n\r\nHello",
    "From a hundred thousand letters long": with_field(b"From: " + b"x" * 100_000 + b" <ada@quill.example>"),
    "To of five thousand": with_field(b"To: " + b", ".join(b"a%d@tern.example" % number for number in range(5_000))),
    "To of commas": with_field(b"To: " + b"," * 50_000),
    "To of nested groups": with_field(b"To: " + b"a:" * 5_000),
    "Subject in two charsets": with_field(b"Subject: Gr\xf6\xdfe \xc3\xa4"),
    "Subject of broken words": with_field(b"Subject: =?utf-8?B?SGVs?= =?x-none?Q?a=ZZ?= =?utf-8?Q?a b?="),
    "Subject of half characters": with_field(b"Subject: =?utf-8?B?w?= =?utf-8?B?rw==?="),
    "Subject of four thousand words": with_field(b"Subject: " + b"\r\n ".join([b"=?utf-8?Q?=C3=A4=C3=A4?="] * 4_000)),
    "Subject with encoded line breaks": with_field(b"Subject: =?utf-8?q?a=0D=0ABcc:_eve=40evil.example?="),
    "Subject in tag characters": with_field(b"Subject: " + (chr(0xE0041) * 900).encode()),
    "Date in words": with_field(b"Date: yesterday"),
    "Date out of range": with_field(b"Date: Mon, 99 Nov 99999 99:99:99 +9999"),
    "Date in Latin-1": with_field(b"Date: Mo, 3 M\xe4r 2026 10:00"),
    "Date of a far zone": with_field(b"Date: Mon, 2 Nov 2026 10:00:00 +99999999999999"),
    "Message-ID of brackets": with_field(b"Message-ID: <<>@@["),
    "Message-ID with a NUL": with_field(b"Message-ID: <a\0b@quill.example>"),
    "References of thousands": with_field(b"References: " + b" ".join(b"<%d@q>" % number for number in range(20_000))),
    "a type without a subtype": of_type(b"text", b"Hello"),
    "a type of semicolons": of_type(b";;;=", b"Hello"),
    "a type in Latin-1": of_type(b'text/pl\xe4in; name="\xe4.txt"', b"Hello"),
    "a type of twenty thousand parameters": of_type(
        b"text/plain; " + b"; ".join(b"a%d=b" % number for number in range(20_000)), b"Hello"
    ),
    "a type with one endless quotation": of_type(b'text/plain; a="' + b";" * 100_000, b"Hello"),
    "two types": of_type(b"text/html", b"<b>Hello</b>", b"Content-Type: text/plain"),
    "an invented charset": of_type(b"text/plain; charset=x-none-9", b"Gr\xf6\xdfe"),
    "a charset of a NUL": of_type(b'text/plain; charset="utf\0-8"', b"Hello"),
    "a charset in RFC 2231 with a NUL": of_type(b"text/plain; charset*=a\0b'en'utf-8", b"Hello"),
    "a charset that is no charset": of_type(b"text/plain; charset=zlib", b"x\x9c\xcbH"),
    "a charset in its own quotation marks": of_type(b"text/plain; charset=\"'utf-8;'\"", b"Hello"),
    "a charset of bytes in pairs": of_type(b"text/html; charset=utf-16", base64.b64encode("<p>é".encode("utf-16")),
                                           b"Content-Transfer-Encoding: base64"),
    "a charset that is slow": of_type(b"text/plain; charset=punycode", b"a" * 100_000 + b"-" + b"a" * 100_000),
    "broken base64": of_type(b"text/plain", b"SGVsbG8===gd29!!\xff", b"Content-Transfer-Encoding: base64"),
    "one letter of base64": of_type(b"text/plain", b"A", b"Content-Transfer-Encoding: base64"),
    "broken quoted-printable": of_type(b"text/plain", b"a =ZZ =E9 =\r\n=", QUOTED),
    "broken uuencode": of_type(b"text/plain", b"begin 999 x\r\n\xff\xff\r\n", b"Content-Transfer-Encoding: x-uuencode"),
    "an encoding in Latin-1": of_type(b"text/plain", b"Hello", b"Content-Transfer-Encoding: 8b\xefit"),
    "a megabyte in one line": of_type(b"text/plain", b"On " * 350_000),
    "a hundred thousand quoted lines": of_type(b"text/plain", b">\r\n" * 100_000),
    "no end of the parts": mixed(b"\r\nHello", end=b""),
    "a boundary that never comes": of_type(b"multipart/mixed; boundary=b", b"Hello"),
    "no boundary": of_type(b"multipart/mixed", b"--b\r\n\r\nHello\r\n--b--"),
    "an empty boundary": of_type(b'multipart/mixed; boundary=""', b"--\r\n\r\nHello\r\n----"),
    "a boundary in RFC 2231 with a NUL": of_type(b"multipart/mixed; boundary*=a\0b'en'b", b"--b\r\n\r\nHello\r\n--b--"),
    "a boundary of a pattern": of_type(b'multipart/mixed; boundary="(a+)+$["', b"--(a+)+$[\r\n\r\nHello"),
    "the same boundary within": mixed(WITHIN),
    "parts in base64": of_type(b"multipart/mixed; boundary=b", b"--b\r\n\r\nHello\r\n--b--",
                               b"Content-Transfer-Encoding: base64"),
    "alternatives without one": mixed(kind=b"alternative"),
    "alternatives of files alone": mixed(b"Content-Type: image/png\r\n\r\nx", kind=b"alternative"),
    "five thousand parts": mixed(*[b"\r\nx"] * 5_000),
    "nine hundred levels": HEAD + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(900)
    ) + b"\r\nHello",
    "three hundred mails within mails": b"".join([HEAD + b"Content-Type: message/rfc822\r\n\r\n"] * 300) + b"Hello",
    "five thousand mails within mails": b"".join([b"Content-Type: message/rfc822\r\n\r\n"] * 5_000) + b"Hello",
    "an attached mail in base64": mixed(
        ENCODED + base64.encodebytes(HEAD + b"\r\nHi")
    ),
    "an attached mail of noise": mixed(b"Content-Type: message/rfc822\r\n\r\n" + random.Random(2).randbytes(3_000)),
    "a partial mail": of_type(b"message/partial; id=x; number=1; total=2", b"Hello"),
    "a mail that lies elsewhere": of_type(b"message/external-body; access-type=URL", b"Hello"),
    "a report without parts": of_type(b"multipart/report; report-type=delivery-status; boundary=b", b""),
    "a report of noise": mixed(STATUS + bytes(range(256)) * 20, kind=b"report"),
    "a report of recipients": mixed(
        STATUS + b"Final-Recipient: a\r\nAction: b\r\n" * 20_000, kind=b"report"
    ),
    "a file's name in pieces": file(b"filename*0*=utf-8''%ZZ; filename*2=x; filename=\"=?utf-8?B?A?=\""),
    "a file's name with a NUL": file(b"filename*=a\0b'en'x.pdf"),
    "a file's name out of the folder": file(b'filename="../../etc/passwd"'),
    "a file's name turned around": file(b'filename="\xe2\x80\xaefdp.exe"'),
    "a file's name of a megabyte": file(b"filename=" + b"x" * 1_000_000),
    "a disposition without a value": of_type(b"application/pdf", b"%PDF-", b"Content-Disposition:"),
    "a PDF that is none": file(b"filename=a.pdf", b"%PDF-1.7\r\n" + random.Random(3).randbytes(5_000)),
    "a calendar that is none": of_type(b"text/calendar; method=\xff", b"BEGIN:VCALENDAR\r\nMETHOD:\xff\r\n"),
    "a calendar of beginnings": of_type(b"text/calendar", b"BEGIN:VEVENT\r\n" * 20_000),
    "a winmail.dat": file(b"filename=winmail.dat", b"\x78\x9f\x3e\x22", b"application/ms-tnef"),
    "HTML of beginnings": of_type(b"text/html", b"<div>" * 100_000 + b"Hello"),
    "HTML of one endless tag": of_type(b"text/html", b"<a " + b"b='c' " * 100_000),
    "HTML of hidden marks": of_type(b"text/html; charset=utf-8", b"&#8238;&#917569;a&#x200b;" * 5_000),
    "HTML of references to nothing": of_type(b"text/html", b"&#0;&#xD800;&#x110000;&#x1F;&unknown;" * 1_000),
}  # fmt: skip


def outcome(raw: bytes, *, attachments_text: bool = True) -> Message | PermanentError:
    """Parse a mail and give what came of it; any other exception passes through."""
    try:
        return parse(raw, LONGEST, attachments_text=attachments_text)
    except PermanentError as error:
        return error


def strings(value: object) -> Iterator[str]:
    """Walk all strings of a message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for key, items in value.items() for text in (key, *strings(items)))
    elif isinstance(value, tuple):
        yield from (text for item in value for text in strings(item))
    elif is_dataclass(value):
        yield from (text for field in fields(value) for text in strings(getattr(value, field.name)))


def is_clean(text: str) -> bool:
    """Say whether a text can be stored, and holds no control character save tab and line feed, and nothing unseen."""
    codes = set(map(ord, text))
    controls = {code for code in codes if (code < ord(" ") and chr(code) not in "\t\n") or 0x7F <= code <= 0x9F}
    return not controls and not codes & UNSEEN and not {code for code in codes if 0xD800 <= code <= 0xDFFF}


def unclean(found: Message | PermanentError) -> list[str]:
    """Give the strings of a message that are not clean."""
    return [text for text in strings(found) if not is_clean(text)] if isinstance(found, Message) else []


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_mail_is_read_or_refused_within_seconds(raw: bytes) -> None:
    """No mail stalls the queue, and none raises anything else."""
    begun = time.process_time()
    found = outcome(raw)
    assert (isinstance(found, Message | PermanentError), time.process_time() - begun < PATIENCE) == (True, True)


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_nothing_unclean_comes_of_a_broken_mail(raw: bytes) -> None:
    """Each string of the message can be stored, shown and put to the model."""
    assert unclean(outcome(raw)) == []


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_mail_has_a_header_to_be_held_with(raw: bytes) -> None:
    """Where nothing else can be read, the header can."""
    assert unclean(parse(header_of(raw), 1000)) == []


@pytest.mark.parametrize("raw", [raw for raw in BROKEN.values() if raw.startswith(HEAD)])
def test_a_broken_mail_is_held_with_its_sender(raw: bytes) -> None:
    """What is broken below or beside the sender does not lose the sender."""
    assert "ada@quill.example" in {address.email for address in parse(header_of(raw), 1000).senders}


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Break a mail in a few places: bytes changed, dropped, doubled, moved, or replaced by marks of the format."""
    mail = bytearray(raw)
    marks = [b"\r\n", b"\n\n", b'"', b"<", b"(", b";", b"=?", b"?=", b"\0", b"\xff", b"--", b":", b"\xe2\x80\xae", b"%"]
    for _ in range(chance.randint(1, 15)):
        at = chance.randrange(min(len(mail), chance.choice([400, 2_000, len(mail)])) or 1)
        length = chance.randint(0, 60)
        other = chance.randrange(len(mail) + 1)
        piece = chance.choice([b"", bytes(mail[other : other + length]), chance.choice(marks), chance.randbytes(2)])
        mail[at : at + chance.choice([0, length])] = piece
    return bytes(mail)


def test_no_mutation_of_the_sample_mailbox_stalls_or_raises() -> None:
    """A thousand mails, each broken in a few places, are read cleanly or refused."""
    chance = random.Random(SEED)
    samples = [path.read_bytes() for path in sorted(SAMPLE.glob("*.eml"))]
    spoilt = [mutated(chance.choice(samples), chance) for _ in range(MUTATIONS)]
    assert [raw for raw in spoilt if unclean(outcome(raw))] == []


@given(
    st.sampled_from(sorted(BROKEN.values())).filter(lambda raw: len(raw) < 10_000), st.randoms(use_true_random=False)
)
def test_no_mutation_of_a_broken_mail_raises(raw: bytes, chance: random.Random) -> None:
    """Mails that are broken already are broken further, and read without their attachments too."""
    spoilt = mutated(raw, chance)
    assert unclean(outcome(spoilt)) + unclean(outcome(spoilt, attachments_text=False)) == []
