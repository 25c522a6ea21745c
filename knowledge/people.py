"""The people who write: who is behind an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, or_, select

from knowledge import facts, logbook, passages, prints
from knowledge.database import Database
from knowledge.pattern import containing
from knowledge.tables import Message, Person, PersonAddress


@dataclass(frozen=True)
class Acquaintance:
    """What a mail tells of its sender; an empty word tells nothing."""

    address: str
    name: str = ""
    organisation: str = ""
    language: str = ""


@dataclass(frozen=True)
class Known:
    """A person with their addresses and the number of their mails."""

    person: Person
    addresses: Sequence[str]
    messages: int


def meet(session: Session, who: Acquaintance, now: datetime) -> int | None:
    """Give the person's id, making their acquaintance where they are new; None without an address."""
    if not who.address:
        return None
    known = session.get(PersonAddress, who.address)
    person = session.get_one(Person, known.person_id) if known else _new(session, who.address, now)
    person.last_seen_at = now
    person.name = who.name or person.name
    person.organisation = person.organisation or who.organisation
    person.language = who.language or person.language
    session.add(person)
    session.flush()
    return person.id


def _new(session: Session, address: str, now: datetime) -> Person:
    person = Person(first_seen_at=now, last_seen_at=now)
    session.add(person)
    session.flush()
    session.add(PersonAddress(address=address, person_id=person.id or 0))
    return person


def get(db: Database, person_id: int) -> Known | None:
    """Give a person; None where the number leads nowhere."""
    with db.read() as session:
        person = session.get(Person, person_id)
        return next(iter(_known(session, [person])), None) if person else None


def names_of(db: Database, person_id: int) -> list[str]:
    """List the names under which a person has written, the newest first."""
    theirs = (Message.person_id == person_id, Message.sender_name != "", col(Message.about_id).is_(None))
    named = select(Message.sender_name).where(*theirs).group_by(Message.sender_name)
    with db.read() as session:
        return list(session.exec(named.order_by(func.max(Message.id).desc())))


def organisation_of(db: Database, person_id: int | None) -> str | None:
    """Name a person's organisation; None where they are of none that is known, and where they are nobody known."""
    with db.read() as session:
        return session.exec(select(Person.organisation).where(Person.id == person_id)).first() or None


def count_of(session: Session, organisation: str) -> int:
    """Count those who are known to be of an organisation; part of a transaction."""
    theirs = (Person.organisation == organisation, col(Person.merged_into).is_(None))
    return session.exec(select(func.count()).select_from(Person).where(*theirs)).one()


def find(db: Database, words: str, limit: int) -> list[Known]:
    """List people whose name, address or organisation holds the words, the last seen first; merged ones are none."""
    pattern = containing(words)
    theirs = select(PersonAddress.person_id).where(col(PersonAddress.address).ilike(pattern, escape="\\"))
    holds = or_(
        col(Person.name).ilike(pattern, escape="\\"),
        col(Person.organisation).ilike(pattern, escape="\\"),
        col(Person.id).in_(theirs),
    )
    with db.read() as session:
        statement = select(Person).where(col(Person.merged_into).is_(None), holds)
        rows = session.exec(statement.order_by(col(Person.last_seen_at).desc(), col(Person.id).desc()).limit(limit))
        return _known(session, list(rows))


def _known(session: Session, persons: Sequence[Person]) -> list[Known]:
    ids = [person.id for person in persons]
    addresses: dict[int, list[str]] = {}
    for row in session.exec(
        select(PersonAddress).where(col(PersonAddress.person_id).in_(ids)).order_by(col(PersonAddress.address))
    ):
        addresses.setdefault(row.person_id, []).append(row.address)
    counted = session.exec(
        select(Message.person_id, func.count())
        .where(col(Message.person_id).in_(ids), col(Message.about_id).is_(None))
        .group_by(col(Message.person_id))
    )
    counts = {number: int(count) for number, count in counted}
    return [Known(person, addresses.get(person.id or 0, []), counts.get(person.id, 0)) for person in persons]


def merge(session: Session, kept: Person, other: Person) -> None:
    """Make one person of two; part of a transaction. What the other had, the kept one has."""
    connection = session.connection()
    for table in (PersonAddress, Message):
        theirs = col(table.person_id)
        connection.execute(update(table).where(theirs == other.id).values(person_id=kept.id))
    logbook.unite_persons(session, kept.id or 0, other.id or 0)
    facts.give_to(session, kept.id or 0, other.id or 0)
    prints.forget(session, [prints.of_person(other.id)])  # the kept one has them, with the passages
    kept.first_seen_at = min(kept.first_seen_at, other.first_seen_at)
    kept.last_seen_at = max(kept.last_seen_at, other.last_seen_at)
    kept.name, kept.language = kept.name or other.name, kept.language or other.language
    kept.organisation = kept.organisation or other.organisation
    other.merged_into = kept.id
    session.add_all([kept, other])


def split(session: Session, person: Person, address: str) -> Person:
    """Give an address, and the mails that came from it, to a person of its own; part of a transaction."""
    fresh = Person(first_seen_at=person.first_seen_at, last_seen_at=person.last_seen_at)
    session.add(fresh)
    session.flush()
    theirs = (col(Message.person_id) == person.id, col(Message.sender_address) == address)
    first, last = session.exec(
        select(func.min(Message.received_at), func.max(Message.received_at)).where(*theirs)
    ).one()
    named = select(Message.sender_name).where(*theirs, Message.sender_name != "").order_by(col(Message.id).desc())
    fresh.first_seen_at, fresh.last_seen_at = first or person.first_seen_at, last or person.last_seen_at
    fresh.name, fresh.language = session.exec(named.limit(1)).first() or "", person.language
    if address.endswith(f"@{person.organisation}"):
        fresh.organisation = person.organisation
        if not _writes_from(session, person, address):  # what is left learns its own from its next mail
            person.organisation = ""
    row = session.get_one(PersonAddress, address)
    row.person_id = fresh.id or 0
    session.add_all([fresh, row])
    session.flush()
    numbers = select(Message.id).where(*theirs)
    about = select(Message.id).where(col(Message.about_id).in_(numbers))
    facts.split_off(session, person.id or 0, [*session.exec(numbers), *session.exec(about)], fresh.id or 0)
    passages.print_anew(session, person.id or 0)
    connection = session.connection()
    connection.execute(update(Message).where(col(Message.about_id).in_(numbers)).values(person_id=fresh.id))
    connection.execute(update(Message).where(*theirs).values(person_id=fresh.id))
    logbook.divide_person(session, person.id or 0, fresh.id or 0)
    return fresh


def _writes_from(session: Session, person: Person, gone: str) -> bool:
    """Say whether a person has an address of their organisation beside the one that goes."""
    rest = select(PersonAddress.address).where(PersonAddress.person_id == person.id, PersonAddress.address != gone)
    return any(address.endswith(f"@{person.organisation}") for address in session.exec(rest))
