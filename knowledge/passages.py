"""Passages: what can be recalled of earlier mails, answers and facts, and the index of their words.

Whose a passage is stands in the index, too, so that a query for one person never touches another's.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, text, update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Passage

MOST_FOUND = 1_000  # of a person's passages that hold a wanted word: those that hold most of them
LEAD = 2  # passages before one that tell what it is about

FIND = text("SELECT rowid FROM passage_words WHERE passage_words MATCH :wanted ORDER BY rank LIMIT :most").bindparams(
    bindparam("wanted"), bindparam("most")
)
ADD = text("INSERT INTO passage_words (rowid, scope, words) VALUES (:number, :scope, :words)")
CHANGE = text("UPDATE passage_words SET scope = :scope, words = :words WHERE rowid = :number")


def find(db: Database, person_id: int | None, stems: Sequence[str]) -> tuple[list[Passage], int]:
    """Give the standing passages of a person that hold one of the stems, and the number of all of theirs.

    Without a person, those that are for everyone.
    """
    if not stems:
        return [], 0
    wanted = f"scope : {_scope(person_id)} AND words : ({' OR '.join(map(_key, stems))})"
    with db.read() as session:
        numbers = [row[0] for row in session.connection().execute(FIND, {"wanted": wanted, "most": MOST_FOUND})]
        standing = (col(Passage.person_id) == person_id, col(Passage.expired_at).is_(None))
        found = session.exec(select(Passage).where(col(Passage.id).in_(numbers), *standing))
        size = session.exec(select(func.count()).select_from(Passage).where(*standing)).one()
        return list(found), int(size)


def add(session: Session, rows: Sequence[Passage]) -> None:
    """Write passages, one behind the other, each with what stands before it in its case; part of a transaction."""
    for row in rows:
        if row.person_id is None and row.message_id is not None:
            error = "a mail is never recalled for everyone"
            raise ValueError(error)
        lead = _lead(session, row) if row.case_id and row.fact_id is None else []
        row.before = " ".join(earlier.stems for earlier in lead) or row.before
        session.add(row)
        session.flush()
        session.connection().execute(ADD, _indexed(row))
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
    session.connection().execute(CHANGE, _indexed(earlier))


def expire_of_turns(session: Session, turns: Sequence[int], now: datetime) -> None:
    """Close the passages that were written in these turns; part of a transaction."""
    theirs = update(Passage).where(col(Passage.turn_id).in_(turns), col(Passage.expired_at).is_(None))
    session.connection().execute(theirs.values(expired_at=now))


def expire_of_facts(session: Session, facts: Sequence[int], now: datetime) -> None:
    """Close the passages of these facts; part of a transaction."""
    theirs = update(Passage).where(col(Passage.fact_id).in_(facts), col(Passage.expired_at).is_(None))
    session.connection().execute(theirs.values(expired_at=now))


def restore_of_facts(session: Session, facts: Sequence[int]) -> None:
    """Let the passages of these facts stand again; part of a transaction."""
    session.connection().execute(update(Passage).where(col(Passage.fact_id).in_(facts)).values(expired_at=None))


def give(session: Session, numbers: Sequence[int], person_id: int | None) -> None:
    """Make passages another person's, in the index, too; part of a transaction."""
    for number in numbers:
        row = session.get_one(Passage, number)
        row.person_id = person_id
        session.add(row)
        session.flush()
        session.connection().execute(CHANGE, _indexed(row))


def _indexed(row: Passage) -> dict[str, object]:
    words = f"{row.stems} {row.label} {row.before} {row.behind}".split()
    return {"number": row.id, "scope": _scope(row.person_id), "words": " ".join(map(_key, words))}


def _scope(person_id: int | None) -> str:
    return f"p{person_id}" if person_id else "everyone"


def _key(stem: str) -> str:
    """Write a stem as eight bytes in hex: whatever letters it has, no database divides or folds it in its own way."""
    return f"w{hashlib.blake2b(stem.encode(errors='replace'), digest_size=8).hexdigest()}"
