"""Fusion: what a passage is about beside its words, by vectors, so that what means the same is found in other words.

The two are weighed as normalised scores, the best of the words' being 1 and a likeness at most about 1. A vector is
treated as the words are: what the passages around it in its case are about counts, too, and so does a speaker who is
named. In a mail, a sentence's likeness counts as much as the words of its best passage do beside those of the mail's
best: "I hope you are well" is like many passages, and about none.

Measured on LoCoMo (evidence recall@10; questions of one sentence, then within a whole mail): words alone 81.2 and 79.9,
with vectors 82.5 and 82.2.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from daemon.judgement.ranking import AROUND, NAMED, Question, Scores, in_order

WORDS, MEANING = 0.55, 0.45
BEFORE, BEHIND = 2, 1  # passages around one, as many as those whose words it is found by
# How like a question a passage must be that has none of its words. Of LoCoMo's, one in thirty is; what means the same
# in other words is at 0.3 to 0.5, what has nothing to do with it at 0.1 ("money back" and "refund" 0.36).
LEAST = 0.3


class Likeness(NamedTuple):
    """How like a passage's vector is to each question; ``case`` is where it was said, None of a fact."""

    number: int
    case: int | None
    speaker: frozenset[str]
    values: Sequence[float]


def weighed_words(questions: Sequence[Question], known: Scores) -> list[dict[str, float]]:
    """Weigh each question's words as their stems are: a name more, and a word more the fewer passages hold it."""
    return [
        {word: question.weights[stem] * known.rarity.get(stem, known.unseen) for word, stem in question.words.items()}
        for question in questions
    ]


def fuse(questions: Sequence[Question], known: Scores, like: Sequence[Likeness]) -> list[tuple[float, int]]:
    """Give score and number of each passage that holds a wanted stem or is like a question, as ``rank`` does.

    ``like`` stands in the order of the passages' numbers. A passage without a likeness is ranked by its words alone.
    """
    said = known.by_passage
    best = [max(column) for column in zip(*said.values(), strict=True)] or [0.0] * len(questions)
    top = max(best, default=0.0)
    meant = _meant(len(questions), like)
    weight = _weights(questions, [MEANING * (value / top if top else 1.0) for value in best], like)
    scored = {number: max(values) * WORDS / top if top else 0.0 for number, values in said.items()}
    nothing = [0.0] * len(questions)
    for each, values in zip(like, meant, strict=True):
        words = said.get(each.number, nothing)
        if any(words) or max(values, default=0.0) >= LEAST:
            share = WORDS / top if top else 0.0
            triples = zip(words, values, weight[each.speaker], strict=True)
            scored[each.number] = max(word * share + value * much for word, value, much in triples)
    return in_order((score, number) for number, score in scored.items())


def _weights(
    questions: Sequence[Question], shares: Sequence[float], like: Sequence[Likeness]
) -> Mapping[frozenset[str], Sequence[float]]:
    """Give for each speaker how much a likeness to each question counts."""
    return {
        speaker: [
            share * (NAMED if question.names & speaker else 1.0)
            for question, share in zip(questions, shares, strict=True)
        ]
        for speaker in {each.speaker for each in like}
    }


def _meant(count: int, like: Sequence[Likeness]) -> list[tuple[float, ...]]:
    """Give how like each passage is to each question with what stands around it, never less than not at all."""
    around = _around(like)
    columns = [_with_around([each.values[place] for each in like], around) for place in range(count)]
    return list(zip(*columns, strict=True)) if columns else [() for _ in like]


def _with_around(values: Sequence[float], around: Sequence[Sequence[int]]) -> list[float]:
    return [
        max(0.0, own + AROUND * sum([values[other] for other in near]) / len(near) if near else own)
        for own, near in zip(values, around, strict=True)
    ]


def _around(like: Sequence[Likeness]) -> list[Sequence[int]]:
    """Give the places of each passage's neighbours in its case."""
    cases: dict[int, list[int]] = {}
    for place, each in enumerate(like):
        if each.case is not None:
            cases.setdefault(each.case, []).append(place)
    found: list[Sequence[int]] = [()] * len(like)
    for places in cases.values():
        for order, place in enumerate(places):
            found[place] = [*places[max(0, order - BEFORE) : order], *places[order + 1 : order + 1 + BEHIND]]
    return found
