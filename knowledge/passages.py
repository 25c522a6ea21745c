"""Passages: what can be recalled of earlier mails, answers and facts."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, text, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from knowledge import prints, word_index
from knowledge.tables import Passage
from knowledge.whose import EVERYONE, Whose, owner
from knowledge.word_index import INDEXES, WordIndex

# Of a person's passages that hold a wanted word: the newest. To have FTS5 rank them took most of the time (measured):
# it counts each word in the whole table, and what others wrote has no say in what is rare for this person.
MOST_FOUND = 1_000
# Of what is for everyone, the newest is not the likeliest: a handbook holds as long as it lies there. To rank 3,000
# takes 0.17 s (measured).
MOST_FOUND_FOR_EVERYONE = 3_000
# Of one who has no more, all are read: that takes less time than to look their words up (of 200 passages p95 6 instead
# of 8 ms in a file, 8 instead of 11 on a server, measured). What holds no wanted word scores nothing.
MOST_READ = 1_000
FEW = 500  # of what a statement takes at once
LEAD = 2  # passages before one that tell what it is about

OWN = text("UPDATE passages SET person_id = :person WHERE id = :number")


class Found(NamedTuple):
    """A passage as it is ranked."""

    number: int
    stems: str
    label: str
    before: str
    behind: str
    speaker: str


def find(session: Session, whose: Whose, stems: Sequence[str]) -> tuple[list[Found], int]:
    """Give the standing passages of one owner that may hold one of the stems, and the number of all of theirs.

    Part of a transaction, as ``get``: a recall reads one moment, and on a server each transaction is three journeys.
    """
    if not stems:
        return [], 0
    most = MOST_FOUND_FOR_EVERYONE if whose == EVERYONE else MOST_FOUND
    connection = session.connection()
    size = int(connection.execute(*word_index.size(whose)).scalar_one())
    wanted = word_index.everything(whose, size) if size <= MOST_READ else _index(session).find(whose, stems, most)
    rows = connection.execute(*wanted).all() if size else []
    return [Found(*row) for row in rows], size


class Told(NamedTuple):
    """A passage as it is told; the fields are those of its row."""

    id: int
    message_id: int | None
    fact_id: int | None
    document_id: int | None
    heading: str
    ours: bool
    speaker: str
    said_at: datetime
    text: str


def _get() -> Select[Any]:
    numbers: BindParameter[list[int]] = bindparam("numbers", expanding=True)
    return columns(*(getattr(Passage, name) for name in Told._fields)).where(col(Passage.id).in_(numbers))


GET = _get()  # asked at every recall, and made once


def get(session: Session, numbers: Sequence[int]) -> dict[int, Told]:
    """Give passages by their numbers; part of a transaction."""
    rows = session.connection().execute(GET, {"numbers": list(numbers)})
    return {row.id: row for row in itertools.starmap(Told, rows)}


def add(session: Session, rows: Sequence[Passage]) -> None:
    """Write passages, one behind the other, each with what stands before it in its case; part of a transaction."""
    for row in rows:
        if row.person_id is None and row.message_id is not None:
            error = "a mail is recalled for its sender alone"
            raise ValueError(error)
        if row.document_id is not None and owner(row) != EVERYONE:
            error = "a document is recalled for everyone"
            raise ValueError(error)
        lead = _lead(session, row) if row.case_id and row.fact_id is None else []
        row.before = " ".join(earlier.stems for earlier in lead) or row.before
        session.add(row)
        session.flush()
        session.connection().execute(_index(session).add, _indexed(session, row))
        if not row.ours and row.fact_id is None:
            prints.add(session, _who_said(row), row.text)
        if lead:
            _follow(session, lead[-1], row)


def _lead(session: Session, row: Passage) -> list[Passage]:
    """Give the passages before it: of the same case and person, for no other person's words may tell of it."""
    same = (Passage.case_id == row.case_id, Passage.person_id == row.person_id)
    standing = (col(Passage.expired_at).is_(None), col(Passage.fact_id).is_(None))
    statement = select(Passage).where(*same, *standing).order_by(col(Passage.id).desc()).limit(LEAD)
    return list(session.exec(statement))[::-1]


def _follow(session: Session, earlier: Passage, row: Passage) -> None:
    earlier.behind, earlier.followed_at = row.stems, row.recorded_at
    session.add(earlier)
    session.flush()
    session.connection().execute(_index(session).change, _indexed(session, earlier))


def expire_of_turns(session: Session, turns: Sequence[int], now: datetime) -> None:
    """Close the passages that were written in these turns; part of a transaction."""
    _take_away(session, session.exec(select(Passage).where(col(Passage.turn_id).in_(turns), _standing())).all(), now)


def ours(session: Session, message_id: int) -> list[Passage]:
    """List what stands of our answer to a message; part of a transaction."""
    said = (Passage.message_id == message_id, col(Passage.ours).is_(True), _standing())
    return list(session.exec(select(Passage).where(*said).order_by(col(Passage.id))))


def expire_ours(session: Session, message_id: int, now: datetime) -> None:
    """Close what we drafted to a message; part of a transaction."""
    _take_away(session, ours(session, message_id), now)


def _take_away(session: Session, rows: Sequence[Passage], now: datetime) -> None:
    """Close passages, and take their words from those before them, which are found by what came behind them, too."""
    for row in rows:
        if row.case_id is not None and row.fact_id is None:
            _forget_behind(session, row)
    for start in range(0, len(rows), FEW):
        numbers = [row.id for row in rows[start : start + FEW]]
        session.connection().execute(update(Passage).where(col(Passage.id).in_(numbers)).values(expired_at=now))
    for row in rows:
        session.expire(row)


def _forget_behind(session: Session, row: Passage) -> None:
    same = (Passage.case_id == row.case_id, Passage.person_id == row.person_id, col(Passage.id) < row.id)
    followed = (Passage.behind == row.stems, Passage.followed_at == row.recorded_at, _standing())
    earlier = session.exec(select(Passage).where(*same, *followed).order_by(col(Passage.id).desc()).limit(1)).first()
    if earlier:
        earlier.behind, earlier.followed_at = "", None
        session.add(earlier)
        session.flush()
        session.connection().execute(_index(session).change, _indexed(session, earlier))


def _standing() -> ColumnElement[bool]:
    return col(Passage.expired_at).is_(None)


def expire_of_facts(session: Session, facts: Sequence[int], now: datetime) -> None:
    """Close the passages of these facts; part of a transaction."""
    theirs = update(Passage).where(col(Passage.fact_id).in_(facts), col(Passage.expired_at).is_(None))
    session.connection().execute(theirs.values(expired_at=now))


def expire_of_documents(session: Session, documents: Sequence[int | None], now: datetime) -> None:
    """Close the passages of these documents; part of a transaction."""
    theirs = update(Passage).where(col(Passage.document_id).in_(documents), col(Passage.expired_at).is_(None))
    session.connection().execute(theirs.values(expired_at=now))


def restore_of_facts(session: Session, facts: Sequence[int]) -> None:
    """Let the passages of these facts stand again; part of a transaction."""
    session.connection().execute(update(Passage).where(col(Passage.fact_id).in_(facts)).values(expired_at=None))


def give(session: Session, numbers: Sequence[int | None], person_id: int) -> None:
    """Make passages another person's, in the index, too; part of a transaction."""
    if not numbers:
        return
    # Many rows a statement: a long history has tens of thousands.
    session.connection().execute(OWN, [{"number": number, "person": person_id} for number in numbers])
    session.expire_all()
    for start in range(0, len(numbers), FEW):
        rows = list(session.exec(select(Passage).where(col(Passage.id).in_(numbers[start : start + FEW]))))
        session.connection().execute(_index(session).change, [_indexed(session, row) for row in rows])
        for row in rows:
            if not row.ours and row.fact_id is None:
                prints.add(session, _who_said(row), row.text)


def print_anew(session: Session, person_id: int) -> None:
    """Know a person by what is theirs now, and by nothing that was given to another; part of a transaction."""
    theirs = (Passage.person_id == person_id, col(Passage.ours).is_(False), col(Passage.fact_id).is_(None))
    said = session.exec(select(Passage.text).where(*theirs)).all()
    prints.forget(session, [prints.of_person(person_id)])
    for words in said:
        prints.add(session, prints.of_person(person_id), words)


def _who_said(row: Passage) -> str:
    return prints.of_document(row.document_id) if row.document_id else str(owner(row))


def _index(session: Session) -> WordIndex:
    return INDEXES[session.connection().dialect.name]


def _indexed(session: Session, row: Passage) -> dict[str, object]:
    return _index(session).row(row.id, owner(row), f"{row.stems} {row.label} {row.before} {row.behind}")
