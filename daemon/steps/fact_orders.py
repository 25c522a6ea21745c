"""Orders about facts and lessons: what people write down themselves, of a person or for everyone."""

import json
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.judgement.facts import LONGEST_FACT, Author, FactKind
from daemon.judgement.words import likely_language
from daemon.steps.numbers import LARGEST_ID, Deed
from daemon.steps.person_orders import person_of
from daemon.steps.remember import Voice, passage
from knowledge import facts
from knowledge.database import Database
from knowledge.facts import Entry, Memory
from knowledge.tables import Fact


class Written(BaseModel):
    """What a person wrote: about ``person``, or for everyone; in the place of ``replaces``, where that is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_FACT)]
    kind: FactKind
    person: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    replaces: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    valid_from: date | None = None
    valid_to: date | None = None


def add(db: Database, clock: Clock, argument: str) -> Deed:
    """Write a fact down; raise OrderRefused where it cannot be."""
    try:
        wanted = Written.model_validate(json.loads(argument))
    except (ValidationError, ValueError) as error:
        raise OrderRefused(_words(error)) from None
    if wanted.person:
        person_of(db, wanted.person)
    return _written(clock, wanted)


def correct(db: Database, clock: Clock, argument: str) -> Deed:
    """Put a fact right: the newer one is about the same person and of the same kind."""
    number, _, text = argument.partition(" ")
    old = standing(db, number)
    values = {"text": text, "kind": old.kind, "person": old.person_id, "replaces": old.id}
    try:
        wanted = Written.model_validate({**values, "valid_from": old.valid_from, "valid_to": old.valid_to})
    except ValidationError as error:
        raise OrderRefused(_words(error)) from None
    return _written(clock, wanted)


def drop(db: Database, clock: Clock, argument: str) -> Deed:
    """Close a fact that is true no longer."""
    fact = standing(db, argument)

    def deed(session: Session) -> str:
        facts.remember(session, Memory(dropped=[fact.id or 0]), None, clock())
        return f"fact {fact.id} is dropped; it stays in the database, and is recalled no more"

    return deed


def standing(db: Database, argument: str) -> Fact:
    """Give the fact of that number; raise OrderRefused where there is none, or where it was closed."""
    known = argument.isdecimal() and int(argument) <= LARGEST_ID
    fact = facts.get(db, int(argument)) if known else None
    if fact is None:
        message = f"there is no fact {argument}; `clerkd fact list` and `clerkd lesson list` show them"
        raise OrderRefused(message)
    if fact.expired_at:
        by = f" by fact {fact.superseded_by}" if fact.superseded_by else ""
        message = f"fact {fact.id} was closed already{by}"
        raise OrderRefused(message)
    return fact


def _written(clock: Clock, wanted: Written) -> Deed:
    now = clock()
    fact = Fact(
        person_id=wanted.person,
        kind=wanted.kind,
        text=wanted.text,
        author=Author.REVIEWER,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        recorded_at=now,
    )
    made = passage(wanted.text, Voice("", now, "", likely_language(wanted.text)), now)
    made.person_id = wanted.person

    def deed(session: Session) -> str:
        facts.remember(session, Memory([Entry(fact, made, wanted.replaces)]), None, now)
        return f"fact {fact.id} is written down, about {f'person {wanted.person}' if wanted.person else 'everyone'}"

    return deed


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'fact'}: {first['msg']}"
    return "the order is not readable"
