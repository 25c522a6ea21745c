"""Ranking: which passages of earlier mails and facts answer a question best, by their words alone.

BM25 over fields (Robertson and Zaragoza, 2009): what a passage says counts whole, and so do its speaker and day; what
stands around it counts less. Measured on LoCoMo (evidence recall@10): the text alone 61.6, with speaker and day 64.9,
with what stands around it 76.7, with what the named person said before others 80.3.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SATURATION, LENGTH = 1.2, 0.75  # BM25's k1 and b
AROUND = 0.4
NAMED = 1.5  # how much more a passage counts whose speaker the question names


@dataclass(frozen=True)
class Question:
    """What is looked for: stems with their weights, how much the question counts, the names in it, and its words.

    ``words`` gives each of its words, in lower case, with its stem.
    """

    weights: Mapping[str, float]
    factor: float = 1.0
    names: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)


class Candidate(NamedTuple):
    """A passage as it is compared: stems, divided by spaces; ``around`` are those of its neighbours."""

    number: int
    body: str
    label: str = ""
    around: str = ""
    speaker: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scores:
    """How well each passage that holds a wanted stem answers each question, and how rare each stem is among them."""

    by_passage: Mapping[int, Sequence[float]]
    rarity: Mapping[str, float]
    unseen: float  # the rarity of a stem that no passage holds


class _Counted(NamedTuple):
    """A candidate with how often each wanted stem stands in it, and how long it is."""

    candidate: Candidate
    counts: Mapping[str, float]
    length: float


def rank(questions: Sequence[Question], candidates: Iterable[Candidate], size: int) -> list[tuple[float, int]]:
    """Give score and number of each passage that holds a wanted stem, the best first; equal ones, the newest first.

    Of several questions, the one that a passage answers best counts.
    """
    found = scores(questions, candidates, size).by_passage
    return in_order((max(each), number) for number, each in found.items())


def in_order(scored: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    """Give what scored at all, the best first; of equal ones, the newest."""
    return sorted((item for item in scored if item[0] > 0), reverse=True)


def scores(questions: Sequence[Question], candidates: Iterable[Candidate], size: int) -> Scores:
    """Score candidates by their words; ``size`` is the number of passages among which they were found."""
    wanted = frozenset(stem for question in questions for stem in question.weights)
    counted = [each for candidate in candidates if (each := _count(candidate, wanted)).counts]
    whole = max(size, len(counted))
    rarity = _rarity(counted, whole)
    mean = sum(each.length for each in counted) / len(counted) or 1.0 if counted else 1.0
    askers = _askers(questions, rarity)
    found = {each.candidate.number: _scores(len(questions), askers, each, mean) for each in counted}
    named = [(place, question.names) for place, question in enumerate(questions) if question.names]
    for each in counted if named else ():
        _favour(named, each.candidate.speaker, found[each.candidate.number])
    return Scores(found, rarity, _rare(whole, 0))


def _count(candidate: Candidate, wanted: frozenset[str]) -> _Counted:
    """Count as plainly as can be: of a recall, half of the time is spent here."""
    said, around = f"{candidate.body} {candidate.label}".split(), candidate.around.split()
    counts: dict[str, float] = {}
    for stem in filter(wanted.__contains__, said):
        counts[stem] = counts.get(stem, 0.0) + 1.0
    for stem in filter(wanted.__contains__, around):
        counts[stem] = counts.get(stem, 0.0) + AROUND
    return _Counted(candidate, counts, len(said) + AROUND * len(around))


def _rarity(counted: Sequence[_Counted], size: int) -> Mapping[str, float]:
    """Weigh each stem by how few passages hold it."""
    holders = Counter(stem for each in counted for stem in each.counts)
    return {stem: _rare(size, count) for stem, count in holders.items()}


def _rare(size: int, count: int) -> float:
    return math.log(1 + (size - count + 0.5) / (count + 0.5))


def _askers(questions: Sequence[Question], rarity: Mapping[str, float]) -> Mapping[str, Sequence[tuple[int, float]]]:
    """Give for each stem that was found the questions that hold it, by their places, with what it is worth there."""
    found: dict[str, list[tuple[int, float]]] = {stem: [] for stem in rarity}
    for place, question in enumerate(questions):
        for stem in question.weights.keys() & rarity.keys():
            worth = question.weights[stem] * question.factor * rarity[stem] * (SATURATION + 1)
            found[stem].append((place, worth))
    return found


def _scores(
    questions: int, askers: Mapping[str, Sequence[tuple[int, float]]], each: _Counted, mean: float
) -> list[float]:
    """Score one passage for each question: by its stems, for it has fewer of them than there are questions."""
    said = [0.0] * questions
    room = SATURATION * (1 - LENGTH + LENGTH * each.length / mean)
    for stem, count in each.counts.items():
        share = count / (count + room)
        for place, worth in askers[stem]:
            said[place] += worth * share
    return said


def _favour(named: Sequence[tuple[int, frozenset[str]]], speaker: frozenset[str], said: list[float]) -> None:
    """Count a passage more for the questions, by their places, that name its speaker."""
    for place, names in named:
        if not names.isdisjoint(speaker):
            said[place] *= NAMED
