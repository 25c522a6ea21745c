"""What a person's last word on an action may teach: a draft of a lesson."""

from dataclasses import dataclass

from daemon.judgement import lessons
from daemon.mail.compose import body_of
from daemon.steps.approval_orders import Verdict
from knowledge import actions, approvals, corrections, decisions
from knowledge.database import Database
from knowledge.tables import Action, Approval

OF_CORRECTION = "correction"


@dataclass(frozen=True)
class Draft:
    """A draft of a lesson, the category of the mail that it was learnt of, and whether the action was answered."""

    text: str = ""
    category: str = ""
    answered: bool = False


def draft(db: Database, number: int, signature: str, of: str) -> Draft:
    """Draft what was last said of an action, or of its message's decision; an empty draft where it teaches nothing."""
    action = actions.get(db, number)
    if action is None:
        return Draft(answered=True)
    entry = decisions.of_message(db, action.message_id)
    category = entry.decision.category if entry and entry.decision else ""
    given = approvals.of_action(db, number)
    if of == OF_CORRECTION:
        return Draft(_of_correction(db, action), category, answered=bool(given))
    text = _of_answer(db, action, given[-1], category, signature) if given else ""
    return Draft(text, category, answered=True)


def _of_answer(db: Database, action: Action, given: Approval, category: str, signature: str) -> str:
    if given.verdict == Verdict.REJECTED:
        return lessons.of_rejection(category, given.why)
    version = actions.get(db, given.version) if given.version else None
    if version is None:
        return ""
    return lessons.of_edit(category, body_of(action.content, signature), body_of(version.content, signature))


def _of_correction(db: Database, action: Action) -> str:
    said = corrections.of_message(db, action.message_id)
    return lessons.of_correction(said[-1].field, said[-1].was, said[-1].should, said[-1].why) if said else ""
