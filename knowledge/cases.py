"""The cases: matters, each the messages of one thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge import folders
from knowledge.database import Database
from knowledge.tables import Action, Case, CaseNote, Message, Passage, Promise, Turn

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
    """Give the case of a message, opening it where it is new; part of a transaction.

    One that was merged while the message was being read leads to the case that it was merged into.
    """
    case = _standing(session, placing.case) if placing.case else _new(placing, received_at)
    case.updated_at = max(case.updated_at, received_at)
    session.add(case)
    session.flush()
    return case.id or 0


def _new(placing: Placing, received_at: datetime) -> Case:
    return Case(subject=placing.subject, subject_key=placing.subject_key, opened_at=received_at, updated_at=received_at)


def _standing(session: Session, case_id: int) -> Case:
    case = session.get_one(Case, case_id)
    while case.merged_into:
        case = session.get_one(Case, case.merged_into)
    return case


def move(session: Session, case_id: int, moves: Mapping[str, str]) -> None:
    """Take a case from its state to where the moves say; part of a transaction."""
    case = session.get_one(Case, case_id)
    case.state = moves.get(case.state, case.state)
    session.add(case)


@dataclass(frozen=True)
class Summary:
    """A case with the number of its mails and of its open promises."""

    case: Case
    messages: int
    promises: int


def get(db: Database, case_id: int) -> Case | None:
    """Give a case; None where the number leads nowhere."""
    with db.read() as session:
        return session.get(Case, case_id)


def needs_a_person(db: Database, case_id: int, states: Sequence[str], but: int | None = None) -> bool:
    """Say whether a message of the case is in one of these states; ``but`` is one that does not count."""
    with db.read() as session:
        waiting = select(Message.id).where(Message.case_id == case_id, col(Message.state).in_(states))
        return any(number != but for number in session.exec(waiting))


def find(db: Database, states: Sequence[str], person_id: int | None, open_state: str, limit: int) -> list[Summary]:
    """List cases in these states, the last touched first; merged ones are left out. None means everybody's."""
    size = select(func.count()).where(col(Message.case_id) == col(Case.id), col(Message.about_id).is_(None))
    promised = select(func.count()).where(col(Promise.case_id) == col(Case.id), Promise.state == open_state)
    with db.read() as session:
        counts = (size.correlate(Case).scalar_subquery(), promised.correlate(Case).scalar_subquery())
        last_touched = (col(Case.updated_at).desc(), col(Case.id).desc())
        wanted = select(Case.id).where(col(Case.state).in_(states), col(Case.merged_into).is_(None))
        if person_id is not None:
            theirs = select(Message.case_id).where(Message.person_id == person_id)
            wanted = wanted.where(col(Case.id).in_(theirs))
        # Counted is only what is shown: SQLite would count for every case that fits, and sort then.
        shown = col(Case.id).in_(wanted.order_by(*last_touched).limit(limit))
        rows = session.exec(select(Case, *counts).where(shown).order_by(*last_touched))
        return [Summary(case, int(messages), int(promises)) for case, messages, promises in rows]


def open_of(db: Database, person_id: int, before: Message, closed: str, limit: int) -> list[Message]:
    """List a person's newest mail before this message in each other case that is not closed, the newest first."""
    theirs = (col(Message.person_id) == person_id, col(Message.about_id).is_(None), col(Message.id) < before.id)
    newest = select(func.max(Message.id)).where(*theirs, col(Message.case_id) != before.case_id)
    with db.read() as session:
        statement = (
            select(Message)
            .join(Case, col(Message.case_id) == col(Case.id))
            .where(col(Message.id).in_(newest.group_by(col(Message.case_id))), Case.state != closed)
        )
        return list(session.exec(statement.order_by(col(Message.id).desc()).limit(limit)))


def merge(session: Session, kept: Case, other: Case, closed: str) -> None:
    """Make one case of two; part of a transaction. What belonged to the other belongs to the kept one.

    One that was ``closed`` stands as the other did: nothing that is open there must be lost from sight.
    """
    connection = session.connection()
    folders.merge(session, kept.id or 0, other.id or 0)
    for table in (Message, Promise, Passage):
        connection.execute(update(table).where(col(table.case_id) == other.id).values(case_id=kept.id))
    _move_notes(session, kept, other)
    kept.state = other.state if kept.state == closed else kept.state
    kept.opened_at = min(kept.opened_at, other.opened_at)
    kept.updated_at = max(kept.updated_at, other.updated_at)
    other.merged_into = kept.id
    session.add_all([kept, other])


def _move_notes(session: Session, kept: Case, other: Case) -> None:
    """Take over what sessions noted on the other case, where they noted nothing on this one."""
    for note in session.exec(select(CaseNote).where(CaseNote.case_id == other.id)).all():
        if session.get(CaseNote, (note.session_id, kept.id)) is None:
            session.add(CaseNote(**{**note.model_dump(), "case_id": kept.id}))
        session.delete(note)


def split(session: Session, case: Case, messages: Sequence[Message]) -> Case:
    """Take messages out of a case into one of their own, with what was promised in them; part of a transaction."""
    first = min(messages, key=lambda row: row.id or 0)
    fresh = Case(
        subject=first.subject,
        subject_key="",  # mails of that subject go on to the case that had it first
        state=case.state,
        opened_at=min(row.received_at for row in messages),
        updated_at=max(row.received_at for row in messages),
    )
    session.add(fresh)
    session.flush()
    numbers = [row.id for row in messages]
    connection = session.connection()
    theirs = col(Message.id).in_(numbers) | col(Message.about_id).in_(numbers)
    connection.execute(update(Message).where(theirs).values(case_id=fresh.id))
    moved = select(Message.id).where(col(Message.case_id) == fresh.id)
    for table in (Promise, Passage):
        connection.execute(update(table).where(col(table.message_id).in_(moved)).values(case_id=fresh.id))
    turns = session.exec(select(Turn.id).where(col(Turn.message_id).in_(moved))).all()
    folders.split(session, case.id or 0, [turn or 0 for turn in turns], fresh.id or 0)
    return fresh
