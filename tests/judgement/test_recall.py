"""From a mail to questions, from a text to passages, from what was found to lines."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.ranking import Candidate, Question, rank
from daemon.judgement.recall import (
    LONGEST_PASSAGE,
    MOST_PASSAGES,
    MOST_STEMS,
    Recalled,
    passages_of,
    question_of,
    questions_of,
    recalled_line,
    stems_of,
    within,
)

AT = datetime(2026, 11, 21, tzinfo=UTC)


def best(questions: list[Question], *bodies: str) -> list[int]:
    """Rank passages, numbered from 0; give their numbers."""
    return [number for _score, number in rank(questions, [Candidate(*each) for each in enumerate(bodies)], len(bodies))]


def test_a_mail_is_taken_apart_into_its_subject_and_its_sentences() -> None:
    """A question counts more, and so do names and numbers."""
    subject, plain, asked = questions_of("Pump", "I was away. Is HP-2044 blue?", "en")
    assert (dict(subject.weights), subject.factor) == ({"pump": 1.5}, 1.0)
    assert (dict(plain.weights), plain.factor) == ({"away": 1.0}, 1.0)
    assert (dict(asked.weights), asked.factor) == ({"hp": 1.5, "2044": 1.5, "blue": 1.0}, 1.5)


def test_a_sentence_that_says_nothing_is_no_question() -> None:
    """Stop words alone find everything."""
    assert questions_of("", "Is it? And so on.", "en") == []
    assert question_of("is it", "en") == []


def test_so_many_stems_are_looked_for_and_no_more() -> None:
    """Those of the subject and the first sentences."""
    stems = stems_of(questions_of("first", " ".join(f"w{number}. " for number in range(200)), "en"))
    assert stems[0] == "first"
    assert len(stems) <= MOST_STEMS


@given(st.text(max_size=3000))
def test_no_passage_is_too_long_and_there_are_never_too_many(text: str) -> None:
    """Whatever a mail holds."""
    found = passages_of(text)
    assert all(0 < len(passage) <= LONGEST_PASSAGE for passage in found)
    assert len(found) <= MOST_PASSAGES


def test_short_paragraphs_are_joined_and_long_ones_divided_at_sentences() -> None:
    """A passage is some lines of a mail."""
    assert passages_of("Hello,\n\nare you\nopen?") == ["Hello, are you open?"]
    sentence = "x" * 399 + "."
    assert passages_of(f"{sentence} {sentence}") == [sentence, sentence]


def test_the_passage_with_the_rarer_word_is_better() -> None:
    """What every passage holds tells nothing."""
    assert best(question_of("blue pump", "en"), "pump red", "pump green", "pump blue", "boat") == [2, 1, 0]


def test_what_a_passage_says_counts_more_than_what_stands_around_it() -> None:
    """But that counts, too."""
    said, around = Candidate(1, "pump"), Candidate(2, "boat", around="pump")
    assert [number for _score, number in rank(question_of("pump", "en"), [around, said], 9)] == [1, 2]


def test_a_passage_of_the_speaker_who_is_named_is_better() -> None:
    """The question says who said it."""
    ada = Candidate(1, "pump", speaker=frozenset({"ada"}))
    bo = Candidate(2, "pump", speaker=frozenset({"bo"}))
    asked = question_of("What did Ada say of the pump", "en")
    assert [number for _score, number in rank(asked, [bo, ada], 9)] == [1, 2]


def test_of_several_questions_the_one_that_fits_best_counts() -> None:
    """A long mail is about several things."""
    asked = [*question_of("blue pump", "en"), *question_of("red boat", "en")]
    assert best(asked, "red boat", "pump boat") == [0, 1]


def test_without_a_candidate_nothing_is_found() -> None:
    """An empty memory is no error."""
    assert rank(question_of("pump", "en"), [], 0) == []


def test_what_has_no_room_is_passed_over() -> None:
    """A long passage does not keep out the shorter ones behind it."""
    long = Recalled("message 1", AT, "they wrote", "x" * 500)
    short = Recalled("message 2", AT, "they wrote", "tea")
    assert within([long, short], 50) == [short]


def test_the_room_is_that_of_the_whole_lines() -> None:
    """Source, day and author take some of it, too."""
    item = Recalled("message 2", AT, "they wrote", "tea")
    assert recalled_line(item) == '[message 2] 2026-11-21 they wrote: "tea"'
    assert (within([item, item], 26), within([item, item], 27)) == ([item], [item, item])


@given(st.text(max_size=200))
def test_no_words_of_a_passage_make_a_second_line(text: str) -> None:
    """What a sender wrote stands in quotation marks."""
    assert len(recalled_line(Recalled("message 1", AT, "they wrote", text)).splitlines()) == 1
