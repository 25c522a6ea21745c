"""Words and meanings, weighed against each other."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.fusion import LEAST, Likeness, fuse, weighed_words
from daemon.judgement.ranking import Candidate, Question, Scores, rank, scores
from daemon.judgement.recall import question_of, questions_of

NOBODY: frozenset[str] = frozenset()


def like(number: int, *values: float, case: int | None = None, speaker: str = "") -> Likeness:
    """Make a likeness to each question."""
    return Likeness(number, case, frozenset({speaker} if speaker else ()), values)


def order(questions: list[Question], bodies: dict[int, str], *likes: Likeness) -> list[int]:
    """Fuse passages of these words with their likenesses; give their numbers, the best first."""
    known = scores(questions, [Candidate(number, body) for number, body in bodies.items()], len(bodies))
    return [number for _score, number in fuse(questions, known, likes)]


def test_of_passages_with_the_same_words_the_one_that_is_more_like_the_question_is_better() -> None:
    """Its words alone would leave them equal."""
    pump = question_of("pump", "en")
    assert order(pump, {1: "pump", 2: "pump"}, like(1, 0.6), like(2, 0.2)) == [1, 2]
    assert order(pump, {1: "pump", 2: "pump"}, like(1, 0.2), like(2, 0.6)) == [2, 1]


def test_a_passage_in_other_words_is_found_where_it_is_like_enough() -> None:
    """One that says little by words and by vector is not there only because nothing is better."""
    pump = question_of("pump", "en")
    assert order(pump, {}, like(1, LEAST), like(2, LEAST - 0.01)) == [1]
    assert order(pump, {3: "pump"}, like(1, LEAST - 0.01)) == [3]


def test_a_passage_without_a_vector_is_ranked_by_its_words_alone() -> None:
    """It is found, and a better one stays before it."""
    asked = question_of("blue pump", "en")
    assert order(asked, {1: "pump", 2: "pump blue", 3: "boat blue"}) == [2, 1, 3]
    assert order(asked, {1: "pump", 2: "pump blue"}, like(1, 0.1)) == [2, 1]


def test_equal_passages_are_ordered_with_the_newest_first() -> None:
    """As they are by words alone."""
    pump = question_of("pump", "en")
    assert order(pump, {1: "pump", 2: "pump"}, like(1, 0.3), like(2, 0.3)) == [2, 1]
    assert order(pump, {}, like(1, 0.5), like(2, 0.5)) == [2, 1]


def test_a_likeness_to_the_opposite_takes_nothing_away() -> None:
    """A cosine may be negative."""
    pump = question_of("pump", "en")
    known = scores(pump, [Candidate(1, "pump")], 1)
    assert fuse(pump, known, [like(1, -0.9)]) == fuse(pump, known, [])


def test_what_stands_around_a_passage_in_its_case_counts_for_its_meaning_too() -> None:
    """Two before it and the one behind it, as with words; not what is of another case, or of none."""
    pump = question_of("pump", "en")
    near = [like(1, 0.29, case=7), like(2, 0.6, case=7), like(3, 0.29, case=7), like(4, 0.29, case=7)]
    assert order(pump, {}, *near, like(5, 0.29, case=7)) == [2, 1, 4, 3, 5]
    assert order(pump, {}, like(1, 0.29, case=7), like(2, 0.6, case=8), like(3, 0.6), like(4, 0.29)) == [3, 2]


def test_a_passage_of_the_speaker_who_is_named_is_better() -> None:
    """With vectors as with words."""
    asked = question_of("What did Ada say of the pump", "en")
    assert order(asked, {}, like(1, 0.5, speaker="ada"), like(2, 0.5, speaker="bo")) == [1, 2]


def test_a_sentence_that_no_passage_answers_well_counts_less() -> None:
    """A greeting is like many passages, and about none."""
    asked = questions_of("", "Hello friend. Is the blue pump HP-2044 there?", "en")
    bodies = {1: "friend boat", 2: "blue pump hp 2044"}
    assert order(asked, bodies, like(1, 0.0, 0.5), like(3, 0.6, 0.0), like(4, 0.0, 0.55)) == [2, 4, 1, 3]


def test_words_are_weighed_as_their_stems_are() -> None:
    """A name more than others, a word more the fewer passages hold it, and most of all one that none holds."""
    asked = question_of("pumps boats sails", "en")
    known = scores(asked, [Candidate(1, "pump boat"), Candidate(2, "pump")], 9)
    (weights,) = weighed_words(asked, known)
    assert 0 < weights["pumps"] < weights["boats"] < weights["sails"] == known.unseen
    (named,) = weighed_words(questions_of("Pumps", "", "en"), known)
    assert named == {"pumps": 1.5 * known.rarity["pump"]}


def test_without_a_question_or_a_passage_nothing_is_found() -> None:
    """An empty mail, or an empty memory, is no error."""
    assert fuse([], Scores({}, {}, 0.0), []) == []
    assert fuse([], Scores({}, {}, 0.0), [like(1)]) == []
    assert fuse(question_of("pump", "en"), Scores({}, {}, 0.0), []) == []


WORDS = st.lists(st.sampled_from(["pump", "boat", "blue", "red"]), max_size=4).map(" ".join)


@given(st.dictionaries(st.integers(1, 30), WORDS), st.dictionaries(st.integers(1, 30), st.floats(-1, 1)))
def test_what_is_found_by_words_is_always_found_and_nothing_that_is_neither_here_nor_there(
    bodies: dict[int, str], values: dict[int, float]
) -> None:
    """Vectors change the order and add what is like enough; they never take a passage away, or bring one twice."""
    asked = question_of("blue pump", "en")
    candidates = [Candidate(number, body) for number, body in bodies.items()]
    by_words = {number for _score, number in rank(asked, candidates, len(bodies))}
    near = {number for number, value in values.items() if value >= LEAST}
    found = order(asked, bodies, *(like(number, value) for number, value in sorted(values.items())))
    assert sorted(found) == sorted(by_words | near)


@given(st.dictionaries(st.integers(1, 30), WORDS))
def test_without_vectors_the_order_is_that_of_the_words(bodies: dict[int, str]) -> None:
    """A database that is not filled in yet answers as one without an embedder."""
    asked = question_of("blue pump", "en")
    candidates = [Candidate(number, body) for number, body in bodies.items()]
    assert order(asked, bodies) == [number for _score, number in rank(asked, candidates, len(bodies))]
