"""Fusion: what a passage is about beside its words, by vectors, so that what means the same is found in other words.

The two are weighed as normalised scores, the best of the words' being 1 and a likeness at most about 1. A vector is
treated as the words are: what the passages around it in its case are about counts, too, and so does a speaker who is
named. In a mail, a sentence's likeness counts as much as the words of its best passage do beside those of the mail's
best: "I hope you are well" is like many passages, and about none.

Measured on LoCoMo (evidence recall@10; questions of one sentence, then within a whole mail): words alone 81.2 and 79.9,
with vectors 82.5 and 82.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from daemon.judgement.ranking import AROUND, NAMED, Question, Scores, in_order

WORDS, MEANING = 0.55, 0.45
BEFORE, BEHIND = 2, 1  # passages around one, as many as those whose words it is found by
# How like a question a passage must be that has none of its words: nearer than 99 of 100 passages are to any (measured).
LEAST = 0.4


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
    best = [max(column) for column in zip(*known.by_passage.values(), strict=True)] or [0.0] * len(questions)
    top = max(best, default=0.0)
    shares = [value / top if top else 1.0 for value in best]
    meant = dict(_meant(questions, like, known.by_passage))
    nothing = [0.0] * len(questions)
    scored = []
    for number in known.by_passage.keys() | meant.keys():
        said, about = known.by_passage.get(number, nothing), meant.get(number, nothing)
        pairs = zip(said, about, shares, strict=True)
        scored.append(
            (max(WORDS * word / (top or 1.0) + MEANING * value * share for word, value, share in pairs), number)
        )
    return in_order(scored)


def _meant(
    questions: Sequence[Question], like: Sequence[Likeness], said: Mapping[int, Sequence[float]]
) -> Iterator[tuple[int, list[float]]]:
    """Give how like the passages are that have a wanted word, or are like enough without one."""
    around = _around(like)
    for each, neighbours in zip(like, around, strict=True):
        values = [max(0.0, value) for value in _with(each.values, neighbours)]
        if any(said.get(each.number, ())) or max(values, default=0.0) >= LEAST:
            named = zip(questions, values, strict=True)
            yield each.number, [value * (NAMED if question.names & each.speaker else 1.0) for question, value in named]


def _with(values: Sequence[float], neighbours: Sequence[Sequence[float]]) -> Sequence[float]:
    if not neighbours:
        return values
    share = AROUND / len(neighbours)
    return [own + share * sum(others) for own, *others in zip(values, *neighbours, strict=True)]


def _around(like: Sequence[Likeness]) -> list[list[Sequence[float]]]:
    """Give what each passage's neighbours in its case are like."""
    cases: dict[int, list[int]] = {}
    for place, each in enumerate(like):
        if each.case is not None:
            cases.setdefault(each.case, []).append(place)
    found: list[list[Sequence[float]]] = [[] for _ in like]
    for places in cases.values():
        for order, place in enumerate(places):
            near = [*places[max(0, order - BEFORE) : order], *places[order + 1 : order + 1 + BEHIND]]
            found[place] = [like[other].values for other in near]
    return found
