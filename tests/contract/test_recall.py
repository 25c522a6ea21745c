"""Recall finds and ranks alike on both kinds of knowledge database, for any mail and anybody."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.embedding.base import Embedder
from daemon.embedding.wordllama import WordLlama
from daemon.judgement.recall import questions_of
from daemon.settings import Settings
from daemon.steps.embed import embed_batch
from daemon.steps.recall import search
from daemon.steps.remember import Voice, passage
from knowledge import facts, migrate, passages
from knowledge.database import Database
from knowledge.tables import Case, Fact, Passage, Person
from knowledge.whose import EVERYONE, Whose
from tests.bench.recall import Records
from tests.knowledge.rows import NOW, after
from tests.knowledge_server import KnowledgeServer

PEOPLE, SAID, ASKED, TOP = 12, 40, 60, 10
NO_SETTINGS: Settings = Settings.model_construct()  # type: ignore[call-arg]  # the recall asks for none
WORDS = {
    "en": "when does the blue boat arrive with our pumps and invoices order Q-1042 paid refund late Monday harbour",
    "de": "wann kommen die blauen Boote mit unseren Pumpen und Rechnungen bezahlt Bestellung verspätet Hafen Größe",
    "fr": "quand arrivent les bateaux bleus avec nos pompes et factures payées commande retard lundi port élève",
    "ru": "когда придут синие лодки насосами счетами оплачен заказ поздно понедельник порт",
}


@dataclass(frozen=True)
class Said:
    """Something that was said, by whom and in which language."""

    person: int | None
    text: str
    language: str


def sentence(chance: random.Random, language: str) -> str:
    """Draw a sentence, with a number now and then."""
    drawn = chance.choices(WORDS[language].split(), k=chance.randint(4, 14))
    return f"{' '.join(drawn)} {chance.randint(1, 40)}{chance.choice('.?!')}"


def corpus(chance: random.Random) -> list[Said]:
    """Draw what people said, and what holds for everyone."""
    whose = [*range(1, PEOPLE + 1), None]
    languages = [chance.choice(list(WORDS)) for _ in range(SAID * len(whose))]
    return [Said(chance.choice(whose), sentence(chance, language), language) for language in languages]


def fill(db: Database, said: Sequence[Said]) -> None:
    """Write it down, the same in each database; every seventh is closed again."""
    with db.write() as session:
        session.add_all(Person(id=number, first_seen_at=NOW, last_seen_at=NOW) for number in range(1, PEOPLE + 1))
        session.add_all(Case(id=number, subject="", opened_at=NOW, updated_at=NOW) for number in range(1, PEOPLE + 1))
        session.flush()
        for number, each in enumerate(said):
            row: Passage = passage(
                each.text, Voice(f"Speaker {number % 3}", after(-3600 * number), "", each.language), NOW
            )
            row.person_id, row.case_id = each.person, each.person
            if each.person is None:
                fact = Fact(kind="identity", text=each.text, author="reviewer", recorded_at=NOW)
                session.add(fact)
                session.flush()
                row.fact_id = fact.id
            passages.add(session, [row])
            if number % 7 == 0 and row.fact_id:
                facts._close(session, row.fact_id, None, None, NOW)


@pytest.fixture
def both(tmp_path: Path, knowledge_server: KnowledgeServer) -> Iterator[list[Database]]:
    """Give the same memory in a file and on a server."""
    said = corpus(random.Random(11))
    with closing(Database(tmp_path / "knowledge.db")) as file, closing(Database(knowledge_server.copy())) as served:
        migrate.upgrade(file)
        for db in (file, served):
            fill(db, said)
        yield [file, served]


def found(db: Database, embedder: Embedder | None) -> list[list[int]]:
    """Ask for several people, each with what is for everyone, and give the ten best of each."""
    chance = random.Random(13)
    records = Records(db, NO_SETTINGS, lambda: NOW, embedder)
    while embedder and embed_batch(db, embedder):
        pass
    answers = []
    for number in range(ASKED):
        language = chance.choice(list(WORDS))
        questions = questions_of("", " ".join(sentence(chance, language) for _ in range(3)), language)
        answers.append([row.id for row in search(records, questions, Whose(1 + number % PEOPLE), EVERYONE)[:TOP]])
    return answers


@pytest.mark.exhaustive
@pytest.mark.parametrize("embedder", [None, WordLlama], ids=["words", "vectors"])
def test_the_ten_best_are_the_same_on_both(both: list[Database], embedder: type[WordLlama] | None) -> None:
    """Words are made and passages scored in Python, so that no database has a say in the order."""
    first, second = (found(db, embedder() if embedder else None) for db in both)
    assert first == second
    assert sum(map(len, first)) > ASKED * TOP / 2
