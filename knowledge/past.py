"""The knowledge database as it was just before a turn began: whoever reads through it sees nothing later.

Views stand before the tables on each connection (a name is looked for among the temporary ones first), so every
query reads the past without knowing it, and nothing can be written through it. A table that is not listed here is empty
in the past, until somebody says how it ages.

The ledger keeps no history of states: where a message or an action has moved on since, it is shown as one that nothing
has come of yet. And it does not note when a mail was read: one that was not put to the session before is shown only
where it has not changed since.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event
from sqlmodel import SQLModel

from knowledge.database import POSTGRESQL, SQLITE, Database
from knowledge.tables import (
    Action,
    Case,
    CaseFile,
    Decision,
    Document,
    Fact,
    Feedback,
    Handoff,
    IssueLink,
    LogEntry,
    LogWord,
    Message,
    Passage,
    PassageVector,
    Person,
    PersonAddress,
    Promise,
    RawMail,
    SharedIssue,
    Turn,
)

# Who is who, a person said: what is known of that today holds for the past. A vector is read beside its passage alone,
# and says the same as its words; one of a passage that was closed since is gone, so that is recalled by its words. What
# the log's index gives is held against the entries as they were; of these it keeps all words, but no state.
TIMELESS = (RawMail, PersonAddress, PassageVector, LogWord)
PRESENT = {SQLITE: "SELECT 'main'", POSTGRESQL: "SELECT current_schema()"}  # where the tables are
READ_ONLY = {SQLITE: "PRAGMA query_only=ON", POSTGRESQL: "SET default_transaction_read_only = on"}
ANY, NOTHING = "1 = 1", "1 = 0"


@dataclass(frozen=True)
class Moment:
    """Just before a turn of a message began."""

    turn: int
    message: int
    at: datetime


@dataclass(frozen=True)
class Unknown:
    """Which states stand in for those of then, where a row has moved on since."""

    message: str
    action: str
    case: str
    promise: str
    handoff: str


class Past(Database):
    """A handle on the knowledge database as it was."""

    def __init__(self, db: Database, moment: Moment, unknown: Unknown) -> None:
        """Prepare it; the present one stays as it is."""
        super().__init__(db.place)
        self.writer = self.engine  # on a server, a writer's transactions would be none that only read

        def put_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
            (present,) = connection.execute(PRESENT[self.kind]).fetchone()
            for statement in (*_views(present, moment, unknown), READ_ONLY[self.kind]):
                connection.execute(statement).close()
            connection.commit()

        event.listen(self.engine, "connect", put_up)


def _views(present: str, moment: Moment, unknown: Unknown) -> list[str]:
    everything = _shown(present, moment, unknown)
    shown = {table.__tablename__: (table, changes, rows) for table, changes, rows in everything}
    timeless = {table.__tablename__ for table in TIMELESS}
    tables = {table.__tablename__: table for table in _tables() if table.__tablename__ not in timeless}
    return [_view(present, *shown.get(name, (table, {}, NOTHING))) for name, table in tables.items()]


def _tables() -> list[type[SQLModel]]:
    return [table for table in SQLModel.__subclasses__() if hasattr(table, "__table__")]


def _shown(present: str, moment: Moment, unknown: Unknown) -> list[tuple[type[SQLModel], dict[str, str], str]]:
    """List each table that time changes: which columns are shown otherwise, and which rows are shown at all."""
    at = _literal(moment.at)
    decided = f"turn_id < {moment.turn} OR (turn_id IS NULL AND decided_at <= {at})"
    known = (
        f"id = {moment.message} OR id IN (SELECT message_id FROM {present}.turns WHERE id < {moment.turn}) OR "
        f"id IN (SELECT message_id FROM {present}.decisions WHERE {decided}) OR "
        f"(id < {moment.message} AND updated_at <= {at})"
    )
    in_case = f"FROM {present}.messages WHERE case_id = {present}.cases.id AND ({known})"
    decisions = f"SELECT id FROM {present}.decisions WHERE {decided}"
    decided_on = f"decision_id IN ({decisions})"
    newest = {"updated_at": f"(SELECT max(received_at) {in_case})"}
    undecided = f"(decision_id IS NULL AND created_at <= {at})"
    # A version that a person put in its place later was not there.
    first = f"id NOT IN (SELECT version FROM {present}.approvals WHERE version IS NOT NULL AND given_at > {at})"
    before_turn = f"(turn_id IS NULL OR turn_id < {moment.turn})"
    followed = {"behind": f"CASE WHEN followed_at <= {at} THEN behind ELSE '' END"}
    withdrawn = f"CASE WHEN withdrawn_at <= {at} THEN withdrawn_at END"
    entered = f"EXISTS (SELECT 1 FROM {present}.decisions WHERE id = decision_id AND ({decided}))"
    unmoved = f"decision_id IS NULL AND closed_at IS NULL AND concluded_at <= {at}"
    closed = {"closed_at": f"CASE WHEN closed_at <= {at} THEN closed_at END"}
    return [
        (Message, _standing(at, unknown.message, "received_at"), known),
        (Case, {**newest, "state": f"'{unknown.case}'"}, f"EXISTS (SELECT 1 {in_case})"),
        (Decision, {"withdrawn_at": withdrawn}, decided),
        (Action, _standing(at, unknown.action, "created_at"), f"{first} AND ({decided_on} OR {undecided})"),
        (LogEntry, closed, f"{entered} OR ({unmoved})"),
        (Turn, {}, f"id < {moment.turn}"),
        (Feedback, {}, f"noted_at <= {at}"),
        (Person, {"last_seen_at": "first_seen_at"}, ANY),
        (Fact, _open_then(at, "superseded_by", "expired_by"), f"recorded_at <= {at} AND {before_turn}"),
        (Passage, {**followed, **_open_then(at)}, f"recorded_at <= {at} AND {before_turn}"),
        (Document, _open_then(at), f"recorded_at <= {at}"),
        (CaseFile, {"withdrawn_at": withdrawn}, f"turn_id < {moment.turn} AND written_at <= {at}"),
        (SharedIssue, _named_then(at), f"decision_id IN ({decisions})"),
        (IssueLink, {}, f"decision_id IN ({decisions})"),
        (Handoff, _handed(at, unknown.handoff, moment.message), f"turn_id < {moment.turn}"),
        (Promise, _promised(at, unknown.promise), f"decision_id IN ({decisions})"),
    ]


def _view(present: str, table: type[SQLModel], changes: dict[str, str], condition: str) -> str:
    name = str(table.__tablename__)
    columns = [f"{changes.get(column, _quoted(column))} AS {_quoted(column)}" for column in table.model_fields]
    return f"CREATE TEMP VIEW {name} AS SELECT {', '.join(columns)} FROM {present}.{name} WHERE {condition}"


def _quoted(column: str) -> str:
    """Write a name so that none is taken for a word of SQL."""
    return f'"{column}"'


def _standing(at: str, unknown: str, since: str) -> dict[str, str]:
    """Show how far a row was, and since when; where it has moved on, nothing but that it was there."""
    unmoved = f"CASE WHEN updated_at <= {at} THEN"
    return {
        "state": f"{unmoved} state ELSE '{unknown}' END",
        "reason": f"{unmoved} reason ELSE '' END",
        "updated_at": f"{unmoved} updated_at ELSE {since} END",
        "due_at": "CAST(NULL AS TIMESTAMP)",
    }


def _open_then(at: str, *others: str) -> dict[str, str]:
    """Show a row that was closed later as one that stands."""
    return {column: f"CASE WHEN expired_at <= {at} THEN {column} END" for column in ("expired_at", *others)}


def _named_then(at: str) -> dict[str, str]:
    """Show a shared issue as it was known: what was confirmed or closed later was not."""
    confirmed = {"name": f"CASE WHEN confirmed_at <= {at} THEN name ELSE '' END"}
    columns = {"confirmed_at": "confirmed_at", "closed_at": "closed_at", "merged_into": "closed_at"}
    then = {column: f"CASE WHEN {since} <= {at} THEN {column} END" for column, since in columns.items()}
    return {**confirmed, **then}


def _handed(at: str, unknown: str, message: int) -> dict[str, str]:
    """Show a handoff whose report came in later as one that waits for it; it came up if that message came by then."""
    ended = f"ended_at <= {at}"
    texts = {column: f"CASE WHEN {ended} THEN {column} ELSE '' END" for column in ("report", "transcript")}
    return {
        **texts,
        "state": f"CASE WHEN {ended} THEN state ELSE '{unknown}' END",
        "ended_at": f"CASE WHEN {ended} THEN ended_at END",
        "report_id": f"CASE WHEN {ended} THEN report_id END",
        "reminder_id": f"CASE WHEN reminder_id <= {message} THEN reminder_id END",
    }


def _promised(at: str, unknown: str) -> dict[str, str]:
    """Show a promise that was closed later as open."""
    closed = f"closed_at <= {at}"
    return {
        "state": f"CASE WHEN {closed} THEN state ELSE '{unknown}' END",
        "closed_at": f"CASE WHEN {closed} THEN closed_at END",
        "closed_by": f"CASE WHEN {closed} THEN closed_by END",
        "closing": f"CASE WHEN {closed} THEN closing ELSE '' END",
    }


def _literal(at: datetime) -> str:
    """Write a time as the database stores it: a view takes no parameters."""
    return f"'{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')}'"
