"""The tables of correspondents, their cases, and what was promised or is shared in these."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from knowledge.tables.columns import optional_time, time_field


class Person(SQLModel, table=True):
    """One correspondent. One that was merged into another is kept, so that its number still leads somewhere.

    ``organisation`` is the domain of an address that is no public provider's, ``language`` a code of ISO 639-1; both
    are empty where they are not known.
    """

    __tablename__ = "persons"
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    organisation: str = Field(default="", index=True)
    language: str = ""
    merged_into: int | None = Field(default=None, foreign_key="persons.id")
    first_seen_at: datetime = time_field()
    last_seen_at: datetime = time_field()


class PersonAddress(SQLModel, table=True):
    """An address that a person writes from, in lower case."""

    __tablename__ = "person_addresses"
    address: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="persons.id", index=True)


class Case(SQLModel, table=True):
    """One matter: the messages of a thread. One that was merged into another is kept, without messages."""

    __tablename__ = "cases"
    id: int | None = Field(default=None, primary_key=True)
    subject: str
    subject_key: str = Field(default="", index=True)
    state: str = Field(default="open", index=True)
    merged_into: int | None = Field(default=None, foreign_key="cases.id")
    opened_at: datetime = time_field()
    updated_at: datetime = time_field(index=True)


class CaseFile(SQLModel, table=True):
    """One version of a file in a case's folder, as a specialist wrote it; the newest that stands is the file."""

    __tablename__ = "case_files"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    turn_id: int = Field(foreign_key="turns.id", index=True)
    name: str
    text: str
    written_at: datetime = time_field()
    withdrawn_at: datetime | None = optional_time()


class CaseNote(SQLModel, table=True):
    """What a session noted on a case for its successor. Nobody has verified it: a mail may have had a hand in it."""

    __tablename__ = "case_notes"
    session_id: str = Field(foreign_key="sessions.id", primary_key=True)
    case_id: int = Field(foreign_key="cases.id", primary_key=True)
    text: str
    noted_at: datetime = time_field()


class Promise(SQLModel, table=True):
    """Something promised with a date, ``by`` us or by them; ``what`` is as the employee put it, and unverified.

    It comes up again as a message of clerkd's own, ``reminder_id``. ``closed_by`` is the turn that settled it, and
    ``closing`` says what did where it was no turn.
    """

    __tablename__ = "promises"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    message_id: int = Field(foreign_key="messages.id")
    decision_id: int | None = Field(default=None, foreign_key="decisions.id", index=True)
    by: str
    what: str
    due: date
    comes_up_at: datetime = time_field(index=True)
    state: str = Field(index=True)
    reminder_id: int | None = Field(default=None, foreign_key="messages.id")
    made_at: datetime = time_field()
    closed_at: datetime | None = optional_time()
    closed_by: int | None = Field(default=None, foreign_key="turns.id")
    closing: str = ""


class SharedIssue(SQLModel, table=True):
    """Something that several people share, an outage for one: ``proposed`` by a decision on one sender's mail.

    ``name`` is what a person confirmed, and what others' turns are told; empty until then.
    """

    __tablename__ = "shared_issues"
    id: int | None = Field(default=None, primary_key=True)
    category: str
    proposed: str
    name: str = ""
    decision_id: int = Field(default=0, foreign_key="decisions.id")
    opened_at: datetime = time_field()
    confirmed_at: datetime | None = optional_time()
    closed_at: datetime | None = optional_time()
    merged_into: int | None = Field(default=None, foreign_key="shared_issues.id")


class IssueLink(SQLModel, table=True):
    """A decision says that its case has a shared issue; it counts as long as the decision stands."""

    __tablename__ = "issue_links"
    decision_id: int = Field(foreign_key="decisions.id", primary_key=True)
    issue_id: int = Field(foreign_key="shared_issues.id", index=True)
    linked_at: datetime = time_field()
