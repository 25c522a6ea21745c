"""Documents: what the company's files say is read at the start, and again where one has changed.

A file that is there but cannot be read leaves standing what was read of it before: it may lie half written, or its
rights be wrong for a moment, and an employee who has forgotten the price list is of less use than one who tells it with
its date. That it could not be read is told once in the log, and by ``clerkd status`` and ``clerkd document list`` as
long as it is so. Who wants a document forgotten takes the file away.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from daemon.errors import PermanentError, TransientError
from daemon.house import House
from daemon.judgement.documents import Piece, form_of, known, pieces_of
from daemon.judgement.words import likely_language, terms
from daemon.mail.reader import Reader
from daemon.shelf import Listing, OnDisk, listing, load
from knowledge import documents
from knowledge.tables import Document, Passage

NO_KIND = "it is of no kind that is read: .md, .txt, .html or .pdf"


@dataclass(frozen=True)
class Found:
    """What was found in a file; no pieces where it could not be read, for the ``problem`` then."""

    sha256: str = ""
    size: int = 0
    pieces: Sequence[Piece] = ()
    problem: str = ""
    unchanged: bool = False


async def look(house: House) -> bool:
    """At a tick, look at the files and read those that have changed; say whether there was one to read."""
    shelf = house.shelf
    if not shelf.due.is_set():
        return False
    shelf.due.clear()
    settings = house.settings
    standing = documents.standing(house.db)
    keys = [row.path for row in standing]
    there = await asyncio.to_thread(listing, settings.knowledge.documents, settings.service.state, keys)
    _tell(house, there)
    _let_go(house, there, standing)
    changed = [file for key, file in there.files.items() if shelf.stamps.get(key) != file.stamp]
    if changed:
        await _read(house, changed)
    return bool(changed)


def _tell(house: House, there: Listing) -> None:
    """Tell once what there is to say of a pattern, or of a file that is out of reach."""
    for what, remark in there.remarks.items():
        if house.shelf.told.get(what) != remark:
            house.log.warning("documents_missing", what=what, remark=remark)
    house.shelf.told = dict(there.remarks)


def _let_go(house: House, there: Listing, standing: Sequence[Document]) -> None:
    """Close what is known of files that are gone; where a folder is out of reach, nobody knows which these are."""
    kept = {*there.files, *there.remarks}
    gone = [row for row in standing if row.path not in kept] if there.whole else []
    if gone:
        documents.close(house.db, gone, house.clock())
    for row in gone:
        house.shelf.stamps.pop(row.path, None)
        house.log.info("document_gone", document=row.name)


async def _read(house: House, files: Sequence[OnDisk]) -> None:
    """Read files one after the other, in a child of their own; what a stop or a trouble leaves is for the next look."""
    reader = Reader(house.shelf.limits)
    try:
        for file in files:
            house.pulse.beat("desk")
            if house.stop.requested:
                break
            await asyncio.to_thread(_take_in, house, reader, file)
    except TransientError as error:
        house.log.warning("documents_unread", reason=str(error))
    finally:
        await asyncio.to_thread(reader.close)


def _take_in(house: House, reader: Reader, file: OnDisk) -> None:
    """Bring what is known of a file up to what it says now."""
    rows = documents.of_path(house.db, file.key)
    earlier = next((row for row in rows if row.passages and row.name == file.name), None)
    found = _found(reader, file, earlier.sha256 if earlier else "")
    if found.unchanged:
        _mend(house, [row for row in rows if not row.passages])
    elif found.pieces:
        _put(house, file, found, rows)
    elif (found.sha256, found.problem) not in [(row.sha256, row.problem) for row in rows]:
        _put(house, file, found, [row for row in rows if not row.passages])
    if file.settled:
        house.shelf.stamps[file.key] = file.stamp


def _found(reader: Reader, file: OnDisk, known_as: str) -> Found:
    form = form_of(file.name)
    if form is None:
        return Found(size=file.stamp.size, problem=NO_KIND)
    try:
        raw = load(file.path)
    except PermanentError as error:
        return Found(size=file.stamp.size, problem=str(error))
    digest = hashlib.sha256(raw).hexdigest()
    if digest == known_as:
        return Found(unchanged=True)
    try:
        read = reader.read_document(raw, form)
    except PermanentError as error:
        return Found(digest, len(raw), problem=str(error))
    pieces, note = known(pieces_of(read.text), read.note)
    return Found(digest, len(raw), pieces, note)


def _mend(house: House, failed: Sequence[Document]) -> None:
    if failed:
        documents.close(house.db, failed, house.clock())
        house.log.info("document_read", document=failed[0].name)


def _put(house: House, file: OnDisk, found: Found, closes: Sequence[Document]) -> None:
    now = house.clock()
    row = Document(
        path=file.key,
        name=file.name,
        sha256=found.sha256,
        size=found.size,
        modified_at=file.modified_at,
        passages=len(found.pieces),
        problem=found.problem,
        recorded_at=now,
    )
    documents.put(house.db, row, list(_passages(row, found.pieces)), closes, now)
    if found.problem:
        house.log.warning("document_problem", document=row.name, problem=row.problem, passages=row.passages)
    else:
        house.log.info("document_read", document=row.name, passages=row.passages)


def _passages(row: Document, pieces: Sequence[Piece]) -> Iterator[Passage]:
    """Make the passages; each is found by its name, its headings, and what stands beside it in its section, too."""
    usual = likely_language(" ".join(piece.text for piece in pieces[:20]))
    for headings, section in groupby(pieces, key=lambda piece: piece.headings):
        texts = [piece.text for piece in section]
        tongues = [likely_language(text, usual) for text in texts]
        stems = ["", *(" ".join(terms(text, tongue)) for text, tongue in zip(texts, tongues, strict=True)), ""]
        for place, text in enumerate(texts):
            label = terms(f"{row.name} {' '.join(headings)}", tongues[place])
            yield Passage(
                heading=" > ".join(headings),
                speaker=row.name,
                said_at=row.modified_at,
                text=text,
                before=stems[place],
                stems=stems[place + 1],
                behind=stems[place + 2],
                followed_at=row.recorded_at,
                label=" ".join(label),
                recorded_at=row.recorded_at,
            )
