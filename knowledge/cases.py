"""The cases: matters, each the messages of one thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge.database import Database
from knowledge.tables import Action, Case, Message

Found = Select[int | None, int | None]

MOST_LOOKED_AT = 20  # messages under one id or subject
OWN_ID, THEIR_ID, CONVERSATION, SUBJECT = "own-id", "their-id", "conversation", "subject"


@dataclass(frozen=True)
class Trace:
    """What to look for: Message-IDs (the nearest first), Outlook's conversation, and a person's subject."""

    ids: tuple[str, ...]
    conversation: str
    subject_key: str
    sender: str


@dataclass(frozen=True)
class Relative:
    """A case that a trace led to, ``by`` which of the four kinds, with what the judgement weighs."""

    case: int
    by: str
    subject: str
    people: frozenset[str]
    last_at: datetime


@dataclass(frozen=True)
class Placing:
    """Where a message belongs: in a case, or in a new one where ``case`` is None; ``why`` is for the log."""

    case: int | None
    subject: str
    subject_key: str
    why: str


def relatives(db: Database, trace: Trace, before: int) -> list[Relative]:
    """List the cases that a trace leads to, the strongest and nearest first; ``before`` is the message at hand."""
    with db.read() as session:
        ways = [(by, case_id) for by, statement in _ways(trace) for case_id in _newest(session, statement, before)]
        return [_relative(session, case_id, by) for by, case_id in ways]


def _ways(trace: Trace) -> Iterator[tuple[str, Found]]:
    for message_id in trace.ids:
        ours = _cases().join(Action, col(Action.message_id) == col(Message.id))
        yield OWN_ID, ours.where(col(Action.own_message_id) == message_id)
        yield THEIR_ID, _cases().where(col(Message.message_id) == message_id)
    if trace.conversation:
        yield CONVERSATION, _cases().where(col(Message.conversation) == trace.conversation)
    if trace.subject_key and trace.sender:
        named = _cases().join(Case, col(Case.id) == col(Message.case_id))
        yield (
            SUBJECT,
            named.where(col(Case.subject_key) == trace.subject_key, col(Message.sender_address) == trace.sender),
        )


def _cases() -> Found:
    return select(Message.case_id, Message.id)


def _newest(session: Session, statement: Found, before: int) -> list[int]:
    """Give the cases of the newest messages, each once: a stranger who repeats an id must not hide the true one."""
    known = statement.where(col(Message.case_id).is_not(None), col(Message.id) < before)
    rows = session.exec(known.order_by(col(Message.id).desc()).limit(MOST_LOOKED_AT))
    return list(dict.fromkeys(case_id for case_id, _message_id in rows if case_id))


def _relative(session: Session, case_id: int, by: str) -> Relative:
    case = session.get_one(Case, case_id)
    rows = session.exec(select(Message.correspondents, Message.sender_address).where(Message.case_id == case_id))
    people = frozenset(address for others, sender in rows for address in (*others, sender) if address)
    return Relative(case_id, by, case.subject, people, case.updated_at)


def place(session: Session, placing: Placing, received_at: datetime) -> int:
    """Give the case of a message, opening it where it is new; part of a transaction."""
    case = session.get_one(Case, placing.case) if placing.case else _new(placing, received_at)
    case.updated_at = max(case.updated_at, received_at)
    session.add(case)
    session.flush()
    return case.id or 0


def _new(placing: Placing, received_at: datetime) -> Case:
    return Case(subject=placing.subject, subject_key=placing.subject_key, opened_at=received_at, updated_at=received_at)
