"""The text of attachments, within limits. The one adapter of pypdf, python-docx and icalendar; archives stay shut.

These libraries read what strangers send, and none of them bounds its time: the limits here keep the ordinary cheap, and
the process that parses is killed where they do not suffice. They are loaded when the first attachment needs them: that
is half of the time in which that process starts (measured).
"""

import io
import itertools
import logging
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daemon.mail.charsets import as_text
from daemon.mail.html import visible

if TYPE_CHECKING:
    import icalendar
    import pypdf
    from docx.oxml.table import CT_Tbl, CT_Tc
    from docx.oxml.text.paragraph import CT_P

LONGEST_TEXT = 20_000
# What is larger is hardly a document to be read to the end, and costs seconds.
LARGEST_OPENED = 10_000_000
MOST_PAGES = 30
MOST_EVENTS = 20
LARGEST_CALENDAR = 200_000
# A DOCX is a zip: what its own directory announces, which Python's zipfile never reads beyond, is checked first.
LARGEST_UNPACKED = 30_000_000
MOST_MEMBERS = 2_000
MOST_BLOCKS = 5_000
BLOCKS = "./w:p | ./w:tbl | ./w:sdt//w:p[not(ancestor::w:tbl)]"
HIDDEN_RUNS = ".//w:r[w:rPr/w:vanish[not(@w:val) or (@w:val!='0' and @w:val!='false')]]"

ARCHIVES = frozenset({"zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "zst", "cab", "iso", "jar", "arj", "lzh"})
ARCHIVE_TYPES = frozenset(
    {
        "application/zip", "application/x-zip-compressed", "application/x-zip", "application/vnd.rar",
        "application/x-rar-compressed", "application/x-rar", "application/x-7z-compressed", "application/x-tar",
        "application/gzip", "application/x-gzip", "application/x-bzip2", "application/x-xz", "application/java-archive",
    }
)  # fmt: skip
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
UNTYPED = frozenset({"application/octet-stream", "application/binary", "application/x-download", "application/unknown"})
EXTENSIONS = {
    "pdf": "application/pdf", "docx": DOCX, "ics": "text/calendar", "csv": "text/csv", "txt": "text/plain",
    "md": "text/plain", "log": "text/plain", "htm": "text/html", "html": "text/html",
}  # fmt: skip
# pypdf tells of each oddity of a file on its logger: thousands of lines of a stranger's making.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)
# What one stream of a PDF may unpack to, in bytes, and a page draw, in operations: 75 MB and 2 million otherwise.
# A page that only shows text is read at 1.2 s a MB (measured). No program is run for a picture's sake.
PDF_LIMITS: dict[str, Any] = {
    "zlib_maximum_output_length": 5_000_000,
    "lzw_maximum_output_length": 5_000_000,
    "run_length_maximum_output_length": 5_000_000,
    "array_based_stream_maximum_output_length": 5_000_000,
    "stream_parsing_work_maximum_count": 500_000,
    "jbig2dec_binary": None,
}


@dataclass(frozen=True)
class Bounds:
    """How much of a PDF is read, and how each page of it is written, by its number and text."""

    characters: int = LONGEST_TEXT
    pages: int = MOST_PAGES
    page: str = "{1}"


@dataclass(frozen=True)
class Extract:
    """The text that was taken, and why there is none or not all of it."""

    text: str = ""
    note: str = ""


TOO_LARGE = Extract(note="not opened: too large when unpacked")
WRONG_CONTENT = Extract(note="not opened: its content is not of its type")


Reader = Callable[[bytes, str | None], Extract]


def kind(name: str, media_type: str) -> str:
    """Give the type that an attachment is read as: the declared one, or its extension's where that says nothing."""
    extension = name.rpartition(".")[2].lower()
    if media_type in ARCHIVE_TYPES or (extension in ARCHIVES and not media_type.startswith(("text/", "image/"))):
        return "archive"
    if media_type in UNTYPED:
        return EXTENSIONS.get(extension, media_type)
    return {"application/x-pdf": "application/pdf", "application/ics": "text/calendar"}.get(media_type, media_type)


def is_opened(found: str) -> bool:
    """Say whether a text is taken from attachments of this kind."""
    return found in READERS or found.startswith("text/")


def extract(data: bytes, found: str, charset: str | None) -> Extract:
    """Take the text of an attachment of this kind; an attachment that cannot be read must not cost the mail.

    Raises MemoryError alone: the process is at its limit then, and what is left of it is not to be trusted.
    """
    if found == "archive":
        return Extract(note="not opened: archive")
    if not is_opened(found):
        return Extract()
    if len(data) > LARGEST_OPENED:
        return Extract(note=f"not opened: larger than {LARGEST_OPENED // 1_000_000} MB")
    try:
        return READERS.get(found, _plain)(data, charset)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - three libraries on hostile bytes raise whatever Python has, RecursionError too
        return Extract(note="damaged")


def _pdf(data: bytes, _charset: str | None) -> Extract:
    return pdf(data, Bounds())


def pdf(data: bytes, bounds: Bounds) -> Extract:
    """Take the text of a PDF; raises whatever Python has where the bytes are hostile."""
    if not data.startswith(b"%PDF-"):
        return WRONG_CONTENT
    import pypdf

    try:
        with pypdf.apply_configuration(pypdf.Configuration(**PDF_LIMITS)):
            return _pages(pypdf.PdfReader(io.BytesIO(data), strict=False), bounds)
    except pypdf.errors.LimitReachedError:
        return TOO_LARGE


def _pages(reader: "pypdf.PdfReader", bounds: Bounds) -> Extract:
    if reader.is_encrypted and not reader.decrypt(""):
        return Extract(note="encrypted")
    count = len(reader.pages)
    texts = enumerate((page.extract_text() for page in itertools.islice(reader.pages, bounds.pages)), start=1)
    written = (bounds.page.format(number, text) for number, text in texts if text.strip())
    note = f"{bounds.pages} of {count} pages" if count > bounds.pages else ""
    return Extract(_until_full(written, bounds.characters), note)


def _until_full(texts: Iterator[str], longest: int = LONGEST_TEXT) -> str:
    """Join texts until there is more than is kept: what lies behind is not even read."""
    taken: list[str] = []
    size = 0
    for text in texts:
        taken.append(text)
        size += len(text)
        if size > longest:
            break
    return "\n".join(taken)


def _docx(data: bytes, _charset: str | None) -> Extract:
    """Read paragraphs and tables in order, without the runs that Word hides."""
    if not data.startswith(b"PK\x03\x04"):
        return WRONG_CONTENT
    with zipfile.ZipFile(io.BytesIO(data)) as directory:
        members = directory.infolist()
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > LARGEST_UNPACKED:
        return TOO_LARGE
    import docx

    document = docx.Document(io.BytesIO(data))
    hidden = document.element.body.xpath(HIDDEN_RUNS)
    for run in hidden:
        run.getparent().remove(run)
    blocks = document.element.body.xpath(BLOCKS)
    notes = ["hidden words left out"] * bool(hidden)
    notes += [f"{MOST_BLOCKS} of {len(blocks)} paragraphs"] * (len(blocks) > MOST_BLOCKS)
    return Extract(_until_full(_words(blocks[:MOST_BLOCKS])), ", ".join(notes))


def _words(blocks: "Iterable[CT_P | CT_Tbl]") -> Iterator[str]:
    """Give paragraphs and rows by their elements: a cell that claims to span a billion columns is one of them."""
    for block in blocks:
        if block.tag.endswith("}p"):
            yield block.text
        else:
            yield from ("\t".join(map(_cell, row.xpath("./w:tc"))) for row in block.xpath("./w:tr"))


def _cell(cell: "CT_Tc") -> str:
    return " ".join(paragraph.text for paragraph in cell.xpath(".//w:p"))


def _calendar(data: bytes, _charset: str | None) -> Extract:
    """Read who invites whom to what, when and where; recurring events are not unrolled."""
    import icalendar

    whole = icalendar.Calendar.from_ical(data[:LARGEST_CALENDAR])
    events = whole.walk("VEVENT")
    lines = [f"METHOD: {whole['METHOD']}"] if "METHOD" in whole else []
    lines += [line for event in events[:MOST_EVENTS] for line in _event(event)]
    note = f"{MOST_EVENTS} of {len(events)} events" if len(events) > MOST_EVENTS else ""
    return Extract("\n".join(lines), note)


def _event(event: "icalendar.Component") -> Iterator[str]:
    for name in ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "ORGANIZER", "STATUS", "DESCRIPTION"):
        if name in event:
            yield f"{name}: {getattr(event[name], 'dt', event[name])}"
    if "RRULE" in event:
        yield f"RRULE: {as_text(event['RRULE'].to_ical(), None)}"
    attendees = event.get("ATTENDEE", [])
    yield f"ATTENDEES: {len(attendees) if isinstance(attendees, list) else 1}"


def _html(data: bytes, charset: str | None) -> Extract:
    return Extract(visible(as_text(data, charset)).text)


def _plain(data: bytes, charset: str | None) -> Extract:
    """Read a text, a table in CSV included, as it stands; bytes of nothing are no text, save those of UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    elif b"\0" in data[:1000] and "utf-16" not in (charset or "").lower():
        return WRONG_CONTENT
    return Extract(as_text(data[: LONGEST_TEXT * 4 + 4], charset))


READERS: dict[str, Reader] = {
    "application/pdf": _pdf,
    DOCX: _docx,
    "text/calendar": _calendar,
    "text/html": _html,
    "text/x-amp-html": _html,
}
