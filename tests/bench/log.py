"""How long the decision log takes to be searched at 1,000,000 decisions, on SQLite and on PostgreSQL.

The rows are made up (``tests.bench.logged``): words as common as words are (Zipf), names, addresses, order numbers; of
16 years, with some mails that were held without a decision. They are indexed by the migration, as those of an older
database are. Asked is by ``knowledge.decisions``, as ``clerkd log`` does: single filters, several together, rare,
common and absent words, beginnings of words. PostgreSQL has the same rows and gets the same questions.

``python -m tests.bench.log 20000`` does the same with fewer decisions, ``… 1000000 PostgreSQL`` on one database alone.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import text

from knowledge import decisions, logbook, migrate, turns
from knowledge.database import Database
from knowledge.decisions import Filter
from knowledge.tables import Decision, Message
from knowledge.turns import Conclusion, Step
from tests.bench.logged import CATEGORIES, MESSAGE, Log
from tests.bench.rows import Row, report
from tests.knowledge.indexing import index_anew
from tests.knowledge_server import serving

SIZE = 1_000_000
EACH = 12  # questions of a kind
WRITTEN = 200  # decisions, with the index and without


@contextmanager
def sqlite() -> Iterator[Database]:
    """Give an empty database in a file."""
    with tempfile.TemporaryDirectory() as place:
        db = Database(Path(place) / "knowledge.db")
        migrate.upgrade(db)
        yield db
        db.close()


def fill(db: Database) -> float:
    """Index what is there, as the migration does; give the seconds."""
    begun = time.perf_counter()
    index_anew(db)
    return time.perf_counter() - begun


def questions(log: Log) -> dict[str, list[Filter]]:
    """Think up what is asked, by kinds."""
    chance = random.Random(11)
    last = log.at(log.size)

    def word(lowest: int, highest: int) -> str:
        return log.words[chance.randrange(lowest, min(highest, len(log.words)))]

    def common() -> str:
        return word(0, 30)

    def rare() -> str:
        return word(5_000, 60_000)

    def since() -> Any:
        return last - timedelta(hours=chance.choice((1, 6, 24, 200, 2_000, 20_000, 120_000)))

    def category() -> str:
        return chance.choice(list(CATEGORIES))

    def person() -> tuple[str, str]:
        return log.people[int(len(log.people) * chance.random() ** 4)]

    def order() -> str:
        return f"{chance.choice('QRST')}-{chance.randrange(10_000, 10_000 + log.size)}"

    kinds: dict[str, Callable[[], Filter]] = {
        "everything": Filter,
        "since": lambda: Filter(since=since()),
        "category": lambda: Filter(category=category()),
        "state": lambda: Filter(state=chance.choice(("done", "escalated", "held", "failed", "decided", "screened"))),
        "address": lambda: Filter(person=person()[1]),
        "name": lambda: Filter(person=person()[0]),
        "beginning of a name": lambda: Filter(person=person()[0][: chance.randrange(1, 5)]),
        "domain": lambda: Filter(person=chance.choice((*log.domains[:50], "example"))),
        "common word": lambda: Filter(search=common()),
        "rare word": lambda: Filter(search=rare()),
        "absent word": lambda: Filter(search=f"{rare()}xx"),
        "order number": lambda: Filter(search=order()),
        "beginning": lambda: Filter(search=word(0, 60_000)[: chance.randrange(1, 6)]),
        "two common words": lambda: Filter(search=f"{common()} {common()}"),
        "common and rare word": lambda: Filter(search=f"{common()} {rare()}"),
        "two rare words": lambda: Filter(search=f"{rare()} {rare()}"),
        "three words": lambda: Filter(search=f"{common()} {word(30, 500)} {word(500, 3_000)}"),
        "rare word and a letter": lambda: Filter(search=f"{word(500, 60_000)} {rare()[0]}"),
        "category and word": lambda: Filter(category=category(), search=word(0, 60_000)),
        "state and word": lambda: Filter(state=chance.choice(("held", "escalated")), search=word(0, 3_000)),
        "never together": lambda: Filter(category="newsletter", search="1", state="screened"),
        "person and word": lambda: Filter(person=person()[1], search=common()),
        "since and word": lambda: Filter(since=since(), search=word(0, 60_000)),
        "category, state and since": lambda: Filter(category=category(), state="escalated", since=since()),
        "all filters": lambda: Filter(since(), category(), person()[1], "done", common()),
        "a person's, for the employee": lambda: Filter(person_id=chance.randrange(1, 200), search=rare(), limit=10),
    }
    return {name: [make() for _ in range(EACH)] for name, make in kinds.items()}


@dataclass(frozen=True)
class Times:
    """How long the questions took, in milliseconds, each with its kind."""

    taken: Sequence[tuple[float, str]]

    def rows(self, name: str, size: int) -> Iterator[Row]:
        """Give the figures."""
        ordered = sorted(self.taken)
        worst = ", ".join(f"{kind} {ms:.0f}" for ms, kind in ordered[-3:])
        of = f"{len(ordered)} questions, {size:,} decisions"
        yield Row(f"log search, {name}, p50", ordered[len(ordered) // 2][0], "ms", "-", of)
        yield Row(f"log search, {name}, p95", ordered[int(0.95 * len(ordered))][0], "ms", "at most 50", of)
        yield Row(f"log search, {name}, longest", ordered[-1][0], "ms", "-", worst)


def ask(db: Database, asked: dict[str, list[Filter]]) -> Times:
    """Ask each question once."""
    decisions.log(db, Filter(limit=1))
    taken = []
    for kind, filters in asked.items():
        for wanted in filters:
            begun = time.perf_counter()
            decisions.log(db, wanted)
            taken.append((1000 * (time.perf_counter() - begun), kind))
    return Times(taken)


def follow(db: Database) -> float:
    """Look for what has changed, as ``--follow`` does each second; give the milliseconds."""
    newest = decisions.newest_change(db)
    begun = time.perf_counter()
    for _ in range(100):
        decisions.changes(db, Filter(), newest)
    return 10 * (time.perf_counter() - begun)


def write(db: Database, log: Log) -> tuple[float, float]:
    """Write decisions, every second one without the index; give the milliseconds of one with and of one without."""
    spent = {True: 0.0, False: 0.0}
    for number in range(log.size + 1, log.size + 1 + 2 * WRITTEN):
        received(db, number, log)
        indexed = bool(number % 2)
        begun = time.perf_counter()
        if indexed:
            decide(db, number, log)
        else:
            with mock.patch.object(logbook, "enter"):
                decide(db, number, log)
        spent[indexed] += 1000 * (time.perf_counter() - begun)
    return spent[True] / WRITTEN, spent[False] / WRITTEN


def received(db: Database, number: int, log: Log) -> None:
    """Put a message on the ledger."""
    name, address = log.people[number % len(log.people)]
    now = log.at(number)
    read = {"id": number, "uid": number, "subject": log.said(6), "sender_address": address, "sender_name": name}
    told = {"state": "screened", "person_id": 1, "correspondents": [], "removed": []}
    with db.write() as session:
        session.add(Message(**(MESSAGE | read | told | {"received_at": now, "updated_at": now})))


def decide(db: Database, number: int, log: Log) -> None:
    """Decide on it."""
    decision = Decision(id=number, message_id=number, category="question", priority="normal", summary=log.said(14),
                        reason=log.said(12), confidence=0.9, decided_at=log.at(number))  # fmt: skip
    turns.conclude(db, number, Step("screened", "decided"), Conclusion(decision), log.at(number))


def size_of_index(db: Database) -> float:
    """Give the megabytes of the index, as near as the database tells."""
    with db.read() as session:
        if db.engine.dialect.name == "sqlite":
            sizes = "SELECT sum(pgsize) FROM dbstat WHERE name = 'log_words'"
        else:
            sizes = "SELECT pg_total_relation_size('log_words')"
        return float(session.connection().execute(text(sizes)).scalar() or 0) / 1e6


def measure(name: str, db: Database, log: Log) -> Iterator[Row]:
    """Do all of it on one database."""
    log.write(db.writer)
    note = f"{log.size:,} decisions"
    yield Row(f"log index, {name}, made by the migration", fill(db), "s", "-", note)
    if db.engine.dialect.name != "sqlite":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    yield Row(f"log index, {name}", size_of_index(db), "MB", "-", note)
    yield from ask(db, questions(log)).rows(name, log.size)
    yield Row(f"log --follow, {name}, a look", follow(db), "ms", "-", note)
    indexed, bare = write(db, log)
    yield Row(f"log, {name}, a decision written", indexed, "ms", "-", f"{bare:.2f} ms without the index")


@contextmanager
def postgresql() -> Iterator[Database]:
    """Give an empty database on a server of its own."""
    with serving() as server, closing(Database(server.copy())) as db:
        yield db


DATABASES = {"SQLite": sqlite, "PostgreSQL": postgresql}


def main(size: int = SIZE, only: str = "") -> None:
    """Measure on both databases, or on one of them."""
    rows: list[Row] = []
    for name in [only] if only else DATABASES:
        with DATABASES[name]() as db:
            rows += measure(name, db, Log(size))
    report(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE, *sys.argv[2:3])
