"""Who is at the keys, and where: for what is written down of a person's word."""

import getpass
import os
from dataclasses import dataclass

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
        return cls(
            os.environ.get("SUDO_USER") or getpass.getuser(), f"terminal from {origin}" if origin else "terminal"
        )

    def said(self, item: Item, why: str = "", body: str = "", signature: str = "") -> str:
        """Write down what is said of an item, as it was seen."""
        action = item.action
        return Said(
            action=action.id or 0,
            digest=action.digest,
            by=self.by,
            place=self.place,
            why=why,
            body=body,
            signature=signature,
        ).model_dump_json()

    def corrected(self, message: int, field: str, should: str, why: str) -> str:
        """Write down how a decision should have been."""
        given = {"message": message, "field": field, "should": should, "by": self.by, "place": self.place, "why": why}
        return Corrected.model_validate(given).model_dump_json()
