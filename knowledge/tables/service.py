"""The tables of the service itself: its health, its own row, and what is asked of it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field


class Condition(SQLModel, table=True):
    """The health of one part (the model, the budget, a mailbox) as ``clerkd status`` shows it.

    ``since`` is when it became so, ``set_at`` when it was last written: a pause counts from there to ``retry_at``.
    """

    __tablename__ = "conditions"
    part: str = Field(primary_key=True)
    paused: bool = False
    kind: str = ""
    reason: str = ""
    tries: int = 0
    since: datetime = time_field()
    set_at: datetime = time_field()
    retry_at: datetime | None = optional_time()


class Service(SQLModel, table=True):
    """The daemon's own row: each start takes the next generation, and only the newest may write."""

    __tablename__ = "service"
    id: int = Field(default=1, primary_key=True)
    generation: int
    pid: int
    version: str
    started_at: datetime = time_field()
    beat_at: datetime = time_field()
    stopped_at: datetime | None = optional_time()


class Order(SQLModel, table=True):
    """What a command or a page asks of the running daemon; ``by`` and ``place`` say who asked, and from where."""

    __tablename__ = "orders"
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    argument: str
    by: str = ""
    place: str = ""
    asked_at: datetime = time_field()
    state: str = Field(index=True)
    outcome: str = ""
    done_at: datetime | None = optional_time()
