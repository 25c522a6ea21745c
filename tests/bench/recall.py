"""How well and how fast is recalled: LoCoMo's questions over whole conversations, and the time against the size.

``python -m tests.bench.recall --data FILE.json`` measures how much of the evidence is among the first 5, 10 and 20
passages, through the code that briefs a turn (``daemon.steps.recall.search``): a conversation is one person's history,
each of its sessions a case. Without and with vectors, and beside them, in the same run, SQLite's FTS5 as it comes. The
data is not part of the project (LoCoMo, Maharana et al. 2024, CC BY-NC).

Without data, or as ``python -m tests.bench recall``, it measures the time alone: 100,000 facts and 100,000 messages of
1,000 people; and what the embedder takes.
"""

import argparse
import gc
import json
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from daemon.embedding.base import Embedder
from daemon.embedding.wordllama import WordLlama
from daemon.judgement.recall import passages_of, questions_of
from daemon.settings import Settings
from daemon.steps.embed import embed_batch
from daemon.steps.recall import search
from daemon.steps.remember import Voice, passage
from knowledge import migrate, passages, pieces
from knowledge.database import SQLITE, Database
from knowledge.tables import Case, Passage, Person
from knowledge.whose import Whose
from tests.bench.rows import Row, report
from tests.knowledge_server import serving

CUTS = (5, 10, 20)
TURN = re.compile(r"D\d+:\d+")
SESSION = re.compile(r"session_(\d+)")
PEOPLE, EACH, ASKED = 1_000, 100, 300  # passages of each kind a person; questions
HEAVY, MUCH = PEOPLE + 1, 10_000  # one who has written for years
NOW = datetime(2026, 11, 21, tzinfo=UTC)
NO_SETTINGS: Settings = Settings.model_construct()  # type: ignore[call-arg]  # the recall asks for none
MAIL = (
    "Hello,\n\nI hope you are doing well and had a good weekend. I have been thinking about our last talks and wanted "
    "to ask you something.\n\n{}\n\nThanks a lot and best regards,\nJo"
)
FORMAT = "%I:%M %p on %d %B, %Y"
# In a process of its own: how much memory the embedder takes once it has worked, in megabytes.
MEMORY = """
def resident():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * 4096 / 1e6
import daemon.steps.recall
before = resident()
from daemon.embedding.wordllama import WordLlama
embedder = WordLlama()
embedder.likeness([{f"word{number}": 1.0 for number in range(5000)}], [embedder.vector(["mail"])])
print(resident() - before)
"""


@dataclass(frozen=True)
class Said:
    """One turn of a conversation."""

    number: str
    speaker: str
    text: str
    at: datetime
    session: int


@dataclass(frozen=True)
class Asked:
    """A question with the turns that answer it."""

    words: str
    evidence: frozenset[str]


@dataclass(frozen=True)
class Records:
    """What the recall works with; it asks for no setting."""

    db: Database
    settings: Settings
    clock: Callable[[], datetime]
    embedder: Embedder | None = None


@contextmanager
def in_a_file() -> Iterator[Records]:
    """Give an empty knowledge database in a file."""
    with tempfile.TemporaryDirectory() as place:
        db = Database(Path(place) / "knowledge.db")
        migrate.upgrade(db)
        yield Records(db, NO_SETTINGS, lambda: NOW)
        db.close()


@contextmanager
def on_a_server() -> Iterator[Records]:
    """Give an empty knowledge database on a PostgreSQL as Debian sets it up."""
    with serving() as server:
        db = Database(server.copy())
        yield Records(db, NO_SETTINGS, lambda: NOW)
        db.close()


PLACES = {"SQLite": in_a_file, "PostgreSQL": on_a_server}


def conversations(path: Path) -> list[tuple[list[Said], list[Asked]]]:
    """Read LoCoMo's file; a question whose evidence names no turn is left out."""
    return [(_turns(entry["conversation"]), _questions(entry["qa"])) for entry in json.loads(path.read_text())]


def _turns(conversation: dict[str, Any]) -> list[Said]:
    numbers = sorted(int(found[1]) for key in conversation if (found := SESSION.fullmatch(key)))
    return [
        Said(turn["dia_id"], turn["speaker"], _words(turn), _time(conversation[f"session_{number}_date_time"]), number)
        for number in numbers
        for turn in conversation[f"session_{number}"]
    ]


def _words(turn: dict[str, Any]) -> str:
    return " ".join(filter(None, (turn["text"], turn.get("blip_caption", ""))))


def _time(words: str) -> datetime:
    return datetime.strptime(words, FORMAT).replace(tzinfo=UTC)


def _questions(entries: list[dict[str, Any]]) -> list[Asked]:
    asked = [Asked(str(entry["question"]), frozenset(TURN.findall(str(entry.get("evidence"))))) for entry in entries]
    return [question for question in asked if question.evidence]


def learn(records: Records, person: int, turns: Sequence[Said]) -> dict[int, str]:
    """Remember a conversation as a person's history; give the turn of each passage."""
    owner: dict[int, str] = {}
    with records.db.write() as session:
        session.add(Person(id=person, first_seen_at=NOW, last_seen_at=NOW))
        for number in {turn.session for turn in turns}:
            session.add(Case(id=person * 1000 + number, subject="", opened_at=NOW, updated_at=NOW))
        session.flush()
        for turn in turns:
            rows = [_row(person, turn, piece) for piece in passages_of(turn.text)]
            passages.add(session, rows)
            owner |= {row.id or 0: turn.number for row in rows}
    return owner


def _row(person: int, turn: Said, piece: str) -> Passage:
    row = passage(piece, Voice(turn.speaker, turn.at, "", "en"), NOW)
    row.person_id, row.case_id = person, person * 1000 + turn.session
    return row


Finder = Callable[[str], list[str]]


def embed_all(records: Records, embedder: Embedder) -> Records:
    """Give each passage its vector, as the service does in the background."""
    while embed_batch(records.db, embedder):
        pass
    return replace(records, embedder=embedder)


def ours(records: Records, person: int, owner: dict[int, str], form: str) -> Finder:
    """Find as a turn is briefed; ``form`` is what is put around the question."""

    def find(words: str) -> list[str]:
        found = search(records, questions_of("", form.format(words), "en"), Whose(person))
        return list(dict.fromkeys(owner[row.id or 0] for row in found))

    return find


def fts5(turns: Sequence[Said], joint: str, tokenize: str) -> Finder:
    """Find with SQLite's FTS5 as it comes, the words of the question joined so."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE said USING fts5(words, tokenize = '{tokenize}')")
    db.executemany("INSERT INTO said (rowid, words) VALUES (?, ?)", enumerate(turn.text for turn in turns))

    def find(words: str) -> list[str]:
        wanted = joint.join(f'"{word}"' for word in re.findall(r"\w+", words))
        found = db.execute("SELECT rowid FROM said WHERE said MATCH ? ORDER BY rank LIMIT 50", (wanted,))
        return [turns[number].number for (number,) in found]

    return find


@dataclass
class Score:
    """What came of the questions so far."""

    recall: dict[int, list[float]]
    reciprocal: list[float]
    seconds: list[float]

    def add(self, finder: Finder, asked: Asked) -> None:
        """Ask one question."""
        started = time.perf_counter()
        found = finder(asked.words)
        self.seconds.append(time.perf_counter() - started)
        for cut in CUTS:
            self.recall[cut].append(len(asked.evidence & set(found[:cut])) / len(asked.evidence))
        first = next((place for place, number in enumerate(found, start=1) if number in asked.evidence), None)
        self.reciprocal.append(1 / first if first else 0.0)


def locomo(path: Path) -> list[Row]:
    """Ask all questions of all conversations, in each way."""
    scores: dict[str, Score] = {}
    embedder = WordLlama()
    with in_a_file() as records:
        for person, (turns, questions) in enumerate(conversations(path), start=1):
            owner = learn(records, person, turns)
            vectors = embed_all(records, embedder)
            _settle()
            ways = {
                "FTS5 as it comes, all words": fts5(turns, " ", "unicode61"),
                "FTS5, any word, Porter": fts5(turns, " OR ", "porter unicode61"),
                "clerkd, lexical": ours(records, person, owner, "{}"),
                "clerkd, with vectors": ours(vectors, person, owner, "{}"),
                "clerkd, lexical, within a whole mail": ours(records, person, owner, MAIL),
                "clerkd, with vectors, within a whole mail": ours(vectors, person, owner, MAIL),
            }
            for name, finder in ways.items():
                score = scores.setdefault(name, Score({cut: [] for cut in CUTS}, [], []))
                for question in questions:
                    score.add(finder, question)
    return [row for name, score in scores.items() for row in _rows(name, score)]


def _rows(name: str, score: Score) -> Iterator[Row]:
    count = len(score.reciprocal)
    for cut in CUTS:
        note = f"{count} questions"
        yield Row(f"recall@{cut}: {name}", 100 * statistics.mean(score.recall[cut]), "%", "-", note)
    yield Row(f"recall MRR: {name}", statistics.mean(score.reciprocal), "-", "-", f"{count} questions")
    yield from _times(f"recall: {name}", score.seconds, "-")


def _times(name: str, seconds: Sequence[float], aim: str) -> Iterator[Row]:
    ordered = sorted(seconds)
    yield Row(f"{name}, p50", 1000 * ordered[len(ordered) // 2], "ms", "-", f"{len(ordered)} questions")
    yield Row(f"{name}, p95", 1000 * ordered[int(0.95 * len(ordered))], "ms", aim, f"{len(ordered)} questions")


def speed(kind: str) -> list[Row]:
    """Time the recall among 100,000 facts and 100,000 messages; the words are drawn as they are in a language."""
    chance = random.Random(7)
    vocabulary = [f"word{number}" for number in range(20_000)]
    weights = list(accumulate(1 / (number + 1) for number in range(20_000)))

    def words(count: int) -> str:
        return " ".join(chance.choices(vocabulary, cum_weights=weights, k=count))

    def mail() -> str:
        return f"{words(12)}. {words(9)}? {words(15)}."

    with PLACES[kind]() as records:
        for person in range(1, PEOPLE + 1):
            _fill(records, person, [words(12) for _ in range(EACH)], [words(80) for _ in range(EACH)])
        _fill(records, HEAVY, [words(12) for _ in range(MUCH)], [words(80) for _ in range(MUCH)])
        _tidy(records.db)
        asked = [(chance.randint(1, PEOPLE), mail()) for _ in range(ASKED)]
        _settle()
        rows = list(_asked(records, asked, f"{kind}, lexical"))
        started, embedder = time.perf_counter(), WordLlama()
        vectors = embed_all(records, embedder)
        _settle()
        each = 1e6 * (time.perf_counter() - started) / (2 * (PEOPLE * EACH + MUCH))
        rows += _asked(vectors, asked, f"{kind}, with vectors")
        started = time.perf_counter()
        embed_batch(records.db, embedder)
        looked = 1000 * (time.perf_counter() - started)
    noted = f"{2 * (PEOPLE * EACH + MUCH):,} passages"
    return [
        *rows,
        Row(f"recall: a passage is given its vector, {kind}", each, "µs", "-", noted),
        Row(f"recall: a look for passages without a vector, {kind}", looked, "ms", "-", noted),
    ]


def _tidy(db: Database) -> None:
    """Join the pieces of the index, as the service does four times a day; PostgreSQL's has none."""
    begin = pieces.are_many(db)
    while begin and pieces.join(db, begin=True):
        begin = False
    while db.kind == SQLITE and pieces.join(db, begin=False):
        pass


def _settle() -> None:
    """Keep what is loaded out of every garbage collection, as the service does at its start."""
    gc.collect()
    gc.freeze()


def _asked(records: Records, asked: Sequence[tuple[int, str]], how: str) -> Iterator[Row]:
    """Ask for ordinary people, then for the one who wrote much."""
    among = f"recall among {2 * PEOPLE * EACH:,} passages of {PEOPLE:,} people, {how}"
    of_one = f"recall of one person with {2 * MUCH:,} passages beside them, {how}"
    yield from _times(among, [_seconds(records, person, text) for person, text in asked], "at most 10")
    yield from _times(of_one, [_seconds(records, HEAVY, text) for _person, text in asked], "-")


def _megabytes() -> float:
    return float(subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True).stdout)


def _seconds(records: Records, person: int, text: str) -> float:
    started = time.perf_counter()
    search(records, questions_of("", text, "en"), Whose(person))
    return time.perf_counter() - started


def _fill(records: Records, person: int, facts: Sequence[str], mails: Sequence[str]) -> None:
    with records.db.write() as session:
        session.add(Person(id=person, first_seen_at=NOW, last_seen_at=NOW))
        session.flush()
        said = [*facts, *mails]
        rows = [passage(text, Voice("Ada", NOW - timedelta(days=at), "", "en"), NOW) for at, text in enumerate(said)]
        for row in rows:
            row.person_id = person
        passages.add(session, rows)


def main() -> None:
    """Measure the time alone: the data is not part of the project."""
    for kind in PLACES:
        report(speed(kind))
    report([Row("recall: memory of the embedder", _megabytes(), "MB", "-", "5,000 words remembered")])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="LoCoMo's conversations, as a JSON file")
    given = parser.parse_args()
    if given.data:
        report(locomo(given.data))
    else:
        main()
