"""The knowledge database as it was just before a turn began: whoever reads through it sees nothing later.

Views stand before the tables on each connection (SQLite looks for a name among the temporary ones first), so every
query that there is, and every one to come, reads the past without knowing it; and nothing can be written through it.

The ledger keeps no history of states. Where a message or an action has moved on since, its state of then is not known
for certain: it is shown as one that nothing has come of yet.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event
from sqlmodel import SQLModel

from knowledge.database import Database
from knowledge.tables import Action, Case, Decision, Feedback, Message, Turn, Upkeep


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


class Past(Database):
    """A handle on the knowledge database as it was."""

    def __init__(self, db: Database, moment: Moment, unknown: Unknown) -> None:
        """Prepare it; the present one stays as it is."""
        super().__init__(db.path)
        views = [_view(table, changes, condition) for table, changes, condition in _shown(moment, unknown)]

        def put_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - the DB-API's own connection type
            for view in views:
                connection.execute(view).close()
            connection.execute("PRAGMA query_only=ON").close()

        event.listen(self.engine, "connect", put_up)


def _shown(moment: Moment, unknown: Unknown) -> list[tuple[type[SQLModel], dict[str, str], str]]:
    """List each table that time changes: which columns are shown otherwise, and which rows are shown at all."""
    at = _literal(moment.at)
    known = f"id <= {moment.message} OR id IN (SELECT message_id FROM main.turns WHERE id < {moment.turn})"
    in_case = f"FROM main.messages WHERE case_id = main.cases.id AND ({known})"
    decided = f"turn_id < {moment.turn} OR (turn_id IS NULL AND decided_at <= {at})"
    stands = f"decision_id IS NULL OR decision_id IN (SELECT id FROM main.decisions WHERE {decided})"
    withdrawn = f"CASE WHEN withdrawn_at <= {at} THEN withdrawn_at END"
    return [
        (Message, _standing(at, unknown.message), known),
        (Case, {"updated_at": f"(SELECT max(received_at) {in_case})"}, f"EXISTS (SELECT 1 {in_case})"),
        (Decision, {"withdrawn_at": withdrawn}, decided),
        (Action, _standing(at, unknown.action), f"created_at <= {at} AND ({stands})"),
        (Turn, {}, f"id < {moment.turn}"),
        (Upkeep, {}, f"ended_at <= {at}"),
        (Feedback, {}, f"noted_at <= {at}"),
    ]


def _view(table: type[SQLModel], changes: dict[str, str], condition: str) -> str:
    name = str(table.__tablename__)
    columns = [f"{changes[column]} AS {column}" if column in changes else column for column in table.model_fields]
    return f"CREATE TEMP VIEW {name} AS SELECT {', '.join(columns)} FROM main.{name} WHERE {condition}"


def _standing(at: str, unknown: str) -> dict[str, str]:
    """Show state and reason where they are those of then, and nothing for certain where the row has moved on."""
    unmoved = f"CASE WHEN updated_at <= {at} THEN"
    return {"state": f"{unmoved} state ELSE '{unknown}' END", "reason": f"{unmoved} reason ELSE '' END"}


def _literal(at: datetime) -> str:
    """Write a time as the database stores it: a view takes no parameters."""
    return f"'{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')}'"
