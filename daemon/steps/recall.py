"""Recall: what was said and learnt before that matters for the mail at hand, of its sender alone."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from daemon.house import Records
from daemon.judgement.briefing import Recollection
from daemon.judgement.facts import Author, Sheet
from daemon.judgement.fusion import Likeness, fuse, weighed_words
from daemon.judgement.message import Message
from daemon.judgement.ranking import Candidate, Question, Scores, in_order, scores
from daemon.judgement.recall import Recalled, question_of, questions_of, recalled_line, stems_of, within
from daemon.judgement.words import likely_language, names
from knowledge import facts, passages, people, vectors
from knowledge.passages import Found
from knowledge.tables import Fact, Passage
from knowledge.tables import Message as Row

FOUND_LINES = 10
MOST_RANKED = 30
MOST_FACTS = 20  # of a person, that are told whatever the mail is about: the newest
SHARES = 3  # of the room: for facts about the sender, for what was said, and for what holds for everyone
NOTHING = "Nothing is remembered that has these words."
UNKNOWN = "The sender is not known."


def recall(records: Records, row: Row, message: Message) -> Recollection:
    """Recall within the budget: what holds for everyone, the newest facts about the sender, what fits the mail best."""
    share = records.settings.knowledge.recall_tokens // SHARES
    questions = questions_of(message.subject, message.text, language(records, row, message))
    company = _company(records, questions, share)
    if row.person_id is None:
        return Recollection(company=company)
    today = records.clock().date()
    known = [fact for fact in facts.of_person(records.db, row.person_id) if _holds(fact, today)][:MOST_FACTS]
    told = within(map(_of_fact, known), share)
    # A fact is told once, in one part or the other: what had no room above may still be what the mail is about.
    shown = frozenset(fact.id for fact in known if recalled_line(_of_fact(fact)) in told)
    found = [each for each in search(records, row.person_id, questions) if each.fact_id not in shown]
    return Recollection(tuple(told), tuple(within(map(_of_passage, found), share)), company)


def _company(records: Records, questions: Sequence[Question], tokens: int) -> tuple[str, ...]:
    """Recall what people wrote down for everyone, where the mail's words come near it."""
    today = records.clock().date()
    numbers = [each.fact_id or 0 for each in search(records, None, questions)]
    known = facts.by_number(records.db, numbers)
    holding = [known[number] for number in numbers if number in known and _holds(known[number], today)]
    return tuple(within(map(_of_fact, holding), tokens))


def _holds(fact: Fact, today: date) -> bool:
    """Say whether a fact is still true; one of a day to come is told with that day."""
    return fact.valid_to is None or fact.valid_to >= today


def recall_by_words(records: Records, row: Row, message: Message, words: str) -> str:
    """Answer the tool: recall by the words that the model chose."""
    if row.person_id is None:
        return UNKNOWN
    questions = question_of(words, language(records, row, message))
    found = search(records, row.person_id, questions)[:FOUND_LINES]
    return "\n".join(recalled_line(_of_passage(each)) for each in found) or NOTHING


def search(records: Records, person_id: int | None, questions: Sequence[Question]) -> list[Passage]:
    """Find a person's passages, the best first; without a person, those that are for everyone."""
    found, size = passages.find(records.db, person_id, stems_of(questions))
    known = scores(questions, map(_candidate, found), size)
    ranked = _ranked(records, person_id, questions, known)
    best = [number for _score, number in ranked[:MOST_RANKED]]
    rows = passages.get(records.db, best)
    return [rows[number] for number in best]


def _ranked(
    records: Records, person_id: int | None, questions: Sequence[Question], known: Scores
) -> list[tuple[float, int]]:
    if not records.embedder:
        return in_order((max(each), number) for number, each in known.by_passage.items())
    kept = vectors.find(records.db, person_id, records.embedder.name) if questions else []
    values = records.embedder.likeness(weighed_words(questions, known), [each.vector for each in kept])
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
    author = ", by one of us" if row.author == Author.REVIEWER else ""
    return Recalled(f"fact {row.id}", row.recorded_at, f"{row.kind}{until}{author}", row.text)


def _of_passage(row: Passage) -> Recalled:
    source = f"fact {row.fact_id}" if row.fact_id else f"message {row.message_id}"
    by = "remembered" if row.fact_id else "we drafted" if row.ours else "they wrote"
    return Recalled(source, row.said_at, by, row.text)
