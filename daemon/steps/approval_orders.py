"""Orders about an action that waits: approve it, reject it, or have another version take its place.

An approval is bound to the digest that the person saw: of the exact bytes and recipients. It counts once, because the
action waits but once; whoever comes second is told so. Who gave it, when and from where is written down and chained.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.fields import without_nul
from daemon.judgement.decision import LONGEST_BODY
from daemon.judgement.handoffs import INSTEAD, HandoffState
from daemon.judgement.policy import ANSWERS, EDITED, Kind
from daemon.judgement.states import ActionState, Event, MessageState
from daemon.mail.compose import own_message_id, revised
from daemon.steps.moves import move
from daemon.steps.numbers import Deed
from daemon.steps.report import ending
from daemon.steps.unsay import instead, void_of
from knowledge import actions, approvals, handoffs
from knowledge.approvals import Word
from knowledge.database import Database
from knowledge.handoffs import Ending
from knowledge.seal import digest
from knowledge.tables import Action, Order
from knowledge.turns import Step
from knowledge.unsaid import say_instead, take_back

NOBODY, CLOCK = "nobody", "clock"
UNANSWERED, REJECTED = "nobody said a word on it in time", "it was rejected"
NOT_SENT = "our letter had to be approved, and {}"


class Verdict(StrEnum):
    """What was said of an action."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Said(BaseModel):
    """The argument of such an order: of which action, as it was seen, who says it, from where, and what."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    action: int
    digest: str
    by: str
    place: str
    why: Annotated[str, Field(max_length=2000), AfterValidator(without_nul)] = ""
    body: Annotated[str, Field(max_length=LONGEST_BODY), AfterValidator(without_nul)] = ""
    signature: str = ""


def approve(db: Database, clock: Clock, argument: str) -> Deed:
    """Let the action be done."""
    return _deed(db, clock, argument, Verdict.APPROVED, ActionState.PLANNED, "is approved")


def reject(db: Database, clock: Clock, argument: str) -> Deed:
    """Let the action never be done."""
    return _deed(db, clock, argument, Verdict.REJECTED, ActionState.REJECTED, "is rejected")


def edit(db: Database, clock: Clock, argument: str) -> Deed:
    """Let a new version with this text be done in the action's place: whoever saves it approves it."""
    said = _said(argument)
    action = _seen(db, said)
    if Kind(action.kind) not in ANSWERS:
        message = f"action {action.id} is a {action.kind}: only the text of an answer can be edited"
        raise OrderRefused(message)
    if not said.body.strip():
        message = "an answer without a word in it is not sent; reject it instead"
        raise OrderRefused(message)

    def deed(session: Session) -> str:
        now = clock()
        word = Word(Verdict.EDITED, ActionState.CANCELLED, said.by, said.place, said.why or "another version")
        approval = approvals.say(session, action, word, onward(), now)
        new = approvals.put_in_place(session, _version(action, said, now), approval)
        approvals.link(session, approval, now)
        say_instead(session, action.message_id, instead(said.body, now))
        return f"action {action.id} is edited; action {new.id} takes its place"

    return deed


def call_off(
    session: Session, order: Order, waiting: Sequence[Action], why: str, step: Step | None, now: datetime
) -> None:
    """Reject what waits of something that a person has dealt with; the handoffs of letters end without a report.

    Part of the transaction that carries the person's order out.
    """
    letters = [action.id or 0 for action in waiting if action.kind == Kind.LETTER]
    handoffs.cancel_of_letters(session, letters, [HandoffState.OPEN], HandoffState.CANCELLED, now)
    for action in waiting:
        _take_back(session, action, why, now)
        word = Word(Verdict.REJECTED, ActionState.REJECTED, order.by, order.place, why)
        approvals.link(session, approvals.say(session, action, word, step, now), now)


def expire(db: Database, before: datetime, now: datetime) -> list[Action]:
    """End what has waited since before then; give it back."""
    late = [item.action for item in approvals.waiting(db, ActionState.WAITING) if item.action.updated_at < before]
    word = Word(Verdict.EXPIRED, ActionState.EXPIRED, NOBODY, CLOCK, UNANSWERED)
    for action in late:
        ended = _unsent(db, action, UNANSWERED, now)
        with db.write() as session:
            _end(session, ended, now)
            _take_back(session, action, UNANSWERED, now)
            held = move(MessageState.WAITING, Event.HOLD, f"{action.kind}: {UNANSWERED}")
            approvals.link(session, approvals.say(session, action, word, held, now), now)
    return late


def expiry(now: datetime, days: float) -> datetime:
    """Say since when something must have waited to end now."""
    return now - timedelta(days=days)


def _deed(db: Database, clock: Clock, argument: str, verdict: Verdict, target: ActionState, outcome: str) -> Deed:
    said = _said(argument)
    action = _seen(db, said)
    ended = _unsent(db, action, REJECTED, clock()) if verdict is Verdict.REJECTED else None

    def deed(session: Session) -> str:
        now = clock()
        _end(session, ended, now)
        if verdict is Verdict.APPROVED and action.kind == Kind.LETTER:
            handoffs.put_off(session, action.id or 0, now - action.created_at)  # they are asked from now on
        if verdict is Verdict.REJECTED:
            _take_back(session, action, REJECTED, now)
        word = Word(verdict, target, said.by, said.place, said.why)
        approvals.link(session, approvals.say(session, action, word, onward(), now), now)
        return f"action {action.id} {outcome}"

    return deed


def _unsent(db: Database, action: Action, why: str, now: datetime) -> Ending | None:
    """Say how the handoff of a letter ends that nobody let go, where it is open; the employee is told so."""
    found = handoffs.of_action(db, action.id or 0) if action.kind == Kind.LETTER else None
    if found is None or found[0].state != HandoffState.OPEN:
        return None
    handoff, handed = found
    return ending(handoff, handed, HandoffState.UNSENT, INSTEAD.format(handoff.specialist, NOT_SENT.format(why)), now)


def _take_back(session: Session, action: Action, why: str, now: datetime) -> None:
    if void := void_of(action, why, now):
        take_back(session, void)


def _end(session: Session, ended: Ending | None, now: datetime) -> None:
    if ended:
        handoffs.end(session, ended, now)


def onward() -> Step:
    """Give the step of a message none of whose actions waits any more."""
    return move(MessageState.WAITING, Event.ANSWER)


def _said(argument: str) -> Said:
    try:
        return Said.model_validate_json(argument)
    except ValidationError:
        message = "the order cannot be read"
        raise OrderRefused(message) from None


def _seen(db: Database, said: Said) -> Action:
    """Give the action as the person saw it; raise OrderRefused where there is none, or it is another by now."""
    action = actions.get(db, said.action)
    if action is None:
        message = f"there is no action {said.action}; `clerkd review list` shows the numbers"
        raise OrderRefused(message)
    if action.state != ActionState.WAITING:
        message = f"action {action.id} does not wait for anybody: it is {action.state}"
        raise OrderRefused(message)
    if action.digest != said.digest:
        message = f"action {action.id} is not what you saw; look at it again"
        raise OrderRefused(message)
    return action


def _version(action: Action, said: Said, now: datetime) -> Action:
    """Make the new version, with a Message-ID of its own."""
    own_id = own_message_id(uuid.uuid4().hex, action.own_message_id.rpartition("@")[2].rstrip(">"))
    content = revised(action.content, said.body, said.signature, own_id, now)
    recipients = tuple(action.recipients)
    return Action(
        message_id=action.message_id,
        decision_id=action.decision_id,
        ordinal=action.ordinal,
        kind=action.kind,
        target=action.target,
        content=content,
        recipients=list(recipients),
        own_message_id=own_id,
        digest=digest(content, recipients, action.kind, action.target),
        rule=f"{EDITED} {said.by}",
        state=ActionState.PLANNED,
        created_at=now,
        updated_at=now,
    )
