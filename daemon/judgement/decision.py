"""The employee's decision of one message, as the tool ``decide`` takes it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MOST_ACTIONS = 8
LONGEST_BODY = 20_000
LONGEST_NOTE = 2_000
MOST_PROMISES = 5
LONGEST_PROMISE = 200  # characters
LONGEST_ISSUE = 80


class Priority(StrEnum):
    """How soon a person would want this handled."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, given: object) -> object:
        """Take NULs out: not every database can store one, and the log must say what was decided."""
        if not isinstance(given, dict):
            return given
        return {key: value.replace("\0", "") if isinstance(value, str) else value for key, value in given.items()}


class DraftReply(_Strict):
    """Prepare a reply to the sender of this mail; a person sends it."""

    kind: Literal["draft"]
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_BODY, description="The reply's plain text.")]


class Reply(_Strict):
    """Answer the sender of this mail; whether a person must see it first, the config says."""

    kind: Literal["reply"]
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_BODY, description="The reply's plain text.")]


class Forward(_Strict):
    """Send the mail on, as it came, to one of those whom the config names."""

    kind: Literal["forward"]
    to: Annotated[str, Field(min_length=1, max_length=200)]
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] = ""


class Close(_Strict):
    """Nothing more is to be done in this case, whatever is still open in it."""

    kind: Literal["close"]


class Move(_Strict):
    """Move the mail to one of the configured folders."""

    kind: Literal["move"]
    folder: Annotated[str, Field(min_length=1, max_length=200)]


class Flag(_Strict):
    """Mark the mail so that it stands out in the mailbox."""

    kind: Literal["flag"]


class Escalate(_Strict):
    """Ask a person to take over, with the question that they must answer."""

    kind: Literal["escalate"]
    question: Annotated[str, Field(min_length=1, max_length=2000)]


class NoAction(_Strict):
    """Nothing needs to be done."""

    kind: Literal["none"]


ProposedAction = DraftReply | Reply | Forward | Move | Flag | Escalate | Close | NoAction
ANSWERS = (DraftReply, Reply)


class Promised(_Strict):
    """Something promised with a date: by us in the reply, or by the sender in the mail."""

    by: Literal["us", "them"]
    what: Annotated[str, Field(min_length=1, max_length=LONGEST_PROMISE)]
    due: date


class Settled(_Strict):
    """What became of an open promise of the case."""

    promise: int
    how: Literal["kept", "dropped"]


class Decision(_Strict):
    """What to make of the mail at hand."""

    category: Annotated[str, Field(min_length=1, max_length=60)]
    priority: Priority
    summary: Annotated[str, Field(min_length=1, max_length=500, description="One sentence: what the mail is about.")]
    reason: Annotated[str, Field(min_length=1, max_length=2000, description="Why you decided so.")]
    confidence: Annotated[float, Field(ge=0, le=1)]
    amount: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    actions: Annotated[
        tuple[Annotated[ProposedAction, Field(discriminator="kind")], ...], Field(min_length=1, max_length=MOST_ACTIONS)
    ]
    promises: Annotated[tuple[Promised, ...], Field(max_length=MOST_PROMISES)] = ()
    settled: tuple[Settled, ...] = ()
    issue: int | None = None
    propose_issue: Annotated[str, Field(max_length=LONGEST_ISSUE)] = ""

    @field_validator("propose_issue")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if not name.isprintable():
            message = "must be one line of text"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _kinds_agree(self) -> Self:
        kinds = [action.kind for action in self.actions]
        if "none" in kinds and len(kinds) > 1:
            message = "the action 'none' stands alone, without other actions"
            raise ValueError(message)
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        if twice:
            message = f"each kind of action at most once; given more than once: {', '.join(twice)}"
            raise ValueError(message)
        if {"draft", "reply"} <= set(kinds):
            message = "either draft or reply, not both"
            raise ValueError(message)
        return self

    @property
    def answers(self) -> list[str]:
        """The texts that it would answer with."""
        return [action.body for action in self.actions if isinstance(action, ANSWERS)]


@dataclass(frozen=True)
class Latitude:
    """What a decision may name: categories, folders, and those to whom mail may be forwarded.

    ``replies`` says that an answer may leave without a person's having sent it.
    """

    categories: tuple[str, ...]
    folders: tuple[str, ...] = ()
    addressees: tuple[str, ...] = ()
    replies: bool = False


def outside_bounds(decision: Decision, latitude: Latitude) -> str | None:
    """Say what in the decision the configuration does not know, or None where all is known."""
    if decision.category not in latitude.categories:
        return f"category {decision.category!r} is not known; choose one of: {', '.join(latitude.categories)}"
    for action in decision.actions:
        if isinstance(action, Move) and action.folder not in latitude.folders:
            known = ", ".join(latitude.folders) or "none is configured, so do not move"
            return f"folder {action.folder!r} is not allowed; allowed: {known}"
        if isinstance(action, Forward) and action.to not in latitude.addressees:
            known = ", ".join(latitude.addressees) or "nobody is configured, so do not forward"
            return f"nobody called {action.to!r} is known; known: {known}"
    return None
