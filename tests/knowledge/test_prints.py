"""By their prints, runs of somebody's words are known again."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge import prints
from knowledge.database import Database

SAID = "my knee operation went wrong last week and I need the chair before Friday"
WORDS = st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six", "seven", "eight"]), max_size=40)
ADA, BO, HANDBOOK = prints.of_person(1), prints.of_person(2), prints.of_document(1)


def put(db: Database, owner: str, words: str = SAID) -> None:
    """Write down whose words these are."""
    with db.write() as session:
        prints.add(session, owner, words)


@given(WORDS, WORDS, WORDS, WORDS, st.lists(st.sampled_from(SAID.split()), min_size=8, max_size=20))
def test_any_eight_words_in_common_always_give_a_print_in_common(
    before: list[str], after: list[str], earlier: list[str], later: list[str], run: list[str]
) -> None:
    """Whatever stands around them."""
    one = prints.of(" ".join([*before, *run, *after]))
    assert one & prints.of(" ".join([*earlier, *run, *later]))


@given(st.text(max_size=300))
def test_a_text_never_has_more_prints_than_words(text: str) -> None:
    """The index stays small."""
    assert len(prints.of(text)) <= max(0, len(prints.WORD.findall(text.casefold())) * 4)


def test_neither_case_nor_signs_count() -> None:
    """However it is written, it is the same."""
    assert prints.of(SAID) == prints.of(SAID.upper().replace(" ", " - "))


def test_fewer_than_eight_words_have_no_print() -> None:
    """Seven words in common are anybody's."""
    assert prints.of(" ".join(SAID.split()[:7])) == frozenset()


def test_it_says_whose_words_they_are(db: Database) -> None:
    """Each owner once, however often they said it."""
    put(db, ADA)
    put(db, ADA)
    put(db, HANDBOOK)
    assert set(prints.owners(db, prints.of(SAID), 3).values()) == {frozenset({ADA, HANDBOOK})}


def test_it_says_what_stands_in_our_documents(db: Database) -> None:
    """Whatever people wrote besides."""
    put(db, ADA, "quite another text of more than eight words in a row")
    put(db, HANDBOOK)
    assert prints.in_documents(db, prints.of(SAID)) == prints.of(SAID)
    assert prints.in_documents(db, prints.of("quite another text of more than eight words in a row")) == frozenset()


def test_what_many_have_said_is_nobodys(db: Database) -> None:
    """A phrase of three people is none of theirs."""
    for number in (1, 2, 3):
        put(db, prints.of_person(number))
    assert prints.owners(db, prints.of(SAID), 3) == {}


def test_what_nobody_said_is_nobodys(db: Database) -> None:
    """Other words have other prints."""
    put(db, ADA)
    assert prints.owners(db, prints.of("quite another text of more than eight words in a row"), 3) == {}


def test_what_is_forgotten_is_that_owners_alone(db: Database) -> None:
    """Another who said the same has said it still."""
    put(db, BO)
    put(db, ADA)
    with db.write() as session:
        prints.forget(session, [BO])
    assert set(prints.owners(db, prints.of(SAID), 3).values()) == {frozenset({ADA})}
