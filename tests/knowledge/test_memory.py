"""Facts and passages: whose they are, whatever is done with them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from knowledge import facts, passages, people, prints
from knowledge.database import Database
from knowledge.facts import Entry, Memory
from knowledge.passages import Found
from knowledge.past import Moment, Past, Unknown
from knowledge.people import Acquaintance
from knowledge.tables import Document, Fact, Message, Passage, Person, PersonAddress, Turn
from knowledge.whose import EVERYONE, Whose, belongs
from tests.bed import _empty_database
from tests.knowledge.rows import NOW, after, live, opened, screened

# Two of one organisation, one of another, and one with an address that anybody may get.
ADDRESSES = ("ada@quill.example", "bo@quill.example", "cleo@tern.example", "dan@post.example")
ORGANISATIONS = ("quill.example", "quill.example", "tern.example", "")
QUILL, TERN = Whose(organisation="quill.example"), Whose(organisation="tern.example")


def entry(person: int | None, message: int | None, word: str, replaces: int | None = None) -> Entry:
    """Make a fact of one word, with its passage."""
    fact = Fact(person_id=person, kind="preference", text=word, quote=word, author="employee", message_id=message,
                recorded_at=NOW)  # fmt: skip
    return Entry(fact, said(person, message, word), replaces)


def written(whose: Whose, word: str, replaces: int | None = None) -> Entry:
    """Make a fact of one word that a person wrote down."""
    made = entry(whose.person_id, None, word, replaces)
    made.fact.author = "reviewer"
    made.fact.organisation = made.passage.organisation = whose.organisation
    return made


def word(whose: Whose) -> str:
    """Give the one word that people write down about an organisation, or for everyone."""
    return f"o{ORGANISATIONS.index(whose.organisation)}" if whose.organisation else "e9"


def said(person: int | None, message: int | None, words: str, case: int | None = None) -> Passage:
    """Make a passage of these words."""
    return Passage(person_id=person, message_id=message, case_id=case, speaker="Ada", said_at=NOW, text=words,
                   stems=words, label="", recorded_at=NOW)  # fmt: skip


def remember(db: Database, memory: Memory, turn: int | None = None) -> None:
    """Write it in a transaction of its own."""
    with db.write() as session:
        facts.remember(session, memory, turn, NOW)


def found(db: Database, whose: int | Whose, *words: str) -> list[str]:
    """Give the texts of a person, or of another owner, that are found by these words, the oldest first."""
    with db.read() as session:
        holding = [each.number for each in passages.find(session, _whose(whose), words)[0] if holds(each, words)]
        known = passages.get(session, holding)
    return [known[number].text for number in sorted(holding)]


def holds(row: Found, words: Collection[str]) -> bool:
    """Say whether a passage is found by one of these words: of few all are given, and the ranking leaves others out."""
    return not set(words).isdisjoint(f"{row.stems} {row.label} {row.before} {row.behind}".split())


def _whose(whose: int | Whose) -> Whose:
    return whose if isinstance(whose, Whose) else Whose(whose)


@pytest.fixture
def turn(db: Database) -> Turn:
    """Open a turn on a mail of Ada's."""
    return opened(db, screened(db, 1), live(db))


# Passages


def test_a_passage_is_found_by_any_of_its_words(db: Database) -> None:
    """Not all need be there."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, "blue pump"), said(1, 1, "red boat")]))
    assert found(db, 1, "pump", "car") == ["blue pump"]
    assert found(db, 1, "car") == []
    assert found(db, 1) == []


@pytest.mark.parametrize(
    "word", ['"', "a AND b", "p1", "everyone", "\ud800", "x" * 5000, "\U0001e900\U0001e901", "NEAR(a)"]
)
def test_no_word_is_too_strange_to_be_looked_for(db: Database, word: str) -> None:
    """What a sender writes never becomes part of a query's grammar, nor another person's name."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, "blue pump")]))
    assert found(db, 1, word) == []


def test_a_passage_is_found_by_the_words_around_it_in_its_case(db: Database) -> None:
    """Two before it, and the one behind it; not those of another case."""
    screened(db, 1)
    remember(db, Memory(passages=[said(1, 1, word, case=1) for word in ("one", "two", "three", "four")]))
    remember(db, Memory(passages=[said(1, 1, "other")]))
    assert found(db, 1, "two") == ["one", "two", "three", "four"]
    assert found(db, 1, "one") == ["one", "two", "three"]
    assert found(db, 1, "other") == ["other"]


def test_another_persons_words_in_the_same_case_tell_nothing_of_a_passage(db: Database) -> None:
    """Somebody in copy must not be found by what the other wrote."""
    screened(db, 1)
    screened(db, 2, case=1, sender_address="bo@tern.example")
    remember(db, Memory(passages=[said(1, 1, "one", case=1), said(2, 2, "two", case=1)]))
    assert (found(db, 1, "two"), found(db, 2, "one")) == ([], [])


def test_a_mail_of_a_stranger_can_never_be_recalled_for_everyone(db: Database) -> None:
    """It is refused, before anything is written."""
    screened(db, 1)
    with pytest.raises(ValueError, match="for its sender alone"):
        remember(db, Memory(passages=[said(None, 1, "blue pump")]))


def test_what_a_turn_learns_is_about_somebody(db: Database, turn: Turn) -> None:
    """Only a person writes down what holds for everyone."""
    with pytest.raises(ValueError, match="about its sender alone"):
        remember(db, Memory([entry(None, None, "tea")]), turn.id)


# Facts


def test_a_fact_that_replaces_another_closes_it(db: Database, turn: Turn) -> None:
    """The older row is kept, with the number of the newer and the turn; it is recalled no more."""
    remember(db, Memory([entry(1, 1, "tea")]), turn.id)
    remember(db, Memory([entry(1, 1, "coffee", replaces=1)]), turn.id)
    old = facts.get(db, 1)
    assert old
    assert (old.text, old.superseded_by, old.expired_by, old.expired_at) == ("tea", 2, turn.id, NOW)
    assert [fact.text for fact in facts.of_person(db, 1)] == ["coffee"]
    assert found(db, 1, "tea", "coffee") == ["coffee"]


def test_a_fact_that_is_true_no_longer_is_closed(db: Database, turn: Turn) -> None:
    """Without one in its place."""
    remember(db, Memory([entry(1, 1, "tea")]), turn.id)
    remember(db, Memory(dropped=[1]), turn.id)
    assert facts.of_person(db, 1) == []
    assert found(db, 1, "tea") == []


def test_a_fact_that_was_closed_meanwhile_stays_as_it_was_closed(db: Database, turn: Turn) -> None:
    """The first word on it stands."""
    remember(db, Memory([entry(1, 1, "tea"), entry(1, 1, "coffee", replaces=1)]), turn.id)
    remember(db, Memory([entry(1, 1, "milk", replaces=1)]), turn.id)
    old = facts.get(db, 1)
    assert old
    assert old.superseded_by == 2


def test_what_turns_remembered_is_withdrawn_and_what_they_closed_stands_again(db: Database, turn: Turn) -> None:
    """As a rollback wants it."""
    remember(db, Memory([entry(1, 1, "tea")]))
    remember(db, Memory([entry(1, 1, "coffee", replaces=1)], passages=[said(1, 1, "we like coffee")]), turn.id)
    with db.write() as session:
        facts.reopen(session, [turn.id or 0], {turn.id or 0})
        facts.withdraw(session, [turn.id or 0], after(5))
    assert [(fact.text, fact.superseded_by, fact.expired_by) for fact in facts.of_person(db, 1)] == [
        ("tea", None, None)
    ]
    assert found(db, 1, "tea", "coffee", "like") == ["tea"]


def test_the_words_of_what_is_withdrawn_find_nothing_any_more(db: Database, turn: Turn) -> None:
    """Nor what stood before it, which was found by them as well."""
    remember(db, Memory(passages=[said(1, 1, "blue pump", 1)]))
    remember(db, Memory(passages=[said(1, 1, "red boat", 1)]), turn.id)
    assert found(db, 1, "boat") == ["blue pump", "red boat"]
    with db.write() as session:
        facts.withdraw(session, [turn.id or 0], after(5))
    assert (found(db, 1, "boat"), found(db, 1, "pump")) == ([], ["blue pump"])


def test_what_a_person_has_put_right_since_stays_so(db: Database, turn: Turn) -> None:
    """A reviewer made another fact of the one that a turn had put there: its rollback brings none back."""
    remember(db, Memory([entry(1, 1, "tea")]))
    remember(db, Memory([entry(1, 1, "coffee", replaces=1)]), turn.id)
    remember(db, Memory([entry(1, 1, "milk", replaces=2)]))
    with db.write() as session:
        facts.reopen(session, [turn.id or 0], {turn.id or 0})
        facts.withdraw(session, [turn.id or 0], after(5))
    assert [fact.text for fact in facts.of_person(db, 1)] == found(db, 1, "tea", "coffee", "milk") == ["milk"]


def test_what_anothers_mail_closed_stands_again_once_the_two_are_told_apart(db: Database) -> None:
    """While they passed for one person, the one's mail took the place of what the other had said."""
    message = screened(db, 1, sender_address=ADDRESSES[0], sender=Acquaintance(ADDRESSES[0]))
    later = screened(db, 2, sender_address=ADDRESSES[2], sender=Acquaintance(ADDRESSES[2]))
    with db.write() as session:
        people.merge(session, session.get_one(Person, message.person_id), session.get_one(Person, later.person_id))
    remember(db, Memory([entry(1, message.id, "tea"), entry(1, message.id, "noon")]), opened(db, message, live(db)).id)
    took = [entry(1, later.id, "coffee", replaces=1), entry(1, later.id, "milk", replaces=3)]
    remember(db, Memory(took, dropped=[2]), opened(db, later, live(db, "two")).id)
    with db.write() as session:
        fresh = people.split(session, session.get_one(Person, 1), ADDRESSES[2]).id or 0
    assert [fact.text for fact in facts.of_person(db, 1)] == ["noon", "tea"]
    assert found(db, 1, "tea", "noon", "coffee", "milk") == ["tea", "noon"]
    assert [fact.text for fact in facts.of_person(db, fresh)] == ["milk"]


def test_facts_are_found_by_kind_and_person_and_closed_ones_where_they_are_wanted(db: Database, turn: Turn) -> None:
    """The newest first."""
    remember(db, Memory([entry(1, 1, "tea"), entry(1, 1, "coffee", replaces=1)]), turn.id)
    kinds = ["preference"]
    assert [fact.text for fact in facts.find(db, kinds, None, 9)] == ["coffee"]
    assert [fact.text for fact in facts.find(db, kinds, Whose(1), 9, closed=True)] == ["coffee", "tea"]
    assert facts.find(db, kinds, Whose(2), 9) == facts.find(db, ["lesson"], None, 9) == []


def test_a_fact_keeps_the_days_between_which_it_holds(db: Database, turn: Turn) -> None:
    """Apart from when it was written down."""
    new = entry(1, 1, "away")
    new.fact.valid_from, new.fact.valid_to = date(2026, 12, 1), date(2026, 12, 24)
    remember(db, Memory([new]), turn.id)
    (fact,) = facts.of_person(db, 1)
    assert (fact.valid_from, fact.valid_to, fact.recorded_at) == (date(2026, 12, 1), date(2026, 12, 24), NOW)


# Facts about an organisation


def test_a_fact_about_an_organisation_is_neither_a_persons_nor_everyones(db: Database) -> None:
    """Nor another organisation's, however it is asked for."""
    remember(db, Memory([written(QUILL, "tea")]))
    assert [fact.text for fact in facts.of_organisation(db, "quill.example")] == ["tea"]
    assert facts.of_organisation(db, "tern.example") == facts.of_person(db, 1) == facts.of_person(db, None) == []
    assert [found(db, whose, "tea") for whose in (QUILL, TERN, Whose(1), EVERYONE)] == [["tea"], [], [], []]
    with db.read() as session:
        assert [passages.find(session, whose, ["tea"])[1] for whose in (QUILL, TERN, EVERYONE)] == [1, 0, 0]


def test_without_an_organisation_nothing_is_known_of_one(db: Database) -> None:
    """What holds for everyone is not about it."""
    remember(db, Memory([written(EVERYONE, "tea")]))
    assert facts.of_organisation(db, None) == facts.of_organisation(db, "") == []
    assert found(db, Whose(organisation=""), "tea") == []


def test_a_fact_about_an_organisation_is_put_right_and_dropped(db: Database) -> None:
    """The older rows are kept, closed, and found no more."""
    remember(db, Memory([written(QUILL, "tea")]))
    remember(db, Memory([written(QUILL, "coffee", replaces=1)]))
    assert found(db, QUILL, "tea", "coffee") == ["coffee"]
    remember(db, Memory(dropped=[2]))
    assert (found(db, QUILL, "tea", "coffee"), facts.of_organisation(db, "quill.example")) == ([], [])
    closed = facts.find(db, ["preference"], QUILL, 9, closed=True)
    assert [(fact.text, fact.superseded_by) for fact in closed] == [("coffee", None), ("tea", 2)]


def test_no_turn_learns_anything_of_an_organisation(db: Database, turn: Turn) -> None:
    """Whatever a mail says: only a person writes it down."""
    with pytest.raises(ValueError, match="about its sender alone"):
        remember(db, Memory([written(QUILL, "tea")]), turn.id)
    assert facts.of_organisation(db, "quill.example") == []


def test_a_mail_or_a_document_is_never_recalled_for_an_organisation(db: Database) -> None:
    """It is refused, before anything is written."""
    screened(db, 1)
    theirs, paper = said(None, 1, "blue pump"), said(None, None, "blue pump")
    theirs.organisation = paper.organisation = "quill.example"
    with pytest.raises(ValueError, match="for its sender alone"):
        remember(db, Memory(passages=[theirs]))
    with db.write() as session:
        session.add(Document(path="/a", name="a", size=1, modified_at=NOW, recorded_at=NOW))
    paper.document_id = 1
    with pytest.raises(ValueError, match="recalled for everyone"):
        remember(db, Memory(passages=[paper]))


def test_nothing_is_a_persons_and_an_organisations_at_once() -> None:
    """Nobody could say to whom it may be told."""
    with pytest.raises(ValueError, match="not both"):
        Whose(1, "quill.example")


def test_a_fact_is_recalled_for_nobody_but_whom_it_is_about(db: Database) -> None:
    """One whose passage is another's is refused, before anything is written."""
    astray = written(QUILL, "tea")
    astray.passage.organisation = "tern.example"
    with pytest.raises(ValueError, match="for whom it is about"):
        remember(db, Memory([astray]))
    assert facts.of_organisation(db, "quill.example") == []


def test_in_the_past_a_fact_about_an_organisation_is_seen_from_its_day_on(db: Database) -> None:
    """As one about a person is; one that was closed later stands there."""
    late = written(QUILL, "coffee", replaces=1)
    late.fact.recorded_at = late.passage.recorded_at = after(90)
    remember(db, Memory([written(QUILL, "tea")]))
    with db.write() as session:
        facts.remember(session, Memory([late]), None, after(90))
    turn = opened(db, screened(db, 1), live(db), started_at=after(60))
    past = Past(db, Moment(turn.id or 0, turn.message_id, turn.started_at), Unknown("x", "x", "x", "x", "x"))
    assert [fact.text for fact in facts.of_organisation(past, "quill.example")] == ["tea"]
    assert found(past, QUILL, "tea", "coffee") == ["tea"]
    past.close()


# Nobody is told what another person said

# Merges and splits the most often: it takes one and then the other to put an address where it was not.
KINDS = st.sampled_from(["say", "replace", "write", "mail", *["merge", "split"] * 3])
STEPS = st.lists(st.tuples(KINDS, st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=14)


@cache
def _beginning() -> bytes:
    with TemporaryDirectory() as place:
        path = Path(place) / "knowledge.db"
        path.write_bytes(_empty_database())
        db = Database(path)
        for uid, (address, name) in enumerate(zip(ADDRESSES, ORGANISATIONS, strict=True), start=1):
            who = Acquaintance(address, organisation=name)
            message = screened(db, uid, case=1 if uid > 1 else None, sender_address=address, sender_name="", sender=who)
        opened(db, message, live(db))
        remember(db, Memory([written(whose, word(whose)) for whose in (QUILL, TERN, EVERYONE)]))
        db.close()
        return path.read_bytes()


@contextmanager
def begun() -> Iterator[Database]:
    """Give a database with a mail from each address in one case, and a fact about each organisation and everyone."""
    with TemporaryDirectory() as place:
        path = Path(place) / "knowledge.db"
        path.write_bytes(_beginning())
        db = Database(path)
        yield db
        db.close()


def owner(session: Session, place: int) -> int:
    """Give the person behind an address."""
    return session.get_one(PersonAddress, ADDRESSES[place]).person_id


def step(db: Database, kind: str, one: int, other: int) -> None:
    """Do one thing with the people and what is known of them."""
    with db.write() as session:
        person = owner(session, one)
        message = session.exec(select(Message).where(Message.sender_address == ADDRESSES[one])).first()
        assert message
        if kind == "say":
            memory = Memory(
                [entry(person, message.id, f"f{one}")], passages=[said(person, message.id, sentence(one), 1)]
            )
            facts.remember(session, memory, 1, NOW)
        elif kind == "replace":
            standing = standing_of(session, Whose(person))
            if standing:
                replaced = standing[other % len(standing)]
                facts.remember(session, Memory([entry(person, message.id, f"f{one}", replaced)]), 1, NOW)
        elif kind == "write":
            whose = Whose(organisation=ORGANISATIONS[one] or None)
            places = [None, *standing_of(session, whose)]
            facts.remember(session, Memory([written(whose, word(whose), places[other % len(places)])]), None, NOW)
        elif kind == "mail":
            people.meet(session, Acquaintance(ADDRESSES[one], organisation=ORGANISATIONS[one]), NOW)
        elif kind == "merge" and owner(session, other) != person:
            people.merge(session, session.get_one(Person, person), session.get_one(Person, owner(session, other)))
        elif kind == "split":
            theirs = session.exec(select(PersonAddress).where(PersonAddress.person_id == person)).all()
            if len(theirs) > 1:
                people.split(session, session.get_one(Person, person), ADDRESSES[one])


def sentence(place: int) -> str:
    """Give what is said from an address: enough words to be known by."""
    return f"s{place} " + " ".join(f"{letter}{place}" for letter in "abcdefgh")


def standing_of(session: Session, whose: Whose) -> list[int]:
    """List the facts of one owner that stand."""
    rows = session.exec(select(Fact).where(*belongs(Fact, whose), col(Fact.expired_at).is_(None)))
    return [fact.id or 0 for fact in rows]


def may_know(db: Database, place: int) -> tuple[int, list[str], list[str]]:
    """Give the person behind an address, what came from their addresses, and what is written of where they write from.

    All from the addresses and the texts themselves: none of it by the columns that the queries go by.
    """
    with db.read() as session:
        person = owner(session, place)
        theirs = [other for other in range(len(ADDRESSES)) if owner(session, other) == person]
        rows = session.exec(select(Passage.text).where(col(Passage.expired_at).is_(None))).all()
    organisations = {word(Whose(organisation=ORGANISATIONS[other])) for other in theirs if ORGANISATIONS[other]}
    own = sorted(text for text in rows if text[0] in "fs" and int(text[1]) in theirs)
    return person, own, sorted(text for text in rows if text in organisations)


EVERYTHING = [
    *(f"{kind}{number}" for kind in "fs" for number in range(len(ADDRESSES))),
    *map(word, (QUILL, TERN, EVERYONE)),
]


@settings(max_examples=40)
@given(STEPS)
def test_no_sequence_of_facts_merges_and_splits_shows_one_person_what_another_said(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever a person is found by, it came from an address that is theirs now; and all of theirs is found.

    So with organisations: what is told of one goes to those alone who have an address of it now, and it is all there
    is; what is for everyone is found by itself.
    """
    with begun() as db:
        for kind, one, other in steps:
            step(db, kind, one, other)
        for number in range(len(ADDRESSES)):
            person, own, of_organisations = may_know(db, number)
            assert sorted(found(db, person, *EVERYTHING)) == own
            name = people.organisation_of(db, person)
            theirs = found(db, Whose(organisation=name), *EVERYTHING) if name else []
            assert theirs == [text for text in of_organisations if text == word(Whose(organisation=name))]
            assert [fact.text for fact in facts.of_organisation(db, name)] == theirs
        assert set(found(db, EVERYONE, *EVERYTHING)) == {word(EVERYONE)}


@settings(max_examples=40)
@given(STEPS)
def test_no_sequence_of_merges_and_splits_makes_anybodys_words_anothers_or_nobodys(
    steps: list[tuple[str, int, int]],
) -> None:
    """Words are known by the one person who has the address now that they came from: by nobody else, and never lost."""
    said = {one for kind, one, _other in steps if kind == "say"}
    with begun() as db:
        for kind, one, other in steps:
            step(db, kind, one, other)
        for place in said:
            person, *_rest = may_know(db, place)
            owners = prints.owners(db, prints.of(sentence(place)), 99)
            assert owners.keys() == prints.of(sentence(place))
            assert set(owners.values()) == {frozenset({prints.of_person(person)})}
