"""Who is at the keys, and where: for what is written down of a person's word."""

import os
import pwd
from dataclasses import dataclass

from pydantic import ValidationError

from daemon.errors import FatalError
from daemon.steps.approval_orders import Said
from daemon.steps.correction_orders import Corrected
from knowledge.approvals import Item


@dataclass(frozen=True)
class Reviewer:
    """Who is at the keys, and where."""

    by: str
    place: str

    @classmethod
    def here(cls) -> "Reviewer":
        """Tell by the system: whoever came here with sudo is meant, not root."""
        origin = os.environ.get("SSH_CLIENT", "").partition(" ")[0]
        return cls(_name(), f"terminal from {origin}" if origin else "terminal")

    def said(self, item: Item, why: str = "", body: str = "", signature: str = "") -> str:
        """Write down what is said of an item, as it was seen."""
        action = item.action
        given = {"action": action.id, "digest": action.digest, "by": self.by, "place": self.place}
        try:
            said = Said.model_validate({**given, "why": why, "body": body, "signature": signature})
        except ValidationError as error:
            message = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
            raise FatalError(message) from None
        return said.model_dump_json()

    def corrected(self, message: int, field: str, should: str, why: str) -> str:
        """Write down how a decision should have been."""
        given = {"message": message, "field": field, "should": should, "by": self.by, "place": self.place, "why": why}
        return Corrected.model_validate(given).model_dump_json()


def _name() -> str:
    """Ask the system who this is, not the environment, which says what anybody put there."""
    number = os.getuid()
    if number == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        number = int(os.environ["SUDO_UID"])
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
