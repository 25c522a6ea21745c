"""The tables of the pages: who may sign in, who is signed in, who tried to, and who has looked at what."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import time_field


class User(SQLModel, table=True):
    """Somebody who may sign in to the pages; ``password`` is a hash, ``role`` what they may do there."""

    __tablename__ = "users"
    name: str = Field(primary_key=True)
    role: str
    password: str
    added_at: datetime = time_field()


class Visit(SQLModel, table=True):
    """Somebody who is signed in: ``token`` is the hash of what their browser holds, ``csrf`` what their forms carry."""

    __tablename__ = "visits"
    token: str = Field(primary_key=True)
    user: str = Field(foreign_key="users.name", index=True)
    csrf: str
    begun_at: datetime = time_field()
    seen_at: datetime = time_field()


class SignIn(SQLModel, table=True):
    """One try to sign in as ``user``, whether there is such a user or not."""

    __tablename__ = "sign_ins"
    id: int | None = Field(default=None, primary_key=True)
    user: str
    place: str
    succeeded: bool
    tried_at: datetime = time_field(index=True)


class Look(SQLModel, table=True):
    """Somebody has looked at a page that shows what people wrote: ``page`` says of which kind, ``number`` which one."""

    __tablename__ = "looks"
    __table_args__ = (Index("ix_looks_page", "page", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    user: str = Field(index=True)
    place: str
    page: str
    number: int
    looked_at: datetime = time_field(index=True)
