"""The tables of what is put to the model: sessions, turns, handoffs, upkeep, replays."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field, where


class AgentSession(SQLModel, table=True):
    """One conversation with the model. ``head_uuid`` and ``head_offset`` alone say where it stands.

    ``context_tokens`` is what the model read and wrote in its last call up to there; ``reclaimed`` the share of it that
    the newest compaction freed, if there was one since the session began; ``handover`` what its first prompt tells of
    what went before; ``mirrored_offset`` how far the session store has its transcript.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("one_live_session", "state", unique=True, **where("state = 'live'")),)
    id: str = Field(primary_key=True)
    state: str
    generation: int
    model: str
    orders_digest: str
    head_uuid: str | None = None
    head_offset: int = 0
    context_tokens: int = 0
    reclaimed: float | None = None
    handover: str = ""
    mirrored_offset: int = 0
    predecessor: str | None = None
    created_at: datetime = time_field()
    ended_at: datetime | None = optional_time()
    end_reason: str = ""


class Turn(SQLModel, table=True):
    """One message put to the session: committed before the prompt is sent, closed when it settles or is dropped."""

    __tablename__ = "turns"
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    session_id: str = Field(foreign_key="sessions.id", index=True)
    generation: int
    attempt: int
    prompt_uuid: str = Field(unique=True)
    prompt: str
    state: str = Field(index=True)
    model: str
    reserved_usd: float
    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    tools: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    notes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    head_uuid: str | None = None
    head_offset: int | None = None
    context_tokens: int = 0
    started_at: datetime = time_field(index=True)
    ended_at: datetime | None = optional_time()
    seconds: float | None = None
    failure: str = ""


class Handoff(SQLModel, table=True):
    """One handing over of a case to a specialist, in a turn: ``brief`` is what was asked, ``report`` what came back.

    Where no report came, ``report`` says why, and ``state`` how it ended. ``transcript`` is the engine's file of it,
    under the directory that is its own.

    One that outlasts its turn ``awaits`` something: it is written open, begun so many ``tries`` times, the last at
    ``started_at``, with ``reserved_usd`` held for it meanwhile, and what came of it is told by the message
    ``report_id``; ``outage_at`` is when it first met an outage. What the others cost is part of their turn's dollars.

    Where a person is asked, the action ``letter_id`` is our letter; unanswered at ``comes_up_at``, it comes up once as
    the message ``reminder_id``.
    """

    __tablename__ = "handoffs"
    id: int | None = Field(default=None, primary_key=True)
    turn_id: int = Field(foreign_key="turns.id", index=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    specialist: str = Field(index=True)
    why: str
    brief: str
    report: str = ""
    state: str = Field(index=True)
    awaits: str = ""
    model: str
    tries: int = 0
    reserved_usd: float = 0.0
    cost_usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    seconds: float = 0.0
    tools: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    transcript: str = ""
    started_at: datetime | None = optional_time()
    outage_at: datetime | None = optional_time()
    ended_at: datetime | None = optional_time()
    report_id: int | None = Field(default=None, foreign_key="messages.id", index=True)
    letter_id: int | None = Field(default=None, foreign_key="actions.id", index=True)
    comes_up_at: datetime | None = optional_time()
    reminder_id: int | None = Field(default=None, foreign_key="messages.id", index=True)


class ToolCall(SQLModel, table=True):
    """One call of a tool of a server outside, in a handoff: what was passed, whether it left the house, what it took.

    Of what came back, the size in characters is kept; where it failed, ``said`` is what the specialist was told.
    """

    __tablename__ = "tool_calls"
    id: int | None = Field(default=None, primary_key=True)
    handoff_id: int = Field(foreign_key="handoffs.id", index=True)
    server: str
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    allowed: bool
    error: bool
    said: str = ""
    seconds: float
    result_size: int = 0


class Upkeep(SQLModel, table=True):
    """One compaction or rotation of a session: committed before it begins, closed when it is done or has failed.

    ``why`` is the bound that was reached, or that a person asked for it; the tokens are those of the context, the head
    is where a compaction left the session.
    """

    __tablename__ = "upkeeps"
    id: int | None = Field(default=None, primary_key=True)
    session_id: str = Field(foreign_key="sessions.id", index=True)
    generation: int
    kind: str
    why: str
    state: str = Field(index=True)
    model: str
    reserved_usd: float
    cost_usd: float | None = None
    tokens_before: int = 0
    tokens_after: int | None = None
    head_uuid: str | None = None
    head_offset: int | None = None
    started_at: datetime = time_field(index=True)
    ended_at: datetime | None = optional_time()
    seconds: float | None = None
    failure: str = ""


class Replay(SQLModel, table=True):
    """One run of logged messages put again to forks of the session, by one or more variants of the config.

    ``of_live_session`` says that the forks were made of the session that was live, not as it stood before each message;
    ``place`` is the name of the directory of its forks, ``wanted`` how many turns it set out to put.
    """

    __tablename__ = "replays"
    id: int | None = Field(default=None, primary_key=True)
    of_live_session: bool
    place: str
    wanted: int
    variants: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    started_at: datetime = time_field()
    ended_at: datetime | None = optional_time()


class ReplayTurn(SQLModel, table=True):
    """One message put to one fork by one variant: committed before the prompt is sent, closed with what came of it.

    ``agrees`` and ``changes`` compare it with the decision that was logged; ``actions`` is what would have been done.
    """

    __tablename__ = "replay_turns"
    id: int | None = Field(default=None, primary_key=True)
    replay_id: int = Field(foreign_key="replays.id", index=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    session_id: str = Field(foreign_key="sessions.id")
    variant: str
    model: str
    state: str
    agrees: bool | None = None
    changes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    category: str = ""
    priority: str = ""
    summary: str = ""
    reason: str = ""
    confidence: float | None = None
    actions: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    reply: str = ""
    reserved_usd: float
    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    started_at: datetime = time_field(index=True)
    ended_at: datetime | None = optional_time()
    seconds: float | None = None
    failure: str = ""
