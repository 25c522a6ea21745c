"""Facts: written in the transaction of a turn or by a person's order; a row is closed, never overwritten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from knowledge import passages
from knowledge.database import Database
from knowledge.tables import Fact, Passage, Turn
from knowledge.whose import Whose, belongs, owner

MOST_STANDING = 200  # facts of one owner that a turn can know of: the newest
FEW = 500  # of what a statement takes at once


@dataclass(frozen=True)
class Entry:
    """A fact to be written, with the passage by which it is recalled, and the number of the one that it replaces."""

    fact: Fact
    passage: Passage
    replaces: int | None = None


@dataclass(frozen=True)
class Memory:
    """All that a turn remembers: facts to be written, facts that are true no longer, and passages of what was said."""

    facts: Sequence[Entry] = ()
    dropped: Sequence[int] = ()
    passages: Sequence[Passage] = ()


def get(db: Database, number: int) -> Fact | None:
    """Give a fact; None where the number leads nowhere."""
    with db.read() as session:
        return session.get(Fact, number)


def of_person(db: Database, person_id: int | None) -> list[Fact]:
    """List the facts that stand about a person, the newest first and at most 200; without one, those about everyone."""
    return _standing(db, Whose(person_id))


def of_organisation(db: Database, organisation: str | None) -> list[Fact]:
    """List the facts that stand about an organisation, the newest first and at most 200; about none, there is none."""
    return _standing(db, Whose(organisation=organisation)) if organisation else []


def _standing(db: Database, whose: Whose) -> list[Fact]:
    with db.read() as session:
        standing = (*belongs(Fact, whose), col(Fact.expired_at).is_(None))
        return list(session.exec(select(Fact).where(*standing).order_by(col(Fact.id).desc()).limit(MOST_STANDING)))


def by_number(db: Database, numbers: Sequence[int]) -> dict[int, Fact]:
    """Give facts by their numbers."""
    with db.read() as session:
        return {fact.id or 0: fact for fact in session.exec(select(Fact).where(col(Fact.id).in_(numbers)))}


def find(db: Database, kinds: Sequence[str], whose: Whose | None, limit: int, *, closed: bool = False) -> list[Fact]:
    """List facts of these kinds, the newest first; of one owner where one is given, closed ones where wanted."""
    with db.read() as session:
        statement = select(Fact).where(col(Fact.kind).in_(kinds))
        if whose:
            statement = statement.where(*belongs(Fact, whose))
        if not closed:
            statement = statement.where(col(Fact.expired_at).is_(None))
        return list(session.exec(statement.order_by(col(Fact.id).desc()).limit(limit)))


def remember(session: Session, memory: Memory, turn_id: int | None, now: datetime) -> None:
    """Write all that is remembered; part of a transaction."""
    for passage in memory.passages:
        passage.turn_id = turn_id
    passages.add(session, memory.passages)
    for entry in memory.facts:
        _write(session, entry, turn_id, now)
    for number in memory.dropped:
        _close(session, number, None, turn_id, now)


def _write(session: Session, entry: Entry, turn_id: int | None, now: datetime) -> None:
    if turn_id is not None and entry.fact.person_id is None:
        error = "what a mail tells is about its sender alone"
        raise ValueError(error)
    if owner(entry.fact) != owner(entry.passage):
        error = "a fact is recalled for whom it is about"
        raise ValueError(error)
    entry.fact.turn_id = entry.passage.turn_id = turn_id
    session.add(entry.fact)
    session.flush()
    entry.passage.fact_id = entry.fact.id
    passages.add(session, [entry.passage])
    if entry.replaces:
        _close(session, entry.replaces, entry.fact.id, turn_id, now)


def _close(session: Session, number: int, successor: int | None, turn_id: int | None, now: datetime) -> None:
    """Close a fact that stands; one that was closed meanwhile stays as it is."""
    standing = update(Fact).where(col(Fact.id) == number, col(Fact.expired_at).is_(None))
    session.connection().execute(standing.values(expired_at=now, expired_by=turn_id, superseded_by=successor))
    passages.expire_of_facts(session, [number], now)


def reopen(session: Session, turns: Sequence[int], undone: Collection[int]) -> None:
    """Let the facts stand again that these turns closed; part of a transaction.

    ``undone`` are all turns that are taken back. A fact stays closed where others have put another in the place of what
    these put there.
    """
    _stand_again(session, session.exec(select(Fact).where(col(Fact.expired_by).in_(turns))).all(), undone)


def _stand_again(session: Session, closed: Sequence[Fact], undone: Collection[int]) -> None:
    again = [fact.id or 0 for fact in closed if not _is_put_right(session, fact, undone)]
    stands = {"expired_at": None, "expired_by": None, "superseded_by": None}
    session.connection().execute(update(Fact).where(col(Fact.id).in_(again)).values(**stands))
    passages.restore_of_facts(session, again)


def _is_put_right(session: Session, fact: Fact, undone: Collection[int]) -> bool:
    """Say whether, in the chain of facts that took its place, there is one that no undone turn wrote."""
    behind = session.get(Fact, fact.superseded_by) if fact.superseded_by else None
    if behind is None:
        return False
    return behind.turn_id not in undone or _is_put_right(session, behind, undone)


def withdraw(session: Session, turns: Sequence[int], now: datetime) -> None:
    """Retract what these turns remembered; part of a transaction, behind ``reopen`` for all of them."""
    theirs = (col(Fact.turn_id).in_(turns), col(Fact.expired_at).is_(None))
    session.connection().execute(update(Fact).where(*theirs).values(expired_at=now))
    passages.expire_of_turns(session, turns, now)


def give_to(session: Session, kept: int, other: int) -> None:
    """Make one person's facts and passages another's; part of a transaction."""
    connection = session.connection()
    connection.execute(update(Fact).where(col(Fact.person_id) == other).values(person_id=kept))
    passages.give(session, session.exec(select(Passage.id).where(Passage.person_id == other)).all(), kept)


def split_off(session: Session, person_id: int, messages: Sequence[int | None], fresh: int) -> None:
    """Give a fresh person what rests on these messages; part of a transaction. What people wrote stays where it is.

    What these messages closed of the one who stays, stands again: it was another's word on it.
    """
    for start in range(0, len(messages), FEW):
        some = messages[start : start + FEW]
        theirs = (col(Fact.message_id).in_(some), col(Fact.turn_id).is_not(None))
        rest = or_(col(Passage.message_id).in_(some), col(Passage.fact_id).in_(select(Fact.id).where(*theirs)))
        passages.give(session, session.exec(select(Passage.id).where(rest)).all(), fresh)
        session.connection().execute(update(Fact).where(*theirs).values(person_id=fresh))
    for start in range(0, len(messages), FEW):
        turns = session.exec(select(Turn.id).where(col(Turn.message_id).in_(messages[start : start + FEW]))).all()
        astray = (Fact.person_id == person_id, col(Fact.expired_by).in_(turns))
        _stand_again(session, session.exec(select(Fact).where(*astray)).all(), {turn or 0 for turn in turns})
