"""Ranking: which passages of earlier mails and facts answer a question best, by their words alone.

BM25 over fields (Robertson and Zaragoza, 2009): what a passage says counts whole, and so do its speaker and day; what
stands around it counts less. Measured on LoCoMo (evidence recall@10): the text alone 61.6, with speaker and day 64.9,
with what stands around it 76.7, with what the named person said before others 80.3.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    counted = [_count(candidate, wanted) for candidate in candidates]
    whole = max(size, len(counted))
    rarity = _rarity(counted, whole)
    mean = sum(each.length for each in counted) / len(counted) or 1.0 if counted else 1.0
    askers = _askers(questions)
    found = {each.candidate.number: _scores(questions, askers, each, rarity, mean) for each in counted}
    return Scores(found, rarity, _rare(whole, 0))


def _count(candidate: Candidate, wanted: frozenset[str]) -> _Counted:
    body, label, around = candidate.body.split(), candidate.label.split(), candidate.around.split()
    counts: dict[str, float] = {}
    for stems, weight in ((body, 1.0), (label, 1.0), (around, AROUND)):
        for stem in filter(wanted.__contains__, stems):
            counts[stem] = counts.get(stem, 0.0) + weight
    return _Counted(candidate, counts, len(body) + len(label) + AROUND * len(around))


def _rarity(counted: Sequence[_Counted], size: int) -> Mapping[str, float]:
    """Weigh each stem by how few passages hold it."""
    holders = Counter(stem for each in counted for stem in each.counts)
    return {stem: _rare(size, count) for stem, count in holders.items()}


def _rare(size: int, count: int) -> float:
    return math.log(1 + (size - count + 0.5) / (count + 0.5))


def _askers(questions: Sequence[Question]) -> Mapping[str, Sequence[tuple[int, float]]]:
    """Give for each stem the questions that hold it, by their places, with its weight there."""
    found: dict[str, list[tuple[int, float]]] = {}
    for place, question in enumerate(questions):
        for stem, weight in question.weights.items():
            found.setdefault(stem, []).append((place, weight))
    return found


def _scores(
    questions: Sequence[Question],
    askers: Mapping[str, Sequence[tuple[int, float]]],
    each: _Counted,
    rarity: Mapping[str, float],
    mean: float,
) -> list[float]:
    """Score one passage for each question: by its stems, for it has fewer of them than there are questions."""
    said = [0.0] * len(questions)
    room = SATURATION * (1 - LENGTH + LENGTH * each.length / mean)
    for stem, count in each.counts.items():
        worth = rarity[stem] * count * (SATURATION + 1) / (count + room)
        for place, weight in askers[stem]:
            said[place] += weight * worth
    return list(_named(questions, each.candidate.speaker, said))


def _named(questions: Sequence[Question], speaker: frozenset[str], said: Sequence[float]) -> Iterator[float]:
    for question, value in zip(questions, said, strict=True):
        yield value * question.factor * (NAMED if value and question.names & speaker else 1.0)
