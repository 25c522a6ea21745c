"""The knowledge database as it was just before a turn began: whoever reads through it sees nothing later.

Views stand before the tables on each connection (SQLite looks for a name among the temporary ones first), so every
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

from knowledge.database import Database
from knowledge.tables import (
    Action,
    Case,
    CaseFile,
    Decision,
    Document,
    Fact,
    Feedback,
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
ANY, NOTHING = "1", "0"


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


class Past(Database):
    """A handle on the knowledge database as it was."""

    def __init__(self, db: Database, moment: Moment, unknown: Unknown) -> None:
        """Prepare it; the present one stays as it is."""
        super().__init__(db.path)
        views = _views(moment, unknown)

        def put_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
            for view in views:
                connection.execute(view).close()
            connection.execute("PRAGMA query_only=ON").close()

        event.listen(self.engine, "connect", put_up)


def _views(moment: Moment, unknown: Unknown) -> list[str]:
    shown = {table.__tablename__: (table, changes, rows) for table, changes, rows in _shown(moment, unknown)}
    timeless = {table.__tablename__ for table in TIMELESS}
    tables = {table.__tablename__: table for table in _tables() if table.__tablename__ not in timeless}
    return [_view(*shown.get(name, (table, {}, NOTHING))) for name, table in tables.items()]


def _tables() -> list[type[SQLModel]]:
    return [table for table in SQLModel.__subclasses__() if hasattr(table, "__table__")]


def _shown(moment: Moment, unknown: Unknown) -> list[tuple[type[SQLModel], dict[str, str], str]]:
    """List each table that time changes: which columns are shown otherwise, and which rows are shown at all."""
    at = _literal(moment.at)
    decided = f"turn_id < {moment.turn} OR (turn_id IS NULL AND decided_at <= {at})"
    known = (
        f"id = {moment.message} OR id IN (SELECT message_id FROM main.turns WHERE id < {moment.turn}) OR "
        f"id IN (SELECT message_id FROM main.decisions WHERE {decided}) OR "
        f"(id < {moment.message} AND updated_at <= {at})"
    )
    in_case = f"FROM main.messages WHERE case_id = main.cases.id AND ({known})"
    decisions = f"SELECT id FROM main.decisions WHERE {decided}"
    newest = {"updated_at": f"(SELECT max(received_at) {in_case})"}
    undecided = f"decision_id IS NULL AND created_at <= {at}"
    before_turn = f"(turn_id IS NULL OR turn_id < {moment.turn})"
    followed = {"behind": f"CASE WHEN followed_at <= {at} THEN behind ELSE '' END"}
    withdrawn = f"CASE WHEN withdrawn_at <= {at} THEN withdrawn_at END"
    entered = f"EXISTS (SELECT 1 FROM main.decisions WHERE id = decision_id AND ({decided}))"
    unmoved = f"decision_id IS NULL AND closed_at IS NULL AND concluded_at <= {at}"
    closed = {"closed_at": f"CASE WHEN closed_at <= {at} THEN closed_at END"}
    return [
        (Message, _standing(at, unknown.message, "received_at"), known),
        (Case, {**newest, "state": f"'{unknown.case}'"}, f"EXISTS (SELECT 1 {in_case})"),
        (Decision, {"withdrawn_at": withdrawn}, decided),
        (Action, _standing(at, unknown.action, "created_at"), f"decision_id IN ({decisions}) OR ({undecided})"),
        (LogEntry, closed, f"{entered} OR ({unmoved})"),
        (Turn, {}, f"id < {moment.turn}"),
        (Feedback, {}, f"noted_at <= {at}"),
        (Person, {"last_seen_at": "first_seen_at"}, ANY),
        (Fact, _open_then(at, "superseded_by", "expired_by"), f"recorded_at <= {at} AND {before_turn}"),
        (Passage, {**followed, **_open_then(at)}, f"recorded_at <= {at} AND {before_turn}"),
        (Document, _open_then(at), f"recorded_at <= {at}"),
        (CaseFile, {"withdrawn_at": withdrawn}, f"turn_id < {moment.turn}"),
        (SharedIssue, _named_then(at), f"decision_id IN ({decisions})"),
        (IssueLink, {}, f"decision_id IN ({decisions})"),
        (Promise, _promised(at, unknown.promise), f"decision_id IN ({decisions})"),
    ]


def _view(table: type[SQLModel], changes: dict[str, str], condition: str) -> str:
    name = str(table.__tablename__)
    columns = [f"{changes[column]} AS {column}" if column in changes else column for column in table.model_fields]
    return f"CREATE TEMP VIEW {name} AS SELECT {', '.join(columns)} FROM main.{name} WHERE {condition}"


def _standing(at: str, unknown: str, since: str) -> dict[str, str]:
    """Show how far a row was, and since when; where it has moved on, nothing but that it was there."""
    unmoved = f"CASE WHEN updated_at <= {at} THEN"
    return {
        "state": f"{unmoved} state ELSE '{unknown}' END",
        "reason": f"{unmoved} reason ELSE '' END",
        "updated_at": f"{unmoved} updated_at ELSE {since} END",
        "due_at": "NULL",
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
