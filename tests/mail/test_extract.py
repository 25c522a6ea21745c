"""Attachments: named, measured, hashed, and their text taken where that is safe."""

import base64
import hashlib
import io
import time
import zipfile
from email.message import EmailMessage

import docx
import pypdf
import pytest
from docx.oxml import OxmlElement
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import PermanentError
from daemon.judgement.message import Attachment
from daemon.mail.extract import DOCX, MOST_PAGES, READERS
from daemon.mail.parse import parse

PATIENCE = 10.0
INVITATION = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Training\r\n"
    "DTSTART:20260303T100000Z\r\nDTEND:20260303T110000Z\r\nLOCATION:Pier 4\r\nORGANIZER:mailto:ada@quill.example\r\n"
    "ATTENDEE:mailto:bo@tern.example\r\nATTENDEE:mailto:al@tern.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def carrying(
    data: bytes, media_type: str, name: str = "", *, disposition: str = "attachment", text: bool = True, **fields: str
) -> tuple[Attachment, ...]:
    """Parse a mail that carries these bytes, and give its attachments."""
    more = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items())
    named = f'; filename="{name}"' if name else ""
    raw = (
        "From: ada@quill.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n"
        f"Content-Type: {media_type}\nContent-Disposition: {disposition}{named}\n{more}"
        f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(data).decode()}\n--b--\n"
    )
    return parse(raw.encode(), 1000, attachments_text=text).attachments


def one(data: bytes, media_type: str, name: str = "") -> Attachment:
    """Parse a mail that carries these bytes, and give them as an attachment."""
    (found,) = carrying(data, media_type, name)
    return found


def pdf(*pages: str, password: str = "", packed: bool = False) -> bytes:
    """Write a PDF with one line on each page."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(200, 200)
        stream = pypdf.generic.DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
        names = pypdf.generic.DictionaryObject(
            {pypdf.generic.NameObject(key): pypdf.generic.NameObject(value) for key, value in font.items()}
        )
        fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): names})
        page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
            {pypdf.generic.NameObject("/Font"): fonts}
        )
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream.flate_encode() if packed else stream)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def word_document(*paragraphs: str, hidden: str = "") -> bytes:
    """Write a DOCX with these paragraphs, a table and a hidden word."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    if hidden:
        run = document.add_paragraph().add_run(hidden)
        run._r.get_or_add_rPr().append(OxmlElement("w:vanish"))
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def test_it_names_measures_and_hashes_the_decoded_bytes() -> None:
    """The hash is that of the file which the sender attached."""
    data = bytes(range(256))
    assert one(data, "image/png", "logo.png") == Attachment(
        "logo.png", "image/png", 256, sha256=hashlib.sha256(data).hexdigest()
    )


def test_it_reads_a_pdf() -> None:
    """The text of all pages is taken in order."""
    found = one(pdf("Invoice 7", "Total 40"), "application/pdf", "a.pdf")
    assert (found.text, found.note) == ("Invoice 7\nTotal 40", "")


def test_it_reads_the_first_pages_of_a_long_pdf_and_says_so() -> None:
    """A book is not read to its end."""
    found = one(pdf(*(f"page{number}" for number in range(40))), "application/pdf", "a.pdf")
    assert (len(found.text.split()), found.note) == (MOST_PAGES, "30 of 40 pages")


def test_it_does_not_read_a_page_that_unpacks_to_many_megabytes() -> None:
    """A file of a few kilobytes may draw for minutes."""
    assert (
        one(pdf("x" * 6_000_000, packed=True), "application/pdf", "a.pdf").note == "not opened: too large when unpacked"
    )


def test_it_says_that_a_pdf_is_encrypted() -> None:
    """Without its password there is nothing to read."""
    assert one(pdf("secret", password="x"), "application/pdf", "a.pdf").note == "encrypted"


def test_it_reads_a_word_document() -> None:
    """Paragraphs and the rows of tables are taken in order."""
    found = one(word_document("One", "Two"), DOCX, "a.docx")
    assert (found.text, found.note) == ("One\nTwo\nleft\tright", "")


def test_it_leaves_out_what_a_word_document_hides() -> None:
    """A run that Word does not show is not read to the model."""
    found = one(word_document("One", hidden="secret"), DOCX, "a.docx")
    assert (found.text, found.note) == ("One\nleft\tright", "hidden words left out")


def test_it_reads_a_cell_that_claims_to_span_a_hundred_million_columns_once() -> None:
    """A number in a document is no reason to fill the memory."""
    document = docx.Document()
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = "wide"
    cell._tc.grid_span = 100_000_000
    written = io.BytesIO()
    document.save(written)
    assert one(written.getvalue(), DOCX, "a.docx").text == "wide"


def test_it_does_not_open_a_document_that_unpacks_to_a_hundred_megabytes() -> None:
    """The directory of the zip is looked at before anything is unpacked."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"\0" * 100_000_000)
    assert one(written.getvalue(), DOCX, "a.docx").note == "not opened: too large when unpacked"


def test_it_reads_an_invitation() -> None:
    """What, when, where, by whom and for how many."""
    assert one(INVITATION.encode(), "text/calendar", "a.ics").text.split("\n") == [
        "METHOD: REQUEST", "SUMMARY: Training", "DTSTART: 2026-03-03 10:00:00+00:00",
        "DTEND: 2026-03-03 11:00:00+00:00", "LOCATION: Pier 4", "ORGANIZER: mailto:ada@quill.example", "ATTENDEES: 2",
    ]  # fmt: skip


@pytest.mark.parametrize("media_type", ["text/calendar; method=request", "text/calendar", "text/calendar; method=a%b"])
def test_it_tells_what_an_invitation_asks_for(media_type: str) -> None:
    """The parameter counts, else the calendar's own line."""
    raw = f"From: ada@quill.example\r\nContent-Type: {media_type}\r\n\r\n{INVITATION}"
    assert parse(raw.encode(), 1000).calendar_method == "REQUEST"


def test_a_mail_without_a_calendar_asks_for_nothing() -> None:
    """The method of no calendar is empty."""
    assert parse(b"From: ada@quill.example\r\n\r\nMETHOD:REQUEST\r\n", 1000).calendar_method == ""


@pytest.mark.parametrize(
    ("data", "media_type", "text"),
    [
        ("a,b\n1,ü\n".encode(), "text/csv", "a,b\n1,ü"),
        ("a,b\n1,ü\n".encode("cp1252"), "text/csv", "a,b\n1,ü"),
        ("a\tü".encode("utf-16"), "text/plain", "a\tü"),
        ("\ufeffHello".encode(), "text/plain", "Hello"),
        ("Grüße".encode("cp1252"), "text/plain; charset=iso-8859-1", "Grüße"),
        (b"<p>Hi</p><p hidden>secret</p>", "text/html", "Hi"),
        (b"# Title", "text/markdown", "# Title"),
    ],
)
def test_it_reads_texts_and_tables(data: bytes, media_type: str, text: str) -> None:
    """In the charset that they name, or the one that they are in."""
    assert one(data, media_type, "a").text == text


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.pdf", pdf("Invoice"), "Invoice"),
        ("A.TXT", b"Hello", "Hello"),
        ("a.csv", b"a,b", "a,b"),
        ("a.bin", b"Hi", ""),
    ],
)
def test_it_goes_by_the_name_where_the_type_says_nothing(name: str, data: bytes, text: str) -> None:
    """Many programs send everything as a stream of bytes."""
    assert one(data, "application/octet-stream", name).text == text


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("application/zip", "a.zip"),
        ("application/octet-stream", "a.rar"),
        ("application/x-7z-compressed", "a"),
        ("application/gzip", "a.tar.gz"),
        ("application/octet-stream", "invoice.pdf.zip"),
    ],
)
def test_it_never_opens_an_archive(media_type: str, name: str) -> None:
    """What is packed stays packed."""
    found = one(b"PK\x03\x04", media_type, name)
    assert (found.text, found.note) == ("", "not opened: archive")


@pytest.mark.parametrize(
    ("media_type", "data"),
    [("application/pdf", b"MZ\x90"), (DOCX, b"%PDF-1.4"), ("text/plain", b"MZ\0\0"), ("text/csv", b"\0" * 50)],
)
def test_it_does_not_open_what_is_not_of_its_type(media_type: str, data: bytes) -> None:
    """The first bytes must be those of the type."""
    assert one(data, media_type, "a").note == "not opened: its content is not of its type"


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", b"%PDF-1.4\ngarbage"),
        ("application/pdf", pdf("Invoice")[:300]),
        (DOCX, b"PK\x03\x04 garbage"),
        (DOCX, word_document("One")[:5000]),
        ("text/calendar", b"BEGIN:NOTHING"),
    ],
)
def test_it_says_that_an_attachment_is_damaged(media_type: str, data: bytes) -> None:
    """A broken file costs its text, not the mail."""
    assert one(data, media_type, "a").note == "damaged"


def test_it_cuts_the_text_of_an_attachment_and_says_so() -> None:
    """No attachment fills the prompt."""
    found = one(b"x" * 50_000, "text/plain", "a.txt")
    assert (len(found.text), found.note) == (20_000, "cut at 20000 characters")


def test_it_bounds_the_texts_of_all_attachments_together() -> None:
    """The first ones come first."""
    part = "--b\nContent-Type: text/csv\n\n" + "x" * 18_000 + "\n"
    raw = f"From: ada@quill.example\nContent-Type: multipart/mixed; boundary=b\n\n{part * 5}--b--"
    assert [len(item.text) for item in parse(raw.encode(), 100).attachments] == [18_000, 18_000, 18_000, 6_000, 0]


def test_it_does_not_open_what_is_too_large() -> None:
    """The limit is on the decoded bytes."""
    assert one(b"%PDF-" + b"x" * 10_000_000, "application/pdf", "a.pdf").note == "not opened: larger than 10 MB"


@pytest.mark.parametrize(
    ("media_type", "note"),
    [
        ("application/pdf", "its text could not be taken within the limits"),
        ("text/csv", "its text could not be taken within the limits"),
        ("message/rfc822", "its text could not be taken within the limits"),
        ("image/png", ""),
    ],
)
def test_it_opens_nothing_on_the_second_attempt(media_type: str, note: str) -> None:
    """A mail at which the parser was killed is read without what is attached."""
    (found,) = carrying(pdf("Invoice"), media_type, text=False)
    assert (found.text, found.note) == ("", note)


def test_it_reads_an_attached_mail_and_not_what_is_attached_to_that() -> None:
    """Sender, subject and text of the mail that is passed on."""
    innermost, inner, outer = EmailMessage(), EmailMessage(), EmailMessage()
    innermost.set_content("Deepest")
    inner["From"], inner["Subject"] = "Bo <bo@tern.example>", "Hours"
    inner.set_content("Are you open?")
    inner.add_attachment(innermost)
    outer["From"] = "ada@quill.example"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    (found,) = parse(outer.as_bytes(), 1000).attachments
    assert found.text == "From: Bo <bo@tern.example>\nSubject: Hours\n\nAre you open?"


def test_it_knows_a_picture_within_the_text() -> None:
    """By its disposition."""
    assert carrying(b"x", "image/png", disposition="inline")[0].inline


@pytest.mark.parametrize(("shown", "inline"), [("logo@quill", True), ("other@quill", False)])
def test_it_knows_a_picture_that_the_html_shows(shown: str, inline: bool) -> None:  # noqa: FBT001 - a case of the table
    """By the id that the page names (RFC 2392)."""
    raw = (
        "From: ada@quill.example\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        f"<img src='cid:{shown}'>\n--b\nContent-Type: image/png\nContent-ID: <logo@quill>\n\nx\n--b--"
    )
    assert [item.inline for item in parse(raw.encode(), 1000).attachments] == [inline]


def test_it_takes_unseen_characters_out_of_an_attachment() -> None:
    """What the model reads of a file is as clean as the mail."""
    assert one("a\u202eb\x07".encode(), "text/plain", "a.txt").text == "ab"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4\n" + b"[" * 100_000,
        b"%PDF-1.4\n" + b"<<" * 100_000 + b"\nstartxref\n9\n%%EOF",
        b"%PDF-1.4\n" + b"1 0 obj\n" * 50_000,
    ],
    ids=["brackets", "dictionaries", "objects"],
)
def test_it_gives_a_hostile_pdf_up_within_seconds(data: bytes) -> None:
    """What takes longer than these is for the process that can be killed."""
    begun = time.process_time()
    one(data, "application/pdf", "a.pdf")
    assert time.process_time() - begun < PATIENCE


def test_a_lack_of_memory_is_not_taken_for_a_damaged_attachment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that parses tells it from a broken file: the mail is read again without its attachments."""

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(READERS, "text/calendar", exhausted)
    with pytest.raises(PermanentError) as raised:
        one(INVITATION.encode(), "text/calendar", "a.ics")
    assert isinstance(raised.value.__cause__, MemoryError)


@settings(max_examples=150)
@given(
    st.sampled_from(["application/pdf", DOCX, "text/calendar", "text/csv", "text/html", "message/rfc822"]),
    st.sampled_from([pdf("Invoice"), word_document("One"), INVITATION.encode()]),
    st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 255)), max_size=20),
)
def test_a_damaged_attachment_never_costs_the_mail(media_type: str, data: bytes, wrong: list[tuple[int, int]]) -> None:
    """Whatever bytes are changed, the attachment is listed."""
    changed = bytearray(data)
    for at, value in wrong:
        changed[at % len(changed)] = value
    assert len(carrying(bytes(changed), media_type, "a")) == 1
