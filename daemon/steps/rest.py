"""Rest: a person has the employee pause; mail is still taken in and kept, and nothing is decided or done meanwhile."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.house import EMPLOYEE
from daemon.steps.numbers import Deed
from knowledge import service
from knowledge.database import Database
from knowledge.tables import Condition

AT_WORK = "the employee is at work"


class Wish(BaseModel):
    """The argument of such an order: who wants it, and until when; without an end, until somebody says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: str
    until: datetime | None = None


def rests(db: Database, clock: Clock) -> bool:
    """Say whether the employee pauses."""
    row = service.condition(db, EMPLOYEE)
    return bool(row and row.paused and (row.retry_at is None or clock() < row.retry_at))


def pause(_db: Database, clock: Clock, argument: str) -> Deed:
    """Have the employee pause from now on; it outlasts a restart."""
    try:
        wish = Wish.model_validate_json(argument)
    except ValidationError:
        message = "the order cannot be read"
        raise OrderRefused(message) from None

    def deed(session: Session) -> str:
        now = clock()
        reason = f"{wish.by} wants it so; `clerkd resume` ends it"
        session.merge(
            Condition(
                part=EMPLOYEE, paused=True, kind="person", reason=reason, since=now, set_at=now, retry_at=wish.until
            )
        )
        return f"the employee pauses until {wish.until:%Y-%m-%d %H:%M} (UTC)" if wish.until else "the employee pauses"

    return deed


def resume(_db: Database, clock: Clock, _argument: str) -> Deed:
    """Have the employee go on."""

    def deed(session: Session) -> str:
        session.merge(Condition(part=EMPLOYEE, since=clock(), set_at=clock()))
        return AT_WORK

    return deed
