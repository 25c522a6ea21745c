"""What may be remembered of a person: on what it rests, and beside what it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from daemon.judgement.quoting import quoted
from daemon.judgement.words import terms

MOST_FACTS = 5  # a turn
LONGEST_FACT, LONGEST_QUOTE, SHORTEST_QUOTE = 300, 500, 8  # characters
NEAR = 0.3  # the share of their stems that two facts have in common (Jaccard), from which on they are set side by side
MOST_NEAR = 3


class FactKind(StrEnum):
    """What a fact is about. LESSON: what a reviewer taught; no mail can make one."""

    PREFERENCE = "preference"
    COMMITMENT = "commitment"
    IDENTITY = "identity"
    CIRCUMSTANCE = "circumstance"
    LESSON = "lesson"


class Author(StrEnum):
    """Who put a fact down: the employee, from a mail; or a person, whose word no mail can change."""

    EMPLOYEE = "employee"
    REVIEWER = "reviewer"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class _Dated(_Strict):
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _ends_behind_its_beginning(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            message = "valid_to must not be before valid_from"
            raise ValueError(message)
        return self


class Remember(_Dated):
    """A fact about the sender, with the words of the mail that it rests on.

    ``relation`` says how it stands to ``fact``, an existing one: new beside it, in its place, or the same.
    """

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_FACT)]
    kind: Literal["preference", "commitment", "identity", "circumstance"]
    quote: Annotated[str, Field(min_length=SHORTEST_QUOTE, max_length=LONGEST_QUOTE)]
    relation: Literal["add", "supersede", "same"] | None = None
    fact: int | None = None

    @model_validator(mode="after")
    def _names_the_other(self) -> Self:
        if self.relation in ("supersede", "same") and self.fact is None:
            message = f"relation {self.relation!r} needs the number of the fact"
            raise ValueError(message)
        return self


class Correct(_Dated):
    """What the mail says against a fact about its sender: it is put right by ``text``, or is true no longer."""

    fact: int
    quote: Annotated[str, Field(min_length=SHORTEST_QUOTE, max_length=LONGEST_QUOTE)]
    text: Annotated[str, Field(max_length=LONGEST_FACT)] = ""


@dataclass(frozen=True)
class Sheet:
    """What a turn may remember: the sender's own words, and the facts that stand about them, by their numbers.

    ``refusal`` says why nothing can be remembered at all, where that is so.
    """

    said: str = ""
    standing: Mapping[int, str] = field(default_factory=dict)
    language: str = ""
    refusal: str = ""


def objection(sheet: Sheet, quote: str, fact: int | None, closed: frozenset[int], count: int) -> str | None:
    """Say why it cannot be remembered, or None.

    ``closed`` are the facts that this turn has closed already, ``count`` how much it has remembered.
    """
    if sheet.refusal:
        return sheet.refusal
    if _plain(quote) not in _plain(sheet.said):
        return "the quote does not stand in the mail at hand; copy its very words"
    if fact is not None and fact not in sheet.standing:
        return f"{fact} is no fact about this sender"
    if fact in closed:
        return f"fact {fact} was spoken of in this turn already"
    return f"at most {MOST_FACTS} facts a turn" if count >= MOST_FACTS else None


def nearest(text: str, sheet: Sheet) -> Sequence[int]:
    """Give the facts that say much the same, the nearest first."""
    wanted = frozenset(terms(text, sheet.language))
    near = {number: _alike(wanted, frozenset(terms(said, sheet.language))) for number, said in sheet.standing.items()}
    close = [number for number, share in near.items() if share >= NEAR]
    return sorted(close, key=lambda number: (-near[number], number))[:MOST_NEAR]


def fact_line(number: int, text: str) -> str:
    """Show a fact in one line, whatever its words hold."""
    return f"[fact {number}] {quoted(text)}"


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()
