"""By their prints, runs of somebody's words are known again."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge import prints
from knowledge.database import Database
from knowledge.whose import EVERYONE, Whose

SAID = "my knee operation went wrong last week and I need the chair before Friday"
WORDS = st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six", "seven", "eight"]), max_size=40)
ADA, BO = Whose(1), Whose(2)


def put(db: Database, whose: Whose, words: str = SAID) -> None:
    """Write down whose words these are."""
    with db.write() as session:
        prints.add(session, whose, words)


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
    put(db, EVERYONE)
    assert set(prints.owners(db, prints.of(SAID), 3).values()) == {frozenset({"p1", "everyone"})}


def test_what_many_have_said_is_nobodys(db: Database) -> None:
    """A phrase of three people is none of theirs."""
    for number in (1, 2, 3):
        put(db, Whose(number))
    assert prints.owners(db, prints.of(SAID), 3) == {}


def test_what_nobody_said_is_nobodys(db: Database) -> None:
    """Other words have other prints."""
    put(db, ADA)
    assert prints.owners(db, prints.of("quite another text of more than eight words in a row"), 3) == {}


def test_persons_who_are_one_have_said_it_both(db: Database) -> None:
    """What the other said is the kept one's, too."""
    put(db, BO)
    put(db, ADA, " ".join(SAID.split()[:10]))
    with db.write() as session:
        prints.unite(session, 1, 2)
    assert set(prints.owners(db, prints.of(SAID), 3).values()) == {frozenset({"p1", "p2"})}
