"""The tables of what was decided, what leaves because of it, and what people said of it."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field, where


class Decision(SQLModel, table=True):
    """What the employee concluded of one message, or which rule filed it without the model.

    One that was rolled back is withdrawn: it stays in the table, and the message may get another.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("one_decision", "message_id", unique=True, **where("withdrawn_at IS NULL")),
        Index("ix_decisions_message_id", "message_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id")
    turn_id: int | None = Field(default=None, foreign_key="turns.id")
    rule: str = ""
    category: str = Field(index=True)
    priority: str
    summary: str
    reason: str
    confidence: float
    decided_at: datetime = time_field(index=True)
    withdrawn_at: datetime | None = optional_time()


class Action(SQLModel, table=True):
    """One outward effect, frozen when it was decided. ``digest`` is the hash of the exact bytes and recipients.

    ``findings`` are the walls that its text ran into, each with the passage. ``may_have_left`` is a mail that was cut
    off while it was handed over, and that lies nowhere since: it counts as one that left, whatever its state.
    """

    __tablename__ = "actions"
    __table_args__ = (Index("ix_actions_kind", "kind", "updated_at"),)
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    decision_id: int | None = Field(default=None, foreign_key="decisions.id", index=True)
    ordinal: int
    kind: str
    target: str = ""
    content: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    recipients: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    own_message_id: str = Field(default="", index=True)
    digest: str
    rule: str
    findings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: str = Field(index=True)
    reason: str = ""
    may_have_left: bool = False
    tries: int = 0
    due_at: datetime | None = optional_time()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Approval(SQLModel, table=True):
    """A person's word on an action that waited: it was approved, rejected or edited, or nobody said a word in time.

    ``digest`` is the hash of the bytes and recipients that the person saw. Of an edited one, ``version`` is the action
    that took its place. ``by`` says who, ``place`` from where, ``why`` in their words.
    """

    __tablename__ = "approvals"
    id: int | None = Field(default=None, primary_key=True)
    action_id: int = Field(foreign_key="actions.id", index=True)
    digest: str
    verdict: str = Field(index=True)
    by: str
    place: str
    why: str = ""
    version: int | None = Field(default=None, foreign_key="actions.id")
    given_at: datetime = time_field(index=True)


class Notice(SQLModel, table=True):
    """A mail of ours to the supervisor, frozen when it is planned: the digest of a day, or an escalation told at once.

    ``about`` is the day, or the number of the message: of each there is one at most. ``through`` is the newest message
    that a digest has counted: the next one counts from there on, whenever its mails came in.
    """

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("kind", "about"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    about: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    recipients: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    through: int = 0
    state: str = Field(index=True)
    reason: str = ""
    tries: int = 0
    due_at: datetime | None = optional_time()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Correction(SQLModel, table=True):
    """A person's word on a decision: this ``field`` should have been otherwise. The decision stands as it was."""

    __tablename__ = "corrections"
    id: int | None = Field(default=None, primary_key=True)
    decision_id: int = Field(foreign_key="decisions.id", index=True)
    field: str
    was: str
    should: str
    by: str
    place: str
    why: str = ""
    given_at: datetime = time_field()


class Feedback(SQLModel, table=True):
    """What became of an action later: a person edited, sent or deleted a draft, or our mail bounced.

    ``detail`` is the difference to what was drafted, or what the bounce says.
    """

    __tablename__ = "feedback"
    id: int | None = Field(default=None, primary_key=True)
    action_id: int = Field(foreign_key="actions.id", index=True)
    kind: str
    detail: str = ""
    noted_at: datetime = time_field()
