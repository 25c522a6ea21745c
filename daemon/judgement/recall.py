"""Recall: from a mail to questions, from a text to passages, and from what was found to lines for the prompt."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.judgement.handover import BYTES_PER_TOKEN
from daemon.judgement.quoting import quoted
from daemon.judgement.ranking import Question
from daemon.judgement.words import names, stems, terms

LONGEST_PASSAGE = 600  # characters
LONGEST_NAME, LONGEST_HEADING = 120, 200  # characters, of a document's name and headings as they are told
MOST_PASSAGES = 20  # of one text: what stands behind 12,000 characters is in the raw mail alone
MOST_QUESTIONS = 30
MOST_STEMS = 80  # that are looked for at once
ASKED = 1.5  # how much more a sentence counts that is a question,
STANDS_OUT = 1.5  # and a word in it that is a name or a number
SENTENCE = re.compile(r"[^.?!\n]+[.?!]*")
PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Recalled:
    """A passage that was found: what it is, when it was said and by whom, and its words as they were then."""

    source: str
    at: datetime
    by: str
    text: str


def questions_of(subject: str, text: str, language: str) -> list[Question]:
    """Take a mail apart into questions: its subject, and each of its sentences."""
    sentences = [subject, *SENTENCE.findall(text)]
    made = [_question(sentence, language) for sentence in sentences[:MOST_QUESTIONS]]
    return [question for question in made if question.weights]


def _question(sentence: str, language: str) -> Question:
    named = names(sentence)
    words = stems(sentence, language)
    weights = dict.fromkeys(words.values(), 1.0)
    for name in named:
        weights.update((stem, STANDS_OUT) for stem in terms(name, language))
    return Question(weights, ASKED if sentence.rstrip().endswith("?") else 1.0, named, words)


def question_of(words: str, language: str) -> list[Question]:
    """Take what somebody asks in their own words as one question."""
    found = stems(words, language)
    question = Question(dict.fromkeys(found.values(), 1.0), names=names(words), words=found)
    return [question] if question.weights else []


def stems_of(questions: Sequence[Question]) -> list[str]:
    """Give the stems to look for, those of the first questions first."""
    return list(dict.fromkeys(stem for question in questions for stem in question.weights))[:MOST_STEMS]


def passages_of(text: str) -> list[str]:
    """Cut a text into passages: paragraphs, joined while they are short, divided at sentences where they are long."""
    pieces = [piece for paragraph in PARAGRAPH.split(text) for piece in _pieces(" ".join(paragraph.split()))]
    passages: list[str] = []
    for piece in pieces:
        if passages and len(passages[-1]) + 1 + len(piece) <= LONGEST_PASSAGE:
            passages[-1] = f"{passages[-1]} {piece}"
        else:
            passages.append(piece)
    return passages[:MOST_PASSAGES]


def _pieces(paragraph: str) -> list[str]:
    if len(paragraph) <= LONGEST_PASSAGE:
        return [paragraph] if paragraph else []
    sentences = [sentence.strip() for sentence in SENTENCE.findall(paragraph)]
    return [
        sentence[start : start + LONGEST_PASSAGE]
        for sentence in sentences
        for start in range(0, len(sentence), LONGEST_PASSAGE)
    ]


def within(found: Iterable[Recalled], tokens: int) -> list[Recalled]:
    """Give those for whose lines there is room, the best first; one that has none is passed over."""
    room, told = tokens * BYTES_PER_TOKEN, []
    for item in found:
        size = len(recalled_line(item).encode())
        if size <= room:
            room -= size
            told.append(item)
    return told


def document_source(name: str, heading: str) -> str:
    """Name a document and the place in it; of a long heading, its end says most."""
    where = f", {quoted(heading[-LONGEST_HEADING:])}" if heading else ""
    return f"document {quoted(name[-LONGEST_NAME:])[1:-1]}{where}"


def recalled_line(item: Recalled) -> str:
    """Show a passage in one line, whatever its words hold: a sender or the model wrote them."""
    return f"[{item.source}] {item.at:%Y-%m-%d} {item.by}: {quoted(item.text)}"
