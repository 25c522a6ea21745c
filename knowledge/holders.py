"""Whose something is: in whose mails, facts and addresses words stand."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from knowledge.database import POSTGRESQL, SQLITE, Database
from knowledge.tables import Message, Passage, PersonAddress
from knowledge.whose import Whose

# What has neither a digit nor an address in it cannot be anybody's by that.
HOLDS_A_MARK = {SQLITE: ("GLOB", "*[0-9@]*"), POSTGRESQL: ("~", "[0-9@]")}


def addresses_of_others(db: Database, person_id: int | None) -> list[str]:
    """List the addresses of everybody but a person."""
    with db.read() as session:
        found = session.exec(select(PersonAddress.address, PersonAddress.person_id))
        return [address for address, owner in found if owner != person_id]


def texts_of_others(db: Database, person_id: int | None, organisation: str | None) -> Iterator[tuple[Whose, str]]:
    """Yield what everybody but a person wrote and was answered, their facts and subjects, as far as it has digits.

    So with the facts about other organisations. What has been closed is among it: it belongs to them still.
    """
    with db.read() as session:
        for table, words in ((Passage, Passage.text), (Message, Message.subject)):
            owner = col(table.person_id)
            theirs = select(owner, words).where(owner.is_not(None), _holds_a_mark(db, words))
            others = theirs if person_id is None else theirs.where(owner != person_id)
            for number, text in session.exec(others):
                yield Whose(number), text
        facts = select(Passage.organisation, Passage.text).where(Passage.organisation != organisation)
        for name, text in session.exec(facts.where(_holds_a_mark(db, Passage.text))):
            yield Whose(organisation=name), text


def texts_of(db: Database, person_id: int) -> Iterator[str]:
    """Yield what a person wrote, piece by piece; what has been closed is among it."""
    with db.read() as session:
        theirs = (Passage.person_id == person_id, col(Passage.ours).is_(False), col(Passage.fact_id).is_(None))
        yield from session.exec(select(Passage.text).where(*theirs))


def _holds_a_mark(db: Database, words: str) -> ColumnElement[bool]:
    operator, pattern = HOLDS_A_MARK[db.kind]
    return col(words).bool_op(operator)(pattern)


def texts_of_case(db: Database, case_id: int) -> list[str]:
    """List what was said in a case, whoever wrote it: passages, subjects, addresses of senders."""
    with db.read() as session:
        said = session.exec(select(Passage.text).where(Passage.case_id == case_id, col(Passage.fact_id).is_(None)))
        heads = session.exec(select(Message.subject, Message.sender_address).where(Message.case_id == case_id))
        return [*said, *(" ".join(head) for head in heads)]
