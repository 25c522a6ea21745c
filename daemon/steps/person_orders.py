"""Orders about people: a person says that two are one, or that an address is somebody else's."""

from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.steps.numbers import Deed, numbers_of, two_of
from knowledge import people
from knowledge.database import Database
from knowledge.people import Known
from knowledge.tables import Person


def person_of(db: Database, number: int) -> Known:
    """Give the person of that number; raise OrderRefused where there is none, or who was merged into another."""
    known = people.get(db, number)
    if known is None:
        message = f"there is no person {number}; `clerkd person list` shows them"
        raise OrderRefused(message)
    if known.person.merged_into:
        message = f"person {number} was merged into person {known.person.merged_into}"
        raise OrderRefused(message)
    return known


def merge(db: Database, _clock: Clock, argument: str) -> Deed:
    """Make one person of two: the first is kept, and has all that the second had."""
    kept, other = two_of(argument, "a person cannot be merged into themselves")
    person_of(db, kept)
    person_of(db, other)

    def deed(session: Session) -> str:
        people.merge(session, session.get_one(Person, kept), session.get_one(Person, other))
        return f"person {other} is now the same as person {kept}"

    return deed


def split(db: Database, _clock: Clock, argument: str) -> Deed:
    """Give an address, with the mails that came from it, to a person of its own."""
    number, _, address = argument.partition(" ")
    known = person_of(db, *numbers_of(number))
    if address not in known.addresses:
        message = f"{address} is no address of person {number}; known: {', '.join(known.addresses)}"
        raise OrderRefused(message)
    if len(known.addresses) == 1:
        message = f"{address} is the only address of person {number}"
        raise OrderRefused(message)

    def deed(session: Session) -> str:
        return f"{address} is now person {people.split(session, session.get_one(Person, known.person.id), address).id}"

    return deed
