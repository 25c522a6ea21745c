"""Rows that the tests of the knowledge database begin with."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import inspect

from knowledge import ledger, screenings, sessions, turns
from knowledge.cases import Placing
from knowledge.database import Database
from knowledge.ledger import Arrival
from knowledge.people import Acquaintance
from knowledge.raw import pack
from knowledge.screenings import Found, Screened
from knowledge.seal import digest
from knowledge.tables import Action, AgentSession, Cursor, Decision, Handoff, Message, Turn
from knowledge.turns import Conclusion, Step

NOW = datetime(2026, 11, 2, 8, 5, tzinfo=UTC)
MAILBOX, FOLDER, VALIDITY = "support@imap.example", "INBOX", 7
SCREEN, FILE = Step("received", "screened"), Step("received", "decided")
ASK = Step("screened", "asking", attempts=1)
DECIDE = Step("asking", "decided")
NUMBERS = count(1)


def after(seconds: float) -> datetime:
    """Give the time so many seconds from now."""
    return NOW + timedelta(seconds=seconds)


def arrival(uid: int, raw: bytes = b"", **changes: Any) -> Arrival:
    """Make a mail of Ada's as it comes in."""
    packed = pack(raw or f"From: ada@quill.example\r\n\r\nMail {uid}".encode())
    values: dict[str, Any] = {
        "mailbox": MAILBOX,
        "folder": FOLDER,
        "uidvalidity": VALIDITY,
        "uid": uid,
        "raw": packed,
        "size": packed.size,
        "received_at": NOW,
        "state": "received",
        "message_id": f"<{uid}@quill.example>",
    }
    return Arrival(**{**values, **changes})


def position(last_uid: int) -> Cursor:
    """Make the folder's cursor."""
    return Cursor(mailbox=MAILBOX, folder=FOLDER, uidvalidity=VALIDITY, last_uid=last_uid, since=NOW)


def stored(db: Database, message_id: int | None) -> Message:
    """Give a message's row as it stands now."""
    row = ledger.get(db, message_id or 0)
    assert row is not None
    return row


def received(db: Database, uid: int, now: datetime = NOW, **changes: Any) -> Message:
    """Receive one mail and give its row."""
    (number,) = ledger.receive(db, [arrival(uid, **changes)], position(uid), now).values()
    return stored(db, number)


def findings(uid: int, **changes: Any) -> Found:
    """Make what was read in a mail of Ada's."""
    values: dict[str, Any] = {
        "message_id": f"<{uid}@quill.example>",
        "subject": f"Mail {uid}",
        "sender_address": "ada@quill.example",
        "sender_name": "Ada Quill",
        **changes,
    }
    who = Acquaintance(values["sender_address"], values["sender_name"])
    return Found(**{"sender": who, **values})


def placing(uid: int, case: int | None = None) -> Placing:
    """Say where a mail belongs; without a case it opens one."""
    return Placing(case, f"Mail {uid}", f"mail {uid}", "it answers nothing")


def screened(
    db: Database, uid: int, *, raw: bytes = b"", case: int | None = None, now: datetime = NOW, **changes: Any
) -> Message:
    """Receive one mail, read it, and give its row; the changes are to what was read."""
    row = received(db, uid, now, raw=raw, received_at=now)
    screenings.write(db, row, Screened(findings(uid, **changes), placing(uid, case), SCREEN), now)
    return stored(db, row.id)


def session_row(name: str = "one", **changes: Any) -> AgentSession:
    """Make the row of a live session."""
    values: dict[str, Any] = {
        "id": name,
        "state": "live",
        "generation": 1,
        "model": "claude-sonnet-5",
        "orders_digest": "d",
        "created_at": NOW,
    }
    return AgentSession(**{**values, **changes})


def live(db: Database, name: str = "one", **changes: Any) -> AgentSession:
    """Begin a session."""
    row = session_row(name, **changes)
    sessions.begin(db, row, ended="ended", reason="a successor began")
    return row


def turn_row(message: Message, session: AgentSession, **changes: Any) -> Turn:
    """Make the row of an open turn."""
    values: dict[str, Any] = {
        "message_id": message.id,
        "session_id": session.id,
        "generation": session.generation,
        "attempt": 1,
        "prompt_uuid": f"uuid-{next(NUMBERS)}",
        "prompt": "Decide.",
        "state": "open",
        "model": "claude-sonnet-5",
        "reserved_usd": 0.5,
        "started_at": NOW,
    }
    return Turn(**{**values, **changes})


def opened(db: Database, message: Message, session: AgentSession, **changes: Any) -> Turn:
    """Open a turn on a message."""
    return turns.open_turn(db, turn_row(message, session, **changes), ASK, NOW)


def decision_row(message: Message, **changes: Any) -> Decision:
    """Make the row of a decision."""
    values: dict[str, Any] = {
        "message_id": message.id,
        "category": "question",
        "priority": "normal",
        "summary": "She asks when we close.",
        "reason": "It is in the orders.",
        "confidence": 0.9,
        "decided_at": NOW,
    }
    return Decision(**{**values, **changes})


def action_row(message: Message, **changes: Any) -> Action:
    """Make the row of a planned action."""
    values: dict[str, Any] = {
        "message_id": message.id,
        "ordinal": 0,
        "kind": "draft",
        "content": b"",
        "recipients": [],
        "target": "",
        "rule": "default: draft",
        "state": "planned",
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }
    sealed = digest(values["content"], values["recipients"], values["kind"], values["target"])
    return Action(**{"digest": sealed, **values})


def handoff_row(turn: Turn, **changes: Any) -> Handoff:
    """Make the row of an open handoff to somebody who works beside the turns."""
    values: dict[str, Any] = {
        "turn_id": turn.id,
        "message_id": turn.message_id,
        "specialist": "contracts",
        "why": "Their field",
        "brief": "May they leave?",
        "state": "open",
        "awaits": "fork",
        "model": "claude-haiku-4-5",
    }
    return Handoff(**{**values, **changes})


def closed(turn: Turn, state: str = "settled", **changes: Any) -> Turn:
    """Fill in the balance of a turn that has ended."""
    values = {"state": state, "cost_usd": 0.1, "head_uuid": f"head-{turn.id}", "head_offset": 100, "ended_at": NOW}
    return turn.sqlmodel_update({**values, **changes})


def settle(db: Database, turn: Turn, session: AgentSession, message: Message, *actions: Action) -> None:
    """Settle a turn that has been closed."""
    turns.settle(
        db,
        turn,
        open_state="open",
        held_by=session,
        concluded=Conclusion(decision_row(message, turn_id=turn.id), actions),
        step=DECIDE,
        now=NOW,
    )


def filed(db: Database, message: Message, *actions: Action, found: Found | None = None, **changes: Any) -> None:
    """Read a message that was received, and record a rule's decision on it."""
    concluded = Conclusion(decision_row(message, **changes), actions)
    screening = Screened(found or findings(message.uid), placing(message.uid), FILE, concluded)
    screenings.write(db, message, screening, NOW)


def dump(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all tables, to see whether anything was written."""
    with db.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return {
            table: sorted((tuple(row) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')), key=repr)
            for table in tables
        }
