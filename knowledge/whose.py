"""Whose it is what is remembered: a person's, an organisation's, or everyone's."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import col

from knowledge.tables import Fact, Passage


@dataclass(frozen=True)
class Whose:
    """A person by their number, or an organisation by its domain; neither is everyone."""

    person_id: int | None = None
    organisation: str | None = None

    def __post_init__(self) -> None:
        """Refuse both: it would be told to the one or to the others, and nobody could say to whom."""
        if self.person_id is not None and self.organisation is not None:
            message = "what is remembered is a person's or an organisation's, not both"
            raise ValueError(message)

    def __str__(self) -> str:
        """Name the owner as a word of the index does."""
        if self.organisation is not None:
            return f"o{self.organisation}"
        return "everyone" if self.person_id is None else f"p{self.person_id}"


EVERYONE = Whose()


def owner(row: Fact | Passage) -> Whose:
    """Say whose a row is."""
    return Whose(row.person_id, row.organisation)


def belongs(table: type[Fact] | type[Passage], whose: Whose) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Give the conditions of a query for the rows of one owner alone."""
    return col(table.person_id) == whose.person_id, col(table.organisation) == whose.organisation


def conditions(whose: Whose) -> str:
    """Write the same for a statement's text, with ``values`` as its parameters: an index is used for either form."""
    person = "IS NULL" if whose.person_id is None else "= :person"
    organisation = "IS NULL" if whose.organisation is None else "= :organisation"
    return f"person_id {person} AND organisation {organisation}"


def values(whose: Whose) -> dict[str, int | str]:
    """Give the parameters of ``conditions``."""
    given = {"person": whose.person_id, "organisation": whose.organisation}
    return {name: value for name, value in given.items() if value is not None}
