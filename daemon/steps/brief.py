"""Brief: what the knowledge database knows around a mail, for the prompt and for the read-only tools."""

import secrets

from daemon.agent.tools import Reads
from daemon.house import Records
from daemon.judgement.briefing import Earlier, Known, briefing, earlier_line
from daemon.judgement.message import Message
from daemon.judgement.states import TurnState
from daemon.steps.handover import page
from knowledge import decisions
from knowledge.decisions import Entry
from knowledge.tables import AgentSession
from knowledge.tables import Message as Row

CASE_LINES = 10
FOUND_LINES = 10


def brief(records: Records, row: Row, message: Message, live: AgentSession) -> str:
    """Write the prompt of the turn. In a new session, or behind a hole, it begins with what went before."""
    count, since = decisions.acquaintance(records.db, row.person_id, row.id or 0)
    case = decisions.of_case(records.db, row.case_id or 0, row.id or 0, CASE_LINES)
    known = Known(
        message=row.id or 0,
        case=row.case_id or 0,
        received_at=row.received_at,
        person_messages=count,
        person_since=since,
        case_messages=tuple(map(_earlier, case)),
        authenticity=row.authenticity,
        gap=tuple(map(_earlier, decisions.of_lost_turns(records.db, live.id, TurnState.LOST, TurnState.SETTLED))),
        handover=live.handover if live.head_uuid is None else "",
    )
    return briefing(message, known, f"mail-{secrets.token_hex(8)}")


def reads(records: Records, row: Row) -> Reads:
    """Bind the read-only tools to the mail at hand: the model never names a case or a person."""

    def case() -> str:
        entries = decisions.of_case(records.db, row.case_id or 0, row.id or 0, CASE_LINES)
        return _lines(entries, "This is the case's first message.")

    def search(words: str) -> str:
        if row.person_id is None:
            return "The sender is not known."
        found = decisions.of_person(records.db, row.person_id, row.id or 0, words, FOUND_LINES)
        return _lines(found, "Nothing was found among this sender's earlier messages.")

    mailbox = records.settings.mailbox(row.mailbox)
    return Reads(case, search, lambda number: page(records, number), mailbox.folders if mailbox else ())


def _lines(entries: list[Entry], otherwise: str) -> str:
    return "\n".join(f"{earlier_line(_earlier(entry))}{_details(entry)}" for entry in entries) or otherwise


def _details(entry: Entry) -> str:
    actions = ", ".join(f"{action.kind} ({action.state})" for action in entry.actions)
    return f" | actions: {actions}" if actions else ""


def _earlier(entry: Entry) -> Earlier:
    decision = entry.decision
    return Earlier(
        message=entry.message.id or 0,
        received_at=entry.message.received_at,
        subject=entry.message.subject,
        category=decision.category if decision else "",
        summary=decision.summary if decision else "",
    )
