"""The tables of what comes in: the ledger, the bytes, and how far each folder has been read."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field


class RawMail(SQLModel, table=True):
    """The bytes of a mail as received, compressed, addressed by the SHA-256 of the plain bytes."""

    __tablename__ = "raw_mails"
    sha256: str = Field(primary_key=True)
    size: int
    packed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Message(SQLModel, table=True):
    """The ledger: one row for each message, saying how far it is. Rows are never deleted.

    A row begins with the mail's place and bytes alone; what was read in it, and its case, come with the screening.
    ``correspondents`` are the addresses of its sender and recipients, ``conversation`` the root of Outlook's
    Thread-Index, ``authenticity`` what the border server says of the sender, ``placement`` why it is in its case,
    ``removed`` what was hidden in it and taken out.

    A row with ``about_id`` is clerkd's own message to the employee: ``words`` is what it says, and its mail is that of
    the message that it is about.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("mailbox", "folder", "uidvalidity", "uid"),)
    id: int | None = Field(default=None, primary_key=True)
    mailbox: str
    folder: str
    uidvalidity: int = Field(sa_type=BigInteger)
    uid: int = Field(sa_type=BigInteger)
    sha256: str = Field(foreign_key="raw_mails.sha256", index=True)
    size: int
    whole: bool = True
    message_id: str = Field(default="", index=True)
    subject: str = ""
    sender_address: str = Field(default="", index=True)
    sender_name: str = ""
    correspondents: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    conversation: str = Field(default="", index=True)
    authenticity: str = ""
    placement: str = ""
    removed: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    person_id: int | None = Field(default=None, foreign_key="persons.id", index=True)
    case_id: int | None = Field(default=None, foreign_key="cases.id", index=True)
    about_id: int | None = Field(default=None, foreign_key="messages.id")
    words: str = ""
    received_at: datetime = time_field(index=True)
    state: str = Field(index=True)
    reason: str = ""
    attempts: int = 0
    due_at: datetime | None = optional_time()
    outage_at: datetime | None = optional_time()
    updated_at: datetime = time_field()


class Cursor(SQLModel, table=True):
    """How far a folder has been read; a new UIDVALIDITY makes it void (RFC 3501, 2.3.1.1).

    ``since`` is the time of the first start, ``first_uid`` the folder's UIDNEXT then: what was there before is worked
    only as far as ``mailbox.since`` says, what came in later is always worked, however old its date is.
    """

    __tablename__ = "cursors"
    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int = Field(sa_type=BigInteger)
    last_uid: int = Field(sa_type=BigInteger)
    first_uid: int = Field(default=0, sa_type=BigInteger)
    since: datetime = time_field()


class MaildirFile(SQLModel, table=True):
    """The number of a file in a Maildir: Maildirs have unique names where IMAP has UIDs. Never given twice."""

    __tablename__ = "maildir_files"
    __table_args__ = (UniqueConstraint("mailbox", "folder", "name"),)
    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uid: int = Field(primary_key=True, sa_type=BigInteger)
    name: str


class Connection(SQLModel, table=True):
    """How it stands with a watched folder, for ``clerkd status``; ``heard_at`` is when the server last answered."""

    __tablename__ = "connections"
    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    pushes: bool = False
    connected_at: datetime | None = optional_time()
    heard_at: datetime | None = optional_time()
    last_error: str = ""
    error_at: datetime | None = optional_time()
