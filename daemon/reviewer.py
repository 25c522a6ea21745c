"""A person's word as an order takes it: who says it, from where, of what, and what it may teach."""

import json
from dataclasses import dataclass

from pydantic import ValidationError

from daemon.errors import FatalError
from daemon.judgement.decision import Priority
from daemon.judgement.facts import FactKind
from daemon.settings import Settings, specialists_of
from daemon.steps.approval_orders import Said
from daemon.steps.correction_orders import Corrected

NOBODY = "nobody"


@dataclass(frozen=True)
class Reviewer:
    """Who says it, and from where."""

    by: str
    place: str

    def said(self, action: int, digest: str, why: str = "", body: str = "", signature: str = "") -> str:
        """Write down what is said of an action, as it was seen; raise FatalError where it is too long."""
        given = {"action": action, "digest": digest, "by": self.by, "place": self.place}
        try:
            said = Said.model_validate({**given, "why": why, "body": body, "signature": signature})
        except ValidationError as error:
            raise FatalError(_words(error)) from None
        return said.model_dump_json()

    def corrected(self, message: int, field: str, should: str, why: str) -> str:
        """Write down how a decision should have been; raise FatalError where it is too long."""
        given = {"message": message, "field": field, "should": should, "by": self.by, "place": self.place, "why": why}
        try:
            return Corrected.model_validate(given).model_dump_json()
        except ValidationError as error:
            raise FatalError(_words(error)) from None


def choices(settings: Settings) -> dict[str, list[str]]:
    """Say what of a decision can be corrected, and what it can be corrected to."""
    known = {"category": list(settings.employee.categories), "priority": list(map(str, Priority))}
    specialists = [each.name for each in specialists_of(settings)]
    return {**known, "specialist": [*specialists, NOBODY]} if specialists else known


def lesson(text: str, category: str) -> str:
    """Write a lesson down as the order takes it, with the category of the mails that it was learnt of."""
    return json.dumps({"text": " ".join(text.split()), "kind": FactKind.LESSON, "category": category})


def _words(error: ValidationError) -> str:
    return "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
