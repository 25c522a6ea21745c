"""From a company's document to its text, with headings as Markdown writes them; for the reading child alone.

What cannot be read for certain is refused with the reason: unlike a mail's sender, whoever wrote it can save it anew.
"""

import codecs
import re

from daemon.judgement.documents import CUT, LONGEST_DOCUMENT, DocumentText, Form
from daemon.mail.extract import Bounds, pdf
from daemon.mail.html import LARGEST_HTML, MOST_TAGS, is_too_large, visible

PDF_BOUNDS = Bounds(characters=LONGEST_DOCUMENT, pages=500, page="# page {0}\n\n{1}\n")
LOOKED_THROUGH = 1024  # bytes in which an HTML file names its charset (HTML Standard, 13.2.3.2)
CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NO_TEXT = "no text is in it"
NO_TEXT_IN_PDF = "no text is in it: it may be a scan"
DAMAGED = "it is damaged"
NOT_DECODED = "it is not {} text: save it as UTF-8"


def document_text(raw: bytes, form: Form) -> DocumentText:
    """Take the text of a document. Raises MemoryError alone: what is left of the process is not to be trusted then."""
    try:
        found = READERS[form](raw)
    except MemoryError:
        raise
    except UnicodeDecodeError as error:
        return DocumentText(note=NOT_DECODED.format(error.encoding.upper()))
    except Exception:  # noqa: BLE001 - libraries on broken bytes raise whatever Python has, RecursionError too
        return DocumentText(note=DAMAGED)
    return _bounded(found)


def _bounded(found: DocumentText) -> DocumentText:
    """Keep to the longest text; lone surrogates, which a PDF can hold, never get through."""
    text = found.text.encode("utf-8", "replace").decode("utf-8")
    if not text.strip():
        return DocumentText(note=found.note or NO_TEXT)
    if len(text) > LONGEST_DOCUMENT:
        return DocumentText(text[:LONGEST_DOCUMENT], CUT.format(LONGEST_DOCUMENT, "characters"))
    return DocumentText(text, found.note)


def _text(raw: bytes) -> DocumentText:
    return DocumentText(_decoded(raw, "utf-8-sig"))


def _html(raw: bytes) -> DocumentText:
    html = _decoded(raw, _charset(raw))
    note = f"{CUT.format(LARGEST_HTML, 'characters')} (or {MOST_TAGS:,} elements)" if is_too_large(html) else ""
    return DocumentText(visible(html, headings=True).text, note)


def _pdf(raw: bytes) -> DocumentText:
    found = pdf(raw, PDF_BOUNDS)
    return DocumentText(found.text, found.note or ("" if found.text.strip() else NO_TEXT_IN_PDF))


def _charset(raw: bytes) -> str:
    """Give the charset that an HTML file says it is in, else UTF-8."""
    said = CHARSET.search(raw[:LOOKED_THROUGH])
    try:
        name = codecs.lookup(said[1].decode("ascii") if said else "utf-8").name
    except LookupError:
        return "utf-8-sig"
    # WHATWG Encoding Standard, 4.2: what is called Latin-1 is its larger sibling.
    return {"utf-8": "utf-8-sig", "iso8859-1": "cp1252", "ascii": "cp1252"}.get(name, name)


def _decoded(raw: bytes, charset: str) -> str:
    return raw.decode("utf-16" if raw.startswith(UTF_16) else charset)


READERS = {Form.TEXT: _text, Form.HTML: _html, Form.PDF: _pdf}
