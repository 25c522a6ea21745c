"""Recall: what was said and learnt before that matters for the mail at hand.

It is the sender's own, their organisation's, or everyone's. Of a sender whom nobody knows, or who may be forged, only
the last is recalled.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice

from sqlmodel import Session

from daemon.embedding.base import Embedder
from daemon.house import Records
from daemon.judgement.briefing import Recollection
from daemon.judgement.casework import CaseState
from daemon.judgement.facts import Author, Sheet
from daemon.judgement.fusion import Likeness, fuse, weighed_words
from daemon.judgement.message import Message
from daemon.judgement.ranking import Candidate, Question, Scores, in_order, scores
from daemon.judgement.recall import (
    Recalled,
    document_source,
    question_of,
    questions_of,
    recalled_line,
    stems_of,
    within,
)
from daemon.judgement.words import likely_language, names
from knowledge import cases, facts, passages, people, vectors
from knowledge.passages import Found, Told
from knowledge.tables import Fact
from knowledge.tables import Message as Row
from knowledge.whose import EVERYONE, Whose

FOUND_LINES = 10
MOST_RANKED = 30
MOST_FACTS = 20  # of a person or an organisation, that are told whatever the mail is about: the newest
MOST_CASES = 5  # of the sender's, beside the one at hand: the newest
LONGEST_SUBJECT = 120  # characters
SHARES = 3  # of the room: for cases of and facts about the sender, for what was said, for what the company wrote down
NOTHING = "Nothing is remembered that has these words."


def recall(records: Records, row: Row, message: Message) -> Recollection:
    """Recall within the budget: what people wrote down, how it stands with the sender, what fits the mail best."""
    share = records.settings.knowledge.recall_tokens // SHARES
    questions = questions_of(message.subject, message.text, language(records, row, message))
    company, documents = _company(records, row, questions, share)
    if row.person_id is None:
        return Recollection(company=company, documents=documents)
    open_ones = within(_open_cases(records, row, row.person_id), share // 2)
    told = within([*open_ones, *_newest(records, facts.of_person(records.db, row.person_id))], share)
    # A fact is told once: what had no room among the newest may still be what the mail is about.
    found = search(records, questions, Whose(row.person_id))
    near = within([each for each in _told(records, found) if each not in told], share)
    learnt, said = _parted(near, {_of_passage(each) for each in found if each.fact_id is None})
    known, open_cases = _parted(told, open_ones)
    return Recollection((*known, *learnt), said, company, documents, open_cases)


def _company(
    records: Records, row: Row, questions: Sequence[Question], tokens: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Recall what people wrote down, and the documents; they compete for the same room, and are told apart.

    The newest about the sender's organisation take half of it at most; of the rest, what the mail's words come near.
    """
    organisation = people.organisation_of(records.db, row.person_id)
    newest = within(_newest(records, facts.of_organisation(records.db, organisation)), tokens // 2)
    found = search(records, questions, *_written_for(organisation))
    told = within([*newest, *(each for each in _told(records, found) if each not in newest)], tokens)
    return _parted(told, {_of_document(each) for each in found if each.document_id})


def _parted(told: Sequence[Recalled], others: Collection[Recalled]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write lines, those of the others apart."""
    return _lines(each for each in told if each not in others), _lines(each for each in told if each in others)


def _written_for(organisation: str | None) -> list[Whose]:
    """Say for whom that was written down which somebody of this organisation may be told."""
    return [Whose(organisation=organisation), EVERYONE] if organisation else [EVERYONE]


def _open_cases(records: Records, row: Row, person_id: int) -> Iterator[Recalled]:
    """Tell of the sender's other cases that are not closed, by what they wrote in them last.

    Without the state: what it was then, a replay could not tell.
    """
    for newest in cases.open_of(records.db, person_id, row, CaseState.CLOSED, MOST_CASES):
        how = f"they wrote last in message {newest.id}"
        yield Recalled(f"case {newest.case_id}", newest.received_at, how, newest.subject[:LONGEST_SUBJECT])


def _lines(told: Iterable[Recalled]) -> tuple[str, ...]:
    return tuple(map(recalled_line, told))


def _newest(records: Records, known: Sequence[Fact]) -> Iterator[Recalled]:
    """Tell of facts whatever the mail is about, as long as they hold."""
    today = records.clock().date()
    return islice((_of_fact(fact) for fact in known if _holds(fact, today)), MOST_FACTS)


def _told(records: Records, found: Sequence[Told]) -> Iterator[Recalled]:
    """Say what was found, the best first; without the facts that hold no more."""
    today = records.clock().date()
    known = facts.by_number(records.db, [each.fact_id for each in found if each.fact_id])
    for each in found:
        if each.document_id:
            yield _of_document(each)
        elif each.fact_id is None:
            yield _of_passage(each)
        elif (fact := known.get(each.fact_id)) and _holds(fact, today):
            yield _of_fact(fact)


def _holds(fact: Fact, today: date) -> bool:
    """Say whether a fact is still true; one of a day to come is told with that day."""
    return fact.valid_to is None or fact.valid_to >= today


def recall_by_words(records: Records, row: Row, message: Message, words: str) -> str:
    """Answer the tool: recall by the words that the model chose."""
    questions = question_of(words, language(records, row, message))
    theirs = [] if row.person_id is None else [Whose(row.person_id)]
    whose = [*theirs, *_written_for(people.organisation_of(records.db, row.person_id))]
    told = islice(_told(records, search(records, questions, *whose)), FOUND_LINES)
    return "\n".join(_lines(told)) or NOTHING


def search(records: Records, questions: Sequence[Question], *whose: Whose) -> list[Told]:
    """Find the passages of these owners, the best first."""
    stems = stems_of(questions)
    with records.db.read() as session:
        sets = [passages.find(session, each, stems) for each in whose]
        found, size = [_candidate(each) for some, _size in sets for each in some], sum(size for _some, size in sets)
        by_words = scores(questions, found, size)
        ranked = _fused(session, records.embedder, questions, by_words, whose) if records.embedder else _plain(by_words)
        best = [number for _score, number in ranked[:MOST_RANKED]]
        known = passages.get(session, best)
    return [known[number] for number in best]


def _plain(by_words: Scores) -> list[tuple[float, int]]:
    return in_order((max(each), number) for number, each in by_words.by_passage.items())


def _fused(
    session: Session, embedder: Embedder, questions: Sequence[Question], known: Scores, whose: Sequence[Whose]
) -> list[tuple[float, int]]:
    sets = [vectors.find(session, each, embedder.name) for each in whose] if questions else []
    kept = sorted(each for some in sets for each in some)
    values = embedder.likeness(weighed_words(questions, known), [each.vector for each in kept])
    like = [
        Likeness(each.number, each.case_id, _names(each.speaker), value)
        for each, value in zip(kept, values, strict=True)
    ]
    return fuse(questions, known, like)


def sheet(records: Records, row: Row, message: Message) -> Sheet:
    """Lay out what may be remembered in this turn."""
    if row.about_id:
        return Sheet(refusal="no mail is at hand")
    if row.person_id is None:
        return Sheet(refusal="the sender is not known")
    known = facts.of_person(records.db, row.person_id)
    # What a person wrote down, no mail can put right.
    standing = {fact.id or 0: fact.text for fact in known if fact.author == Author.EMPLOYEE}
    return Sheet(f"{message.subject}\n{message.text}", standing, language(records, row, message))


def language(records: Records, row: Row, message: Message) -> str:
    """Name the language of a mail; where it is too short to tell, that which its sender writes in."""
    known = people.get(records.db, row.person_id) if row.person_id else None
    return likely_language(message.text, known.person.language if known else "")


def _candidate(row: Found) -> Candidate:
    return Candidate(row.number, row.stems, row.label, f"{row.before} {row.behind}", _names(row.speaker))


_names = lru_cache(1_000)(names)  # the same few speakers, again and again


def _of_fact(row: Fact) -> Recalled:
    since = f", from {row.valid_from}" if row.valid_from else ""
    until = f"{since}, until {row.valid_to}" if row.valid_to else since
    about = f" about their organisation {row.organisation}" if row.organisation else ""
    author = ", by one of us" if row.author == Author.REVIEWER else ""
    return Recalled(f"fact {row.id}", row.recorded_at, f"{row.kind}{about}{until}{author}", row.text)


def _of_passage(row: Told) -> Recalled:
    return Recalled(f"message {row.message_id}", row.said_at, "we drafted" if row.ours else "they wrote", row.text)


def _of_document(row: Told) -> Recalled:
    return Recalled(document_source(row.speaker, row.heading), row.said_at, "says", row.text)
