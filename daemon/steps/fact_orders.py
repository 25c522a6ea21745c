"""Orders about facts and lessons: what people write down themselves, of a person, an organisation or for everyone."""

import json
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.fields import without_nul
from daemon.judgement.facts import LONGEST_FACT, Author, FactKind
from daemon.judgement.people import organisation_named
from daemon.judgement.words import likely_language
from daemon.steps.numbers import LARGEST_ID, Deed
from daemon.steps.person_orders import person_of
from daemon.steps.remember import Voice, passage
from knowledge import facts, people
from knowledge.database import Database
from knowledge.facts import Entry, Memory
from knowledge.tables import Fact, Order

EITHER = "it is about a person or about an organisation, not both"


class Written(BaseModel):
    """What a person wrote: about ``person`` or ``organisation``, or for everyone; in the place of ``replaces``.

    ``category`` is that of the mails to which a lesson was learnt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_FACT), AfterValidator(without_nul)]
    kind: FactKind
    category: Annotated[str, Field(max_length=200)] = ""
    person: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    organisation: Annotated[str, AfterValidator(organisation_named)] | None = None
    replaces: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        if self.person and self.organisation:
            raise ValueError(EITHER)
        return self


def objection(argument: str) -> str:
    """Say why a fact cannot be written down as it is given; nothing where it can, as far as that can be told."""
    try:
        _wanted(argument)
    except OrderRefused as refusal:
        return str(refusal)
    return ""


def _wanted(argument: str) -> Written:
    try:
        return Written.model_validate(json.loads(argument))
    except (ValidationError, ValueError) as error:
        raise OrderRefused(_words(error)) from None


def add(db: Database, clock: Clock, order: Order) -> Deed:
    """Write a fact down; raise OrderRefused where it cannot be."""
    wanted = _wanted(order.argument)
    if wanted.person:
        person_of(db, wanted.person)
    return _written(clock, wanted, order.by)


def correct(db: Database, clock: Clock, order: Order) -> Deed:
    """Put a fact right: the newer one is about the same person or organisation, of the same kind."""
    number, _, text = order.argument.partition(" ")
    old = standing(db, number)
    about = {"person": old.person_id, "organisation": old.organisation}
    values = {
        "text": text,
        "kind": old.kind,
        "category": old.category,
        "valid_from": old.valid_from,
        "valid_to": old.valid_to,
    }
    try:
        wanted = Written.model_validate({**values, **about, "replaces": old.id})
    except ValidationError as error:
        raise OrderRefused(_words(error)) from None
    return _written(clock, wanted, order.by)


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


def _written(clock: Clock, wanted: Written, by: str) -> Deed:
    now = clock()
    fact = Fact(
        person_id=wanted.person,
        organisation=wanted.organisation,
        kind=wanted.kind,
        category=wanted.category,
        text=wanted.text,
        author=Author.REVIEWER,
        by=by,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        recorded_at=now,
    )
    made = passage(wanted.text, Voice("", now, "", likely_language(wanted.text)), now)
    made.person_id, made.organisation = wanted.person, wanted.organisation

    def deed(session: Session) -> str:
        facts.remember(session, Memory([Entry(fact, made, wanted.replaces)]), None, now)
        return f"fact {fact.id} is written down, about {_about(session, fact)}"

    return deed


def _about(session: Session, fact: Fact) -> str:
    """Say about whom; of an organisation, how many they are, for a domain is soon misspelt."""
    if fact.organisation:
        return f"{fact.organisation} (people known to be of it: {people.count_of(session, fact.organisation)})"
    return f"person {fact.person_id}" if fact.person_id else "everyone"


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'fact'}: {first['msg']}"
    return "the order is not readable"
