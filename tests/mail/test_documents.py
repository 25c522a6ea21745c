"""From a document's bytes to its text: with headings, and with the reason where there is none."""

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import PermanentError
from daemon.judgement.documents import LONGEST_DOCUMENT, DocumentText, Form
from daemon.mail.documents import document_text
from daemon.mail.html import LARGEST_HTML
from daemon.mail.reader import Reader, ReadingLimits
from tests.mail.test_extract import pdf

MIB = 1 << 20
LIMITS = ReadingLimits(longest_text=200, seconds=5.0, memory=400 * MIB)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_is_read_in_each_encoding_that_tells_itself(encoding: str) -> None:
    """UTF-16 by the mark in front."""
    assert document_text("# Größe\n5 €".encode(encoding), Form.TEXT) == DocumentText("# Größe\n5 €")


@pytest.mark.parametrize(
    ("raw", "form", "note"),
    [
        ("5 €".encode("cp1252"), Form.TEXT, "it is not UTF-8 text: save it as UTF-8"),
        ("<p>5 €".encode("cp1252"), Form.HTML, "it is not UTF-8 text: save it as UTF-8"),
        (b"", Form.TEXT, "no text is in it"),
        (b" \n", Form.TEXT, "no text is in it"),
        (b"<script>x</script>", Form.HTML, "no text is in it"),
        (pdf(""), Form.PDF, "no text is in it: it may be a scan"),
        (b"%PDF-1.4\ngarbage", Form.PDF, "it is damaged"),
        (pdf("Invoice")[:300], Form.PDF, "it is damaged"),
        (b"no pdf", Form.PDF, "not opened: its content is not of its type"),
        (pdf("secret", password="x"), Form.PDF, "encrypted"),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, form: Form, note: str) -> None:
    """There is no text then: a wrong price is worse than none."""
    assert document_text(raw, form) == DocumentText(note=note)


def test_html_is_read_in_the_charset_that_it_names() -> None:
    """As word processors write it."""
    raw = '<meta charset="windows-1252"><p>5 €'.encode("cp1252")
    assert document_text(raw, Form.HTML).text.strip() == "5 €"
    assert document_text(b"<meta charset=nonsense><p>5", Form.HTML).text.strip() == "5"


def test_the_headings_of_html_are_headings() -> None:
    """And what is hidden is left out, heading or not."""
    html = b"<h1>Prices</h1><p>Pump: 5</p><h2 style='display:none'>Hidden</h2><h3>Far <b>away</b></h3>Norway: 9"
    found = document_text(html, Form.HTML).text
    assert [line for line in found.splitlines() if line.strip()] == ["# Prices", "Pump: 5", "### Far away", "Norway: 9"]


def test_each_page_of_a_pdf_is_a_heading() -> None:
    """So that an answer can be looked up; an empty page is none, and more pages are read than of an attachment."""
    found = document_text(pdf("Pump 5", "", *(f"Boat {number}" for number in range(60))), Form.PDF)
    assert found.text.startswith("# page 1\n\nPump 5\n")
    assert "# page 2\n" not in found.text
    assert "# page 62\n\nBoat 59" in found.text
    assert found.note == ""


def test_what_is_too_long_is_read_in_part_and_says_so() -> None:
    """The first part is known."""
    found = document_text(b"a " * LONGEST_DOCUMENT, Form.TEXT)
    assert (len(found.text), found.note) == (LONGEST_DOCUMENT, "only its first 500,000 characters are known: divide it")
    assert "300,000 characters are known" in document_text(b"<p>a" + b"b" * LARGEST_HTML, Form.HTML).note


@settings(max_examples=50)
@given(st.binary() | st.binary().map(lambda tail: b"%PDF-1.4\n" + tail), st.sampled_from(Form))
def test_no_bytes_raise(raw: bytes, form: Form) -> None:
    """There is a text, or a reason."""
    found = document_text(raw, form)
    assert found.text.strip() or found.note


def test_the_child_reads_documents_as_they_are() -> None:
    """Nothing is lost on the way through the pipe, whatever the bound of a mail's text."""
    reader = Reader(LIMITS)
    try:
        for raw, form in ((b"# A\n" + b"b " * 900, Form.TEXT), (b"<h1>A</h1>b", Form.HTML), (pdf("A"), Form.PDF)):
            assert reader.read_document(raw, form) == document_text(raw, form)
    finally:
        reader.close()


# The worker with a reader that does whatever the document says.
OBEDIENT = """
import os, signal, sys, time
from daemon.judgement.documents import DocumentText
from daemon.mail import worker

def obey(raw, form):
    names = {"answer": "read"}
    exec(raw.decode(), globals(), names)
    return DocumentText(names["answer"])

lies, truth = [], worker._answer
worker.document_text = obey
worker._answer = lambda *request: (truth(*request), *lies)[-1]
worker.main()
"""
TRAPS = {
    "sleeps": b"time.sleep(3600)",
    "is killed": b"os.kill(os.getpid(), signal.SIGKILL)",
    "takes too much memory": b"bytearray(1 << 40)",
    "answers too much": b"answer = 'x' * 9_000_000",
    "answers what is no text": rb"answer = '\ud800'",
    "answers another question": b"lies.append((worker.Kind.MESSAGE, b'{}'))",
    "answers nonsense": b"lies.append((worker.Kind.DOCUMENT, b'{'))",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_a_document_that_breaks_the_child_is_given_up_and_the_next_one_read(trap: bytes) -> None:
    """Within the limits of time and memory, with the keys by which they can be raised."""
    reader = Reader(ReadingLimits(200, 1.0, 400 * MIB), (sys.executable, "-c", OBEDIENT))
    try:
        begun = time.monotonic()
        with pytest.raises(PermanentError, match=r"cannot be read within the limits .* \(\[reading\] in the config\)"):
            reader.read_document(trap, Form.PDF)
        assert time.monotonic() - begun < 30
        assert reader.read_document(b"pass", Form.PDF).text == "read"
    finally:
        reader.close()
