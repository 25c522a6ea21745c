"""The states of a message, its turns, actions, sessions and orders; a message's moves stand in one table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class MessageState(StrEnum):
    """How far a message is. RECEIVED: its bytes are kept; SCREENED: it was read, and is to be put to the model.

    WAITING: it is decided, and an action of it waits for a person's approval.
    """

    RECEIVED = "received"
    SCREENED = "screened"
    ASKING = "asking"
    DECIDED = "decided"
    WAITING = "waiting"
    DONE = "done"
    ESCALATED = "escalated"
    HELD = "held"
    FAILED = "failed"


class Event(StrEnum):
    """What can happen to a message."""

    SCREEN = "screen"
    ASK = "ask"
    DROP = "drop"
    DECIDE = "decide"
    FILE = "file"
    SETTLE = "settle"
    WAIT = "wait"
    ANSWER = "answer"
    ESCALATE = "escalate"
    HOLD = "hold"
    FAIL = "fail"
    REQUEUE = "requeue"
    RESUME = "resume"
    CLOSE = "close"
    ROLL_BACK = "roll back"


class TurnState(StrEnum):
    """How a turn ended; LOST is a settled turn that a power loss took out of the transcript, ROLLED_BACK a person."""

    OPEN = "open"
    SETTLED = "settled"
    DROPPED = "dropped"
    LOST = "lost"
    ROLLED_BACK = "rolled back"


class ActionState(StrEnum):
    """How far an action is. UNCERTAIN has been looked for once and not found, and is looked for again.

    WAITING is a person's to approve; REJECTED or EXPIRED is what it becomes otherwise. SUBMITTED has left for good, and
    only its copy is still to be put where sent mail lies.
    """

    WAITING = "waiting"
    PLANNED = "planned"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SUBMITTED = "submitted"
    SENT = "sent"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"
    HELD = "held"
    CANCELLED = "cancelled"


class SessionState(StrEnum):
    """A session is live until a successor takes its place."""

    LIVE = "live"
    ENDED = "ended"


class UpkeepKind(StrEnum):
    """What is done to keep a session within its bounds."""

    COMPACT = "compact"
    ROTATE = "rotate"


class UpkeepState(StrEnum):
    """How an upkeep ended."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class OrderState(StrEnum):
    """What became of a command's order."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


MOVES: Mapping[tuple[MessageState, Event], MessageState] = MappingProxyType(
    {
        (MessageState.RECEIVED, Event.SCREEN): MessageState.SCREENED,
        (MessageState.RECEIVED, Event.FILE): MessageState.DECIDED,
        (MessageState.RECEIVED, Event.HOLD): MessageState.HELD,
        (MessageState.SCREENED, Event.ASK): MessageState.ASKING,
        (MessageState.SCREENED, Event.FILE): MessageState.DECIDED,
        (MessageState.SCREENED, Event.HOLD): MessageState.HELD,
        (MessageState.ASKING, Event.DECIDE): MessageState.DECIDED,
        (MessageState.ASKING, Event.DROP): MessageState.SCREENED,
        (MessageState.ASKING, Event.HOLD): MessageState.HELD,
        (MessageState.ASKING, Event.FAIL): MessageState.FAILED,
        (MessageState.DECIDED, Event.SETTLE): MessageState.DONE,
        (MessageState.DECIDED, Event.ESCALATE): MessageState.ESCALATED,
        (MessageState.DECIDED, Event.HOLD): MessageState.HELD,
        (MessageState.DECIDED, Event.WAIT): MessageState.WAITING,
        (MessageState.WAITING, Event.ANSWER): MessageState.DECIDED,
        (MessageState.WAITING, Event.HOLD): MessageState.HELD,
        (MessageState.WAITING, Event.CLOSE): MessageState.DONE,
        (MessageState.HELD, Event.REQUEUE): MessageState.RECEIVED,
        (MessageState.FAILED, Event.REQUEUE): MessageState.RECEIVED,
        (MessageState.HELD, Event.RESUME): MessageState.DECIDED,
        (MessageState.HELD, Event.CLOSE): MessageState.DONE,
        (MessageState.FAILED, Event.CLOSE): MessageState.DONE,
        (MessageState.ESCALATED, Event.CLOSE): MessageState.DONE,
        (MessageState.DECIDED, Event.ROLL_BACK): MessageState.HELD,
        (MessageState.DONE, Event.ROLL_BACK): MessageState.HELD,
        (MessageState.ESCALATED, Event.ROLL_BACK): MessageState.HELD,
        (MessageState.HELD, Event.ROLL_BACK): MessageState.HELD,
        (MessageState.WAITING, Event.ROLL_BACK): MessageState.HELD,
    }
)

UNFINISHED = (MessageState.RECEIVED, MessageState.SCREENED, MessageState.ASKING, MessageState.DECIDED)
NEEDS_A_PERSON = (MessageState.HELD, MessageState.FAILED, MessageState.ESCALATED, MessageState.WAITING)
ACTION_DUE = (ActionState.PLANNED, ActionState.SENDING, ActionState.UNCERTAIN, ActionState.SUBMITTED)
WENT_OUT = (ActionState.SUBMITTED, ActionState.SENT)
# Of a mail: it may have left, or has.
ON_ITS_WAY = (ActionState.SENDING, ActionState.UNCERTAIN, *WENT_OUT)


class IllegalMoveError(ValueError):
    """An event that cannot happen to a message in its state."""


def after(state: MessageState, event: Event) -> MessageState:
    """Give the state that follows; raise IllegalMoveError where the table has none."""
    try:
        return MOVES[state, event]
    except KeyError:
        message = f"a message that is {state} cannot {event}"
        raise IllegalMoveError(message) from None
