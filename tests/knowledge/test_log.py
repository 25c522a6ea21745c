"""The decision log is searched by its index: it finds what a look at every row finds, in the same order."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import col, select

from knowledge import blocks, decisions, index, people, screenings, sessions, turns
from knowledge.database import Database
from knowledge.decisions import Filter
from knowledge.screenings import Screened
from knowledge.tables import Decision, Message, Person, PersonAddress, Turn
from knowledge.turns import Conclusion, Step
from tests.bed import _empty_database
from tests.knowledge.indexing import index_anew
from tests.knowledge.rows import (
    action_row,
    after,
    closed,
    decision_row,
    findings,
    live,
    placing,
    received,
    stored,
    turn_row,
)
from tests.knowledge.test_rollbacks import back
from tests.knowledge_server import KnowledgeServer, empty

WORDS = ("refund", "Refunds", "late", "later", "order", "no", "Q-1042", "q-10", "grinder")
SENDERS = {"ada@quill.example": "Ada Quill", "bo@quill.example": "Bo", "ada@tern.example": "Ada T. Tern"}
STANDING = ("settled", "lost")


@dataclass
class Clerk:
    """Does with a log what a service does, a second later each time."""

    db: Database
    clock: Iterator[int] = field(default_factory=lambda: count(1))
    uids: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self) -> datetime:
        """Give the time: never the same one twice."""
        return after(next(self.clock))

    def file(self, said: str, sender: str, category: str) -> None:
        """Receive a mail, and let a rule decide on it."""
        row, now = received(self.db, uid := next(self.uids)), self.now()
        decision = decision_row(row, category=category, summary=said, reason="", decided_at=now)
        self._screen(row, uid, Step("received", "decided"), said, sender, Conclusion(decision), now)

    def hold(self, said: str, sender: str, category: str) -> None:
        """Receive a mail, and hold it."""
        row, now = received(self.db, uid := next(self.uids)), self.now()
        self._screen(row, uid, Step("received", "held", category), said, sender, None, now)

    def settle(self, said: str, sender: str, category: str) -> None:
        """Receive a mail, and have the model decide on it."""
        row, now = received(self.db, uid := next(self.uids)), self.now()
        self._screen(row, uid, Step("received", "screened"), said, sender, None, now)
        self.decide(row.id or 0, said, category)

    def decide(self, number: int, said: str, category: str) -> None:
        """Have the model decide on a mail that was screened."""
        row, session = stored(self.db, number), sessions.live(self.db, "live")
        if session is None or row.state != "screened":
            return
        turn = turn_row(row, session, started_at=self.now())
        turn = turns.open_turn(self.db, turn, Step("screened", "asking"), self.now())
        turn, now = closed(turn, head_offset=100 * (turn.id or 0)), self.now()
        decision = decision_row(row, turn_id=turn.id, category=category, summary="", reason=said, decided_at=now)
        concluded = Conclusion(decision, [action_row(row)])
        turns.settle(
            self.db,
            turn,
            open_state="open",
            held_by=session,
            concluded=concluded,
            step=Step("asking", "decided"),
            now=now,
        )

    def move(self, number: int, target: str, reason: str) -> None:
        """Move a mail; one that is decided is not put to the model again."""
        entry = decisions.of_message(self.db, number)
        if entry and not (target == "screened" and entry.decision):
            turns.step(self.db, number, Step(entry.message.state, target, reason), [], self.now())

    def roll_back(self, number: int) -> None:
        """Set the session back to before the decision on a mail."""
        with self.db.read() as session:
            theirs = select(Turn).where(Turn.message_id == number, col(Turn.state).in_(STANDING))
            turn = session.exec(theirs.order_by(col(Turn.id).desc())).first()
        if turn:
            back(self.db, turn, self.now())

    def unite(self, one: str, other: str) -> None:
        """Say that two senders are one person."""
        with self.db.write() as session:
            persons = [session.get(PersonAddress, address) for address in (one, other)]
            kept, merged = (session.get_one(Person, row.person_id) if row else None for row in persons)
            if kept and merged and kept is not merged:
                people.merge(session, kept, merged)

    def divide(self, address: str) -> None:
        """Say that an address is somebody else's."""
        with self.db.write() as session:
            row = session.get(PersonAddress, address)
            theirs = select(PersonAddress).where(PersonAddress.person_id == row.person_id) if row else None
            if row and theirs is not None and len(session.exec(theirs).all()) > 1:
                people.split(session, session.get_one(Person, row.person_id), address)

    def _screen(
        self, row: Message, uid: int, step: Step, said: str, sender: str, concluded: Conclusion | None, now: datetime
    ) -> None:
        found = findings(uid, subject=f"{said} {uid}", sender_address=sender, sender_name=SENDERS[sender])
        screenings.write(self.db, row, Screened(found, placing(uid), step, concluded), now)


def words_of(text: str) -> list[str]:
    """Divide a plain text."""
    return re.findall("[a-z0-9]+", text.lower())


def looked_through(db: Database, wanted: Filter) -> list[int]:
    """Look at every message and every decision, and give the numbers of the messages that fit."""
    with db.read() as session:
        standing = {row.message_id: row for row in session.exec(select(Decision)) if row.withdrawn_at is None}
        rows = [(row, standing.get(row.id or 0)) for row in session.exec(select(Message))]
    known = [(concluded(*row), *row) for row in rows if row[1] or row[0].reason]
    fitting = [(at, message.id or 0) for at, message, decision in known if fits(at, message, decision, wanted)]
    return [number for _at, number in sorted(fitting, reverse=True)][: wanted.limit]


def concluded(message: Message, decision: Decision | None) -> datetime:
    """Say when a message was concluded."""
    return decision.decided_at if decision else message.updated_at


def fits(at: datetime, message: Message, decision: Decision | None, wanted: Filter) -> bool:
    """Hold one row against a filter, by plain means."""
    said = [message.subject, message.reason]
    said += [decision.category, decision.summary, decision.reason] if decision else []
    return (
        (wanted.since is None or at >= wanted.since)
        and wanted.category in ("", decision.category if decision else None)
        and wanted.state in ("", message.state)
        and wanted.person_id in (None, message.person_id)
        and (wanted.before is None or (message.id or 0) < wanted.before)
        and holds(" ".join(said), wanted.search)
        and holds(f"{message.sender_name} {message.sender_address}", wanted.person)
    )


def holds(text: str, wanted: str) -> bool:
    """Say whether each word begins one of the text; one with a sign begins with its parts, one behind the other."""
    plain = " ".join(words_of(text))
    return all(re.search(rf"\b{' '.join(words_of(word))}", plain) for word in wanted.split())


def found(db: Database, wanted: Filter) -> list[int]:
    """Search the log."""
    return [entry.message.id or 0 for entry in decisions.log(db, wanted)]


SAID = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
SENDER, CATEGORY = st.sampled_from(sorted(SENDERS)), st.sampled_from(("question", "order", "complaint"))
NUMBER = st.integers(0, 9)
NEW = st.tuples(st.sampled_from(("file", "hold", "settle")), SAID, SENDER, CATEGORY)
CHANGES = st.one_of(
    st.tuples(st.just("decide"), NUMBER, SAID, CATEGORY),
    st.tuples(
        st.just("move"), NUMBER, st.sampled_from(("held", "screened", "done")), st.sampled_from(("", "order late"))
    ),
    st.tuples(st.just("roll_back"), NUMBER),
    st.tuples(st.just("unite"), SENDER, SENDER),
    st.tuples(st.just("divide"), SENDER),
)
FILTER = st.just(Filter()) | st.builds(
    Filter,
    since=st.none() | st.integers(0, 40).map(after),
    category=st.just("") | CATEGORY,
    person=st.sampled_from(("", "", "ada", "ad quill", "tern.example", "bo@quill.example", "example", "x")),
    state=st.sampled_from(("", "", "decided", "held", "done", "screened")),
    search=st.sampled_from(
        ("", "", "refund", "refunds", "late", "o", "q-10", "q-1042", "1042", "late order", "grin x")
    ),
    limit=st.sampled_from((1, 2, 50)),
    person_id=st.none() | st.integers(1, 4),
    before=st.none() | st.integers(1, 8),
)


FILTERS = st.lists(FILTER, min_size=4, max_size=8)


def happen(clerk: Clerk, happenings: list[tuple[Any, ...]]) -> None:
    """Let things happen, one after the other; what is about no mail that is there does not."""
    for kind, *arguments in happenings:
        if isinstance(arguments[0], int):
            numbers = [row.id or 0 for row in every(clerk.db)]
            if not numbers:
                continue
            arguments[0] = numbers[arguments[0] % len(numbers)]
        getattr(clerk, kind)(*arguments)


def every(db: Database) -> list[Message]:
    """List all messages."""
    with db.read() as session:
        return list(session.exec(select(Message).order_by(col(Message.id))))


@contextmanager
def on_sqlite() -> Iterator[Database]:
    """Give a database in a file, which need not outlive a loss of power."""
    with TemporaryDirectory() as place:
        path = Path(place) / "knowledge.db"
        path.write_bytes(_empty_database())
        db = Database(path)
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF").close())
        yield db
        db.close()


@contextmanager
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let there be many blocks of a few entries each, which are looked at one by one."""
    with monkeypatch.context() as patch:
        for module, name, value in (
            *((blocks, "SIZE", 8), (blocks, "ALL", 2**8 - 1), (blocks, "WIDE", 1)),
            *((index, "FIRST_BLOCKS", 1), (index, "MOST_BLOCKS", 2), (index, "FEW", 1), (decisions, "TOGETHER", 2)),
        ):
            patch.setattr(module, name, value)
        yield


@pytest.fixture(scope="module")
def on_a_server(knowledge_server: KnowledgeServer) -> Iterator[Database]:
    """Give a database on PostgreSQL."""
    db = Database(knowledge_server.copy())
    yield db
    db.close()


def check(db: Database, happenings: list[tuple[Any, ...]], filters: list[Filter]) -> None:
    """Let things happen and ask; once more with the index that the migration would make."""
    live(db)
    happen(Clerk(db), happenings)
    expected = [looked_through(db, wanted) for wanted in filters]
    assert [found(db, wanted) for wanted in filters] == expected
    index_anew(db)
    assert [found(db, wanted) for wanted in filters] == expected


HAPPENINGS = st.lists(NEW, min_size=1, max_size=6).flatmap(
    lambda new: st.lists(NEW | CHANGES, max_size=10).map(lambda more: [*new, *more])
)


@pytest.mark.exhaustive
@settings(max_examples=15)
@given(HAPPENINGS, FILTERS)
def test_whatever_happens_the_index_finds_what_a_look_at_every_row_finds(
    happenings: list[tuple[Any, ...]], filters: list[Filter]
) -> None:
    """Decided, held, queued again, rolled back, decided anew: with every filter, in the same order."""
    with pytest.MonkeyPatch.context() as patch, small(patch), on_sqlite() as db:
        check(db, happenings, filters)


@pytest.mark.exhaustive
@settings(max_examples=20)
@given(happenings=HAPPENINGS, filters=FILTERS)
def test_on_postgresql_it_finds_the_same(
    on_a_server: Database, happenings: list[tuple[Any, ...]], filters: list[Filter]
) -> None:
    """The statements are the same ones."""
    empty(on_a_server)
    check(on_a_server, happenings, filters)
