"""The people who write."""

from datetime import datetime

from sqlmodel import Session, select

from knowledge.tables import Person


def meet(session: Session, address: str, name: str, now: datetime) -> int | None:
    """Give the person's id, making their acquaintance where they are new; None without an address."""
    if not address:
        return None
    person = session.exec(select(Person).where(Person.address == address)).first()
    if person is None:
        person = Person(address=address, first_seen_at=now, last_seen_at=now)
    person.last_seen_at = now
    person.name = name or person.name
    session.add(person)
    session.flush()
    return person.id
