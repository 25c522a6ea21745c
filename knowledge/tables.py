"""The tables of the knowledge database. A state is stored as the word that the daemon's judgement gives it."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    LargeBinary,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time; the database stores it without a zone, because SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse a naive time: it would be stored as if it were UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time for the knowledge database must know its zone"
            raise ValueError(message)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


def time_field(*, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel's Field is untyped by design
    """Declare a required time."""
    return Field(sa_type=UtcTime, index=index)


def optional_time() -> Any:  # noqa: ANN401 - SQLModel's Field is untyped by design
    """Declare a time that may be missing."""
    return Field(default=None, sa_type=UtcTime)


def _where(condition: str) -> dict[str, Any]:
    """Bound an index to some rows, on either kind of database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class RawMail(SQLModel, table=True):
    """The bytes of a mail as received, compressed, addressed by the SHA-256 of the plain bytes."""

    __tablename__ = "raw_mails"
    sha256: str = Field(primary_key=True)
    size: int
    packed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


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


class AgentSession(SQLModel, table=True):
    """One conversation with the model. ``head_uuid`` and ``head_offset`` alone say where it stands.

    ``context_tokens`` is what the model read and wrote in its last call up to there; ``reclaimed`` the share of it that
    the newest compaction freed, if there was one since the session began; ``handover`` what its first prompt tells of
    what went before; ``mirrored_offset`` how far the session store has its transcript.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("one_live_session", "state", unique=True, **_where("state = 'live'")),)
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


class Decision(SQLModel, table=True):
    """What the employee concluded of one message, or which rule filed it without the model.

    One that was rolled back is withdrawn: it stays in the table, and the message may get another.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("one_decision", "message_id", unique=True, **_where("withdrawn_at IS NULL")),
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
        Index(
            "one_entry",
            "message_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
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
