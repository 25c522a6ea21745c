"""The tables of the decision log: its chain, its entries, and the words to find them by."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field, where


class Link(SQLModel, table=True):
    """One link of the chain over the decision log: see ``knowledge.chain``.

    ``subject`` is the number of the decision or action that it is about; ``salt`` is empty where that was erased.
    """

    __tablename__ = "links"
    number: int = Field(primary_key=True)
    kind: str = Field(index=True)
    subject: int = Field(index=True)
    salt: str
    digest: str
    previous: str
    hash: str
    linked_at: datetime = time_field()


class LogEntry(SQLModel, table=True):
    """One entry of the decision log: a decision, or what a message stands at that has none; numbered as they come.

    It is closed, never overwritten, where the decision is withdrawn or the message moves on without one. ``state`` is
    its message's, ``reached_at`` the latest ``concluded_at`` up to here: that never goes back, whatever the clock does.
    ``changed`` counts the changes of the log, and says which was this entry's last.
    """

    __tablename__ = "log_entries"
    __table_args__ = (
        Index("one_entry", "message_id", unique=True, **where("closed_at IS NULL")),
        Index("ix_log_entries_reached", "reached_at", "number"),
    )
    number: int = Field(primary_key=True)
    message_id: int = Field(foreign_key="messages.id", index=True)
    decision_id: int | None = Field(default=None, foreign_key="decisions.id", index=True)
    state: str
    concluded_at: datetime = time_field()
    reached_at: datetime = time_field()
    changed: int = Field(unique=True)
    closed_at: datetime | None = optional_time()


class LogWord(SQLModel, table=True):
    """A key of ``knowledge.keys``, and which entries of a block hold it, as ``knowledge.blocks`` writes it down."""

    __tablename__ = "log_words"
    __table_args__ = {"sqlite_with_rowid": False}
    block: int = Field(primary_key=True)
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    entries: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
