"""The state of the service as values: is it at work, what is paused, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.judgement.handoffs import OUTSTANDING
from daemon.judgement.money import windows
from daemon.judgement.states import ACTION_DUE, NEEDS_A_PERSON, UNFINISHED, ActionState, SessionState
from daemon.review.log import when
from knowledge import actions, connections, documents, handoffs, ledger, service, sessions, turns
from knowledge.database import Database
from knowledge.tables import AgentSession, Condition, Connection, Document, Message, Service


@dataclass(frozen=True)
class Status:
    """What ``clerkd status`` shows."""

    running: bool
    service: Service | None
    counts: dict[str, int]
    attention: tuple[Message, ...]
    paused: tuple[Condition, ...]
    connections: tuple[Connection, ...]
    documents: tuple[Document, ...]
    actions_waiting: int
    handoffs_open: int
    session: AgentSession | None
    settled_turns: int
    dollars_today: float
    dollars_this_month: float

    @property
    def is_well(self) -> bool:
        """Say whether no person is needed, nothing is paused, and each of the company's documents could be read."""
        return self.running and not self.attention and not self.paused and not self.documents


def read(db: Database, *, running: bool, now: datetime) -> Status:
    """Gather the state."""
    day, month = windows(now)
    live = sessions.live(db, SessionState.LIVE)
    return Status(
        running=running,
        service=service.current(db),
        counts=ledger.counts(db),
        attention=tuple(ledger.in_states(db, NEEDS_A_PERSON)),
        paused=tuple(row for row in service.conditions(db) if row.paused) if running else (),
        connections=tuple(connections.every(db)) if running else (),
        documents=tuple(row for row in documents.standing(db) if not row.passages),
        actions_waiting=sum(actions.counts(db).get(state, 0) for state in (*ACTION_DUE, ActionState.HELD)),
        handoffs_open=len(handoffs.numbers(db, OUTSTANDING)),
        session=live,
        settled_turns=len(sessions.settled_turns(db, live.id, "settled")) if live else 0,
        dollars_today=turns.spent_since(db, day),
        dollars_this_month=turns.spent_since(db, month),
    )


def folder_line(row: Connection) -> str:
    """Say in a line how it stands with a watched folder."""
    way = "the server tells of new mail" if row.pushes else "looked into every mailbox.poll_seconds"
    parts = [f"{row.mailbox} {row.folder}"]
    if row.connected_at:
        parts.append(f"since {when(row.connected_at)}, {way}")
    parts.append(f"last seen {when(row.heard_at)}")
    if row.last_error:
        parts.append(f"last error {when(row.error_at)}: {row.last_error}")
    return "; ".join(parts)


def record(status: Status) -> dict[str, Any]:
    """Give the state as plain data, for JSON."""
    return {
        "running": status.running,
        "well": status.is_well,
        "pid": status.service.pid if status.service and status.running else None,
        "messages": status.counts,
        "waiting": sum(status.counts.get(state, 0) for state in UNFINISHED),
        "attention": [
            {"message": row.id, "state": row.state, "subject": row.subject, "reason": row.reason}
            for row in status.attention
        ],
        "paused": [row.model_dump(mode="json") for row in status.paused],
        "connections": [row.model_dump(mode="json") for row in status.connections],
        "documents": [row.model_dump(mode="json") for row in status.documents],
        "actions_waiting": status.actions_waiting,
        "handoffs_open": status.handoffs_open,
        "session": status.session.id if status.session else None,
        "settled_turns": status.settled_turns,
        "dollars_today": round(status.dollars_today, 6),
        "dollars_this_month": round(status.dollars_this_month, 6),
    }
