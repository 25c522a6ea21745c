"""Orders about a decision that should have been otherwise: it stands as it was, and what was said of it is kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.fields import without_nul
from daemon.steps.message_orders import message_of
from daemon.steps.numbers import Deed
from knowledge import corrections, decisions
from knowledge.database import Database
from knowledge.tables import Correction


class Corrected(BaseModel):
    """The argument of such an order: of which message, what, who says it, from where, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    message: int
    field: Literal["category", "priority", "specialist"]
    should: Annotated[str, Field(min_length=1, max_length=200)]
    by: str
    place: str
    why: Annotated[str, Field(max_length=2000), AfterValidator(without_nul)] = ""


def correct(db: Database, clock: Clock, argument: str) -> Deed:
    """Write down how a decision should have been."""
    try:
        said = Corrected.model_validate_json(argument)
    except ValidationError:
        message = "the order cannot be read"
        raise OrderRefused(message) from None
    row = message_of(db, str(said.message))
    entry = decisions.of_message(db, row.id or 0)
    decision = entry.decision if entry else None
    if decision is None:
        message = f"message {said.message} has no decision that stands; `clerkd log show {said.message}` tells its way"
        raise OrderRefused(message)
    was = {"category": decision.category, "priority": decision.priority}.get(said.field, "nobody")
    if was == said.should:
        message = f"the {said.field} of message {said.message} is {was} already"
        raise OrderRefused(message)

    def deed(session: Session) -> str:
        given = Correction(
            decision_id=decision.id or 0,
            field=said.field,
            was=was,
            should=said.should,
            by=said.by,
            place=said.place,
            why=said.why,
            given_at=clock(),
        )
        corrections.add(session, given)
        return f"message {said.message}: {said.field} should have been {said.should}, not {was}"

    return deed
