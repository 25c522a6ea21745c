"""The decision log as it is read: rows for a table, everything about one message, and a person's history."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import and_, bindparam, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from knowledge import index, keys, words
from knowledge.database import Database
from knowledge.keys import Kind, Range, Texts
from knowledge.tables import Action, Decision, LogEntry, Message, Person, Turn

Joined = Select[Message, Decision, Turn]
TOGETHER = 50  # entries that are read at once


def has_words(text: str) -> bool:
    """Say whether there is anything to look for in a text."""
    return bool(words.words(text))


@dataclass(frozen=True)
class Filter:
    """What to show; an empty field does not filter.

    ``person`` and ``search`` are words, each of which begins a word: of the sender's name or address, and of subject,
    category, summary or reasons. ``person_id`` is the person, ``before`` the message before which it is.
    """

    since: datetime | None = None
    category: str = ""
    person: str = ""
    state: str = ""
    search: str = ""
    limit: int = 50
    person_id: int | None = None
    before: int | None = None

    @property
    def can_be_met(self) -> bool:
        """Say whether there are words wherever some are wanted: signs alone are nowhere."""
        return all(not text or has_words(text) for text in (self.person.strip(), self.search.strip()))

    @property
    def ranges(self) -> list[Range]:
        """Give what the index is asked for."""
        names = {Kind.CATEGORY: self.category, Kind.STATE: self.state, Kind.PERSON: str(self.person_id or "")}
        found = [
            *(keys.same(kind, name) for kind, name in names.items() if name),
            *keys.beginning(Kind.SENDER, words.words(self.person).split()),
            *keys.beginning(Kind.WORD, words.words(self.search).split()),
        ]
        return found or [keys.any_of(Kind.STATE)]

    def fits(self, message: Message, decision: Decision | None) -> bool:
        """Say whether a message with its decision is what is wanted, but for the time."""
        return (
            self.category in ("", decision.category if decision else None)
            and self.state in ("", message.state)
            and self.person_id in (None, message.person_id)
            and (self.before is None or (message.id or 0) < self.before)
            and self._says(_texts(message, decision))
        )

    def _says(self, texts: Texts) -> bool:
        return (not self.search.strip() or words.begin_all(keys.searched(texts), words.words(self.search))) and (
            not self.person.strip() or words.begin_all(keys.sender(texts), words.words(self.person))
        )


def _texts(message: Message, decision: Decision | None) -> Texts:
    told = (message.subject, message.sender_address, message.sender_name, message.reason)
    return Texts(*told, decision.category, decision.summary, decision.reason) if decision else Texts(*told)


@dataclass(frozen=True)
class Entry:
    """One line of the log: a message with what was concluded of it."""

    message: Message
    decision: Decision | None
    turn: Turn | None
    actions: tuple[Action, ...] = field(default=())


def log(db: Database, wanted: Filter) -> list[Entry]:
    """List entries, the newest first; messages held or failed without a decision stand at their last change."""
    with closing(stream(db, wanted)) as found:
        return list(islice(found, wanted.limit))


def stream(db: Database, wanted: Filter) -> Generator[Entry, None, None]:
    """Give all entries, whatever the limit, the newest first, on one snapshot and a few at a time."""
    with db.read() as session:
        lowest = _lowest(session, wanted)
        if lowest is None or not wanted.can_be_met:
            return
        numbers = index.candidates(session, wanted.ranges, lowest)
        statement = _entries(wanted).where(col(LogEntry.number).in_(bindparam("numbers", expanding=True)))
        statement = statement.order_by(col(LogEntry.number).desc())
        while some := list(islice(numbers, TOGETHER)):
            yield from _fitting(session, session.exec(statement, params={"numbers": some}), wanted)


def newest_change(db: Database) -> int:
    """Give the number of the log's newest change."""
    with db.read() as session:
        return _newest_change(session)


def changes(db: Database, wanted: Filter, since: int) -> tuple[list[Entry], int]:
    """List the entries that have changed since that change, in its order, and give the number of the newest change."""
    with db.read() as session:
        newest = _newest_change(session)
        statement = _entries(wanted).where(col(LogEntry.changed).between(since + 1, newest))
        return _fitting(session, session.exec(statement.order_by(col(LogEntry.changed))), wanted), newest


def _newest_change(session: Session) -> int:
    return session.exec(select(func.max(LogEntry.changed))).one() or 0


def of_message(db: Database, message_id: int) -> Entry | None:
    """Give everything about one message."""
    with db.read() as session:
        rows = session.exec(_joined().where(col(Message.id) == message_id)).all()
        return next(iter(_with_actions(session, rows)), None)


def turns_of(db: Database, message_id: int) -> list[Turn]:
    """List all turns of a message, dropped ones too."""
    with db.read() as session:
        return list(session.exec(select(Turn).where(Turn.message_id == message_id).order_by(col(Turn.id))))


def of_case(db: Database, case_id: int, before: int, limit: int) -> list[Entry]:
    """List the case's messages before this one, the oldest first."""
    with db.read() as session:
        statement = _joined().where(col(Message.case_id) == case_id, col(Message.id) < before)
        rows = session.exec(statement.order_by(col(Message.id).desc()).limit(limit)).all()
        return _with_actions(session, rows[::-1])


def of_person(db: Database, person_id: int, before: int, wanted: str, limit: int) -> list[Entry]:
    """Search a person's earlier messages and the decisions on them, the newest first."""
    return log(db, Filter(search=wanted, limit=limit, person_id=person_id, before=before))


def acquaintance(db: Database, person_id: int | None, before: int) -> tuple[int, datetime | None]:
    """Count a person's messages before this one, and say since when they are known."""
    if person_id is None:
        return 0, None
    with db.read() as session:
        count = session.exec(
            select(func.count()).where(
                col(Message.person_id) == person_id, col(Message.id) < before, col(Message.about_id).is_(None)
            )
        ).one()
        return int(count), session.get_one(Person, person_id).first_seen_at


def _joined() -> Joined:
    """Select the messages with the decisions that stand: one that was withdrawn is none."""
    stands = and_(col(Decision.message_id) == col(Message.id), col(Decision.withdrawn_at).is_(None))
    return (
        select(Message, Decision, Turn)
        .join(Decision, stands, isouter=True)
        .join(Turn, col(Turn.id) == col(Decision.turn_id), isouter=True)
    )


def _entries(wanted: Filter) -> Joined:
    """Select what is in the log: by its numbers alone, for a database that sees more may go by something slower."""
    statement = (
        select(Message, Decision, Turn)
        .select_from(LogEntry)
        .join(Message, col(Message.id) == col(LogEntry.message_id))
        .join(Decision, col(Decision.id) == col(LogEntry.decision_id), isouter=True)
        .join(Turn, col(Turn.id) == col(Decision.turn_id), isouter=True)
        .where(col(LogEntry.closed_at).is_(None))
    )
    return statement.where(col(LogEntry.concluded_at) >= wanted.since) if wanted.since else statement


def _lowest(session: Session, wanted: Filter) -> int | None:
    """Give the number that what was concluded since then has at least; None where nothing was."""
    if wanted.since is None:
        return 0
    statement = select(LogEntry.number).where(col(LogEntry.reached_at) >= wanted.since)
    return session.exec(statement.order_by(col(LogEntry.reached_at), col(LogEntry.number)).limit(1)).first()


def _fitting(session: Session, rows: Iterable[Any], wanted: Filter) -> list[Entry]:
    """Leave what is wanted as it stands now: the index may know more of an entry than is still so."""
    return _with_actions(session, [row for row in rows if wanted.fits(*row[:2])])


def _with_actions(session: Session, rows: Sequence[Any]) -> list[Entry]:
    if not rows:
        return []
    ids = [message.id for message, _decision, _turn in rows]
    found: dict[int, list[Action]] = {}
    for action in session.exec(select(Action).where(col(Action.message_id).in_(ids)).order_by(col(Action.id))):
        found.setdefault(action.message_id, []).append(action)
    return [
        Entry(message, decision, turn, tuple(_standing(found.get(message.id, []), decision)))
        for message, decision, turn in rows
    ]


def _standing(actions: Sequence[Action], decision: Decision | None) -> list[Action]:
    """Leave out the actions of a decision that was withdrawn."""
    known = (None, decision.id if decision else None)
    return [action for action in actions if action.decision_id in known]


def of_lost_turns(db: Database, session_id: str, lost: str, settled: str) -> list[Entry]:
    """List what was decided in turns that the transcript lost, as long as no later turn has settled."""
    with db.read() as session:
        last = (
            select(func.max(Turn.id))
            .where(col(Turn.session_id) == session_id, col(Turn.state) == settled)
            .scalar_subquery()
        )
        statement = _joined().where(
            col(Turn.session_id) == session_id, col(Turn.state) == lost, col(Turn.id) > func.coalesce(last, 0)
        )
        return _with_actions(session, session.exec(statement.order_by(col(Message.id))).all())
