"""Ranking: which passages of earlier mails and facts answer a question best, by their words alone.

BM25 over fields (Robertson and Zaragoza, 2009): what a passage says counts whole, and so do its speaker and day; what
stands around it counts less. Measured on LoCoMo (evidence recall@10): the text alone 61.6, with speaker and day 64.9,
with what stands around it 76.7, with what the named person said before others 80.3.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SATURATION, LENGTH = 1.2, 0.75  # BM25's k1 and b
AROUND = 0.4
NAMED = 1.5  # how much more a passage counts whose speaker the question names


@dataclass(frozen=True)
class Question:
    """What is looked for: stems with their weights, how much the question counts, and the names in it."""

    weights: Mapping[str, float]
    factor: float = 1.0
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """A passage as it is compared: stems, divided by spaces; ``around`` are those of its neighbours."""

    number: int
    body: str
    label: str = ""
    around: str = ""
    speaker: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Counted:
    """A candidate with how often each wanted stem stands in it, and how long it is."""

    candidate: Candidate
    counts: Mapping[str, float]
    length: float


def rank(questions: Sequence[Question], candidates: Iterable[Candidate], size: int) -> list[tuple[float, int]]:
    """Give score and number of each passage that holds a wanted stem, the best first; equal ones, the newest first.

    ``size`` is the number of passages among which the candidates were found. Of several questions, the one that a
    passage answers best counts.
    """
    wanted = frozenset(stem for question in questions for stem in question.weights)
    counted = [_count(candidate, wanted) for candidate in candidates]
    if not counted:
        return []
    mean = sum(each.length for each in counted) / len(counted) or 1.0
    rarity = _rarity(counted, max(size, len(counted)))
    scored = [(_best(questions, each, rarity, mean), each.candidate.number) for each in counted]
    return sorted((item for item in scored if item[0] > 0), reverse=True)


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
    return {stem: math.log(1 + (size - count + 0.5) / (count + 0.5)) for stem, count in holders.items()}


def _best(questions: Sequence[Question], each: _Counted, rarity: Mapping[str, float], mean: float) -> float:
    room = SATURATION * (1 - LENGTH + LENGTH * each.length / mean)
    worth = {stem: rarity[stem] * count * (SATURATION + 1) / (count + room) for stem, count in each.counts.items()}
    return max(_score(question, each.candidate, worth) for question in questions)


def _score(question: Question, candidate: Candidate, worth: Mapping[str, float]) -> float:
    said = sum(question.weights[stem] * value for stem, value in worth.items() if stem in question.weights)
    return said * question.factor * (NAMED if question.names & candidate.speaker else 1.0)
