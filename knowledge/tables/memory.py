"""The tables of what is remembered and recalled: facts, documents, and the passages of all that was said."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field


class Fact(SQLModel, table=True):
    """One thing remembered, about a person, an organisation (by its domain), or everyone: see ``knowledge.whose``.

    What it rests on: the words ``quote`` of a message, put down in a turn, or a person's word (``author``). It holds
    from ``valid_from`` to ``valid_to``; clerkd took it as true from ``recorded_at`` to ``expired_at``. A row is closed,
    never overwritten: ``superseded_by`` is the one in its place, ``expired_by`` the turn that closed it.

    ``category`` is that of the mails to which a lesson was learnt; empty where it was taught for all. ``by`` is who
    wrote it down, where a person did.
    """

    __tablename__ = "facts"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int | None = Field(default=None, foreign_key="persons.id", index=True)
    organisation: str | None = None
    kind: str
    category: str = ""
    text: str
    quote: str = ""
    author: str
    by: str = ""
    message_id: int | None = Field(default=None, foreign_key="messages.id", index=True)
    turn_id: int | None = Field(default=None, foreign_key="turns.id", index=True)
    valid_from: date | None = None
    valid_to: date | None = None
    recorded_at: datetime = time_field()
    expired_at: datetime | None = optional_time()
    expired_by: int | None = Field(default=None, foreign_key="turns.id")
    superseded_by: int | None = Field(default=None, foreign_key="facts.id")


class Document(SQLModel, table=True):
    """A document of the company as it was read at one time; ``problem`` says why nothing, or not all, is known of it.

    ``name`` is what it is called where it is recalled. One that changes or goes is closed, never overwritten. A row
    without passages tells of a file that could not be read; what was read of it before stands beside that.
    """

    __tablename__ = "documents"
    id: int | None = Field(default=None, primary_key=True)
    path: str = Field(index=True)
    name: str
    sha256: str = ""
    size: int = Field(sa_type=BigInteger)
    modified_at: datetime = time_field()
    passages: int = 0
    problem: str = ""
    recorded_at: datetime = time_field()
    expired_at: datetime | None = optional_time()


class Passage(SQLModel, table=True):
    """A piece of a mail, of our answer to it, of a document, or a fact, as it is recalled.

    Without a person or an organisation, it is for everyone. ``stems``, ``label`` and ``before`` are the stems of its
    words, of its speaker and day, and of the passages before it (of a fact, its quote); ``behind`` those of the passage
    that has come behind it since ``followed_at``. Words to look them up by stand in the table ``passage_words``, under
    the same number. Of a document, the speaker is its name, and ``heading`` what it stands under.
    """

    __tablename__ = "passages"
    __table_args__ = (
        Index("ix_passages_owner", "person_id", "organisation", "expired_at"),
        Index("ix_passages_case", "case_id", "person_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int | None = Field(default=None, foreign_key="persons.id")
    organisation: str | None = None
    case_id: int | None = Field(default=None, foreign_key="cases.id")
    message_id: int | None = Field(default=None, foreign_key="messages.id", index=True)
    fact_id: int | None = Field(default=None, foreign_key="facts.id", index=True)
    document_id: int | None = Field(default=None, foreign_key="documents.id", index=True)
    heading: str = ""
    ours: bool = False
    speaker: str
    said_at: datetime = time_field()
    text: str
    stems: str
    label: str
    before: str = ""
    behind: str = ""
    followed_at: datetime | None = optional_time()
    turn_id: int | None = Field(default=None, foreign_key="turns.id", index=True)
    recorded_at: datetime = time_field()
    expired_at: datetime | None = optional_time()


class Print(SQLModel, table=True):
    """A print of what its owner wrote (``knowledge.prints``); the owner is written as ``knowledge.whose`` does."""

    __tablename__ = "prints"
    __table_args__ = {"sqlite_with_rowid": False}
    print: int = Field(primary_key=True, sa_type=BigInteger)
    owner: str = Field(primary_key=True, index=True)


class PassageVector(SQLModel, table=True):
    """What a passage is about, as an embedder (with its version) sees it; empty where it sees nothing.

    It goes with the passage's words: a trigger removes it where they are closed or changed (migration 0013).
    """

    __tablename__ = "passage_vectors"
    passage_id: int = Field(primary_key=True, foreign_key="passages.id", ondelete="CASCADE")
    embedder: str
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
