"""Facts and passages: whose they are, whatever is done with them."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from knowledge import facts, passages, people
from knowledge.database import Database
from knowledge.facts import Entry, Memory
from knowledge.tables import Fact, Message, Passage, Person, PersonAddress, Turn
from tests.bed import _empty_database
from tests.knowledge.rows import NOW, after, live, opened, screened

ADDRESSES = tuple(f"{name}@quill.example" for name in ("ada", "bo", "cleo", "dan"))


def entry(person: int | None, message: int | None, word: str, replaces: int | None = None) -> Entry:
    """Make a fact of one word, with its passage."""
    fact = Fact(person_id=person, kind="preference", text=word, quote=word, author="employee", message_id=message,
                recorded_at=NOW)  # fmt: skip
    return Entry(fact, said(person, message, word), replaces)


def said(person: int | None, message: int | None, words: str, case: int | None = None) -> Passage:
    """Make a passage of these words."""
    return Passage(person_id=person, message_id=message, case_id=case, speaker="Ada", said_at=NOW, text=words,
                   stems=words, label="", recorded_at=NOW)  # fmt: skip


def remember(db: Database, memory: Memory, turn: int | None = None) -> None:
    """Write it in a transaction of its own."""
    with db.write() as session:
        facts.remember(session, memory, turn, NOW)


def found(db: Database, person: int | None, *words: str) -> list[str]:
    """Give the texts that are found by these words, the oldest first."""
    numbers = sorted(each.number for each in passages.find(db, person, words)[0])
    known = passages.get(db, numbers)
    return [known[number].text for number in numbers]


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
    with pytest.raises(ValueError, match="never recalled for everyone"):
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
        facts.reopen(session, [turn.id or 0])
        facts.withdraw(session, [turn.id or 0], after(5))
    assert [(fact.text, fact.superseded_by, fact.expired_by) for fact in facts.of_person(db, 1)] == [
        ("tea", None, None)
    ]
    assert found(db, 1, "tea", "coffee", "like") == ["tea"]


def test_facts_are_found_by_kind_and_person_and_closed_ones_where_they_are_wanted(db: Database, turn: Turn) -> None:
    """The newest first."""
    remember(db, Memory([entry(1, 1, "tea"), entry(1, 1, "coffee", replaces=1)]), turn.id)
    kinds = ["preference"]
    assert [fact.text for fact in facts.find(db, kinds, None, 9)] == ["coffee"]
    assert [fact.text for fact in facts.find(db, kinds, 1, 9, closed=True)] == ["coffee", "tea"]
    assert facts.find(db, kinds, 2, 9) == facts.find(db, ["lesson"], None, 9) == []


def test_a_fact_keeps_the_days_between_which_it_holds(db: Database, turn: Turn) -> None:
    """Apart from when it was written down."""
    new = entry(1, 1, "away")
    new.fact.valid_from, new.fact.valid_to = date(2026, 12, 1), date(2026, 12, 24)
    remember(db, Memory([new]), turn.id)
    (fact,) = facts.of_person(db, 1)
    assert (fact.valid_from, fact.valid_to, fact.recorded_at) == (date(2026, 12, 1), date(2026, 12, 24), NOW)


# Nobody is told what another person said

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("replace"), st.integers(0, 3), st.integers(0, 20)),
        st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("split"), st.integers(0, 3), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=14,
)


def owner(session: Session, place: int) -> int:
    """Give the person behind an address."""
    return session.get_one(PersonAddress, ADDRESSES[place]).person_id


def step(db: Database, kind: str, one: int, other: int) -> None:
    """Do one thing with the people and what is known of them."""
    with db.write() as session:
        person = owner(session, one)
        if kind == "say":
            message = session.exec(select(Message).where(Message.sender_address == ADDRESSES[one])).first()
            assert message
            memory = Memory([entry(person, message.id, f"f{one}")], passages=[said(person, message.id, f"s{one}", 1)])
            facts.remember(session, memory, 1, NOW)
        elif kind == "replace":
            standing = session.exec(
                select(Fact.id).where(Fact.person_id == person, col(Fact.expired_at).is_(None))
            ).all()
            message = session.exec(select(Message).where(Message.sender_address == ADDRESSES[one])).first()
            if standing and message:
                replaced = standing[other % len(standing)]
                facts.remember(session, Memory([entry(person, message.id, f"f{one}", replaced)]), 1, NOW)
        elif kind == "merge" and owner(session, other) != person:
            people.merge(session, session.get_one(Person, person), session.get_one(Person, owner(session, other)))
        elif kind == "split":
            theirs = session.exec(select(PersonAddress).where(PersonAddress.person_id == person)).all()
            if len(theirs) > 1:
                people.split(session, session.get_one(Person, person), ADDRESSES[one])


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_no_sequence_of_facts_merges_and_splits_shows_one_person_what_another_said(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever a person is found by, it came from an address that is theirs now; and all of theirs is found."""
    with TemporaryDirectory() as place:
        path = Path(place) / "knowledge.db"
        path.write_bytes(_empty_database())
        db = Database(path)
        for uid, address in enumerate(ADDRESSES, start=1):
            message = screened(db, uid, case=1 if uid > 1 else None, sender_address=address, sender_name="")
        opened(db, message, live(db))
        for kind, one, other in steps:
            step(db, kind, one, other)
        everything = [f"{kind}{number}" for kind in "fs" for number in range(len(ADDRESSES))]
        for number in range(len(ADDRESSES)):
            with db.read() as session:
                person = owner(session, number)
                theirs = [place for place in range(len(ADDRESSES)) if owner(session, place) == person]
                rows = session.exec(select(Passage).where(col(Passage.expired_at).is_(None))).all()
                rest = sorted(row.text for row in rows if int(row.text[1]) in theirs)
            assert sorted(found(db, person, *everything)) == rest
        db.close()
