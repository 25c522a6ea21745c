"""The people who write: making their acquaintance, finding them, and a person's word on who is who."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from knowledge import people
from knowledge.database import Database
from knowledge.people import Acquaintance, Known
from knowledge.tables import Message, Person, PersonAddress
from tests.knowledge.rows import NOW, after, screened, stored
from tests.knowledge.test_promises import promised, reminded

ADA, HOME, BO = "ada@quill.example", "ada@home.example", "bo@tern.example"


def met(db: Database, address: str, name: str = "", at: float = 0, organisation: str = "", language: str = "") -> Known:
    """Make an acquaintance so many seconds from now, and give the person as they are known then."""
    with db.write() as session:
        number = people.meet(session, Acquaintance(address, name, organisation, language), after(at))
    return known(db, number)


def known(db: Database, number: int | None) -> Known:
    """Give a person who is there."""
    found = people.get(db, number or 0)
    assert found
    return found


def wrote(db: Database, uid: int, address: str, name: str = "", at: float = 0) -> Message:
    """Take in a mail from this address."""
    who = Acquaintance(address, name)
    return screened(db, uid, now=after(at), sender_address=address, sender_name=name, sender=who)


def merge(db: Database, kept: int | None, other: int | None) -> Known:
    """Make one person of two, and give them."""
    with db.write() as session:
        people.merge(session, session.get_one(Person, kept), session.get_one(Person, other))
    return known(db, kept)


def split(db: Database, number: int | None, address: str) -> Known:
    """Give an address to a person of its own, and give that one."""
    with db.write() as session:
        fresh = people.split(session, session.get_one(Person, number), address).id
    return known(db, fresh)


def found(db: Database, words: str, limit: int = 9) -> list[str]:
    """Give the names of those whom the words find."""
    return [each.person.name for each in people.find(db, words, limit)]


# Meeting


def test_a_new_person_is_known_by_all_that_the_mail_tells(db: Database) -> None:
    """Name, organisation, language and address, seen first and last at the same time."""
    new = met(db, ADA, "Ada Quill", 5, "quill.example", "en")
    person = new.person
    assert (person.name, person.organisation, person.language) == ("Ada Quill", "quill.example", "en")
    assert (new.addresses, new.messages, person.merged_into) == ([ADA], 0, None)
    assert (person.first_seen_at, person.last_seen_at) == (after(5), after(5))


def test_a_known_person_is_met_again_under_the_same_number(db: Database) -> None:
    """Only when they were last seen has changed."""
    first, again = met(db, ADA, "Ada Quill"), met(db, ADA, "Ada Quill", 60)
    assert again.person.id == first.person.id
    assert (again.person.first_seen_at, again.person.last_seen_at) == (NOW, after(60))
    assert len(people.find(db, "", 9)) == 1


def test_another_address_is_another_person(db: Database) -> None:
    """Under the same name, too: only a person can say that the two are one."""
    assert met(db, ADA, "Ada").person.id != met(db, HOME, "Ada").person.id


def test_the_newest_name_counts_and_none_takes_no_name_away(db: Database) -> None:
    """People marry, and some mail programs send no name."""
    met(db, ADA, "Ada Quill")
    assert met(db, ADA, "Ada Fern").person.name == "Ada Fern"
    assert met(db, ADA).person.name == "Ada Fern"


def test_the_first_organisation_is_kept(db: Database) -> None:
    """A second address must not move a person elsewhere; one that was not known is filled in."""
    met(db, ADA)
    assert met(db, ADA, organisation="quill.example").person.organisation == "quill.example"
    assert met(db, ADA, organisation="other.example").person.organisation == "quill.example"
    assert met(db, ADA).person.organisation == "quill.example"


def test_the_newest_language_counts_and_none_takes_no_language_away(db: Database) -> None:
    """A mail that is too short tells no language."""
    met(db, ADA, language="de")
    assert met(db, ADA).person.language == "de"
    assert met(db, ADA, language="fr").person.language == "fr"


def test_nobody_is_met_without_an_address(db: Database) -> None:
    """A forged sender, or a mail without one, makes no person."""
    with db.write() as session:
        assert people.meet(session, Acquaintance("", "Ada Quill"), NOW) is None
    assert people.find(db, "", 9) == []


# Finding


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", ["Cy Vane", "Bo Tern", "Ada Quill"]),
        ("quill", ["Ada Quill"]),
        ("QUILL", ["Ada Quill"]),
        ("a q", ["Ada Quill"]),
        ("bo@", ["Bo Tern"]),
        ("vane-works", ["Cy Vane"]),
        (".example", ["Cy Vane", "Bo Tern", "Ada Quill"]),
        ("nobody", []),
    ],
)
def test_people_are_found_by_name_address_and_organisation(db: Database, words: str, names: list[str]) -> None:
    """In any case of the letters, the last seen first."""
    met(db, ADA, "Ada Quill")
    met(db, "bo@post.example", "Bo Tern", 1)
    met(db, "cy@post.example", "Cy Vane", 2, "vane-works.example")
    assert found(db, words) == names


@pytest.mark.parametrize(
    ("words", "names"), [("%", ["100% Ada"]), ("_", ["A_da"]), ("\\", ["A\\da"]), ("0%", ["100% Ada"]), ("a_a", [])]
)
def test_marks_of_a_pattern_are_taken_literally(db: Database, words: str, names: list[str]) -> None:
    """A person who searches for an underscore does not mean any letter."""
    for number, name in enumerate(["100% Ada", "A_da", "A\\da", "Ada"]):
        met(db, f"a{number}@quill.example", name)
    assert found(db, words) == names


def test_who_was_merged_away_is_not_found(db: Database) -> None:
    """The one who was kept is found under the addresses of both, but by their own name alone."""
    kept, other = met(db, ADA, "Ada Quill").person, met(db, HOME, "Ada Home").person
    merge(db, kept.id, other.id)
    assert found(db, "") == ["Ada Quill"]
    assert found(db, "ada@home") == ["Ada Quill"]
    assert found(db, "Ada Home") == []


def test_at_most_so_many_are_found(db: Database) -> None:
    """The last seen ones; of those seen at the same time the newest."""
    for number, name in enumerate("abc"):
        met(db, f"{number}@quill.example", name)
    met(db, "0@quill.example", "a", 5)
    assert found(db, "", 2) == ["a", "c"]


def test_all_addresses_come_with_a_person_and_the_number_of_their_mails(db: Database) -> None:
    """Clerkd's own messages about them are none of theirs."""
    first = wrote(db, 1, HOME, "Ada")
    wrote(db, 2, ADA, "Ada Quill", 1)
    wrote(db, 3, BO, "Bo")
    reminded(db, promised(db, first), first)
    merge(db, 1, 2)
    for shown in (known(db, 1), people.find(db, "quill", 9)[0]):
        assert (shown.addresses, shown.messages) == ([HOME, ADA], 2)
    assert known(db, 3).messages == 1


# Getting


def test_a_number_that_leads_nowhere_is_nobody(db: Database) -> None:
    """Whoever asks says so in their own words."""
    assert people.get(db, 1) is None


def test_who_was_merged_away_is_still_got_by_number(db: Database) -> None:
    """An old number leads to the one who was kept."""
    met(db, ADA)
    met(db, HOME)
    merge(db, 1, 2)
    gone = known(db, 2)
    assert (gone.person.merged_into, gone.addresses, gone.messages) == (1, [], 0)


# Merging


def test_the_kept_one_has_the_addresses_and_mails_of_both(db: Database) -> None:
    """The messages that clerkd wrote about those mails, too."""
    mails = [wrote(db, 1, ADA), wrote(db, 2, HOME), wrote(db, 3, BO)]
    own = reminded(db, promised(db, mails[1]), mails[1])
    kept = merge(db, 1, 2)
    assert (kept.addresses, kept.messages) == ([HOME, ADA], 2)
    assert [stored(db, row.id).person_id for row in mails] == [1, 1, 3]
    assert stored(db, own).person_id == 1


def test_a_merged_person_was_seen_as_early_and_as_late_as_either(db: Database) -> None:
    """Whichever of the two is kept."""
    met(db, ADA, at=10)
    met(db, HOME, at=5)
    met(db, HOME, at=20)
    met(db, BO, at=1)
    person = merge(db, 1, 2).person
    assert (person.first_seen_at, person.last_seen_at) == (after(5), after(20))
    person = merge(db, 1, 3).person
    assert (person.first_seen_at, person.last_seen_at) == (after(1), after(20))


def test_what_was_known_of_the_kept_one_stays_and_the_rest_is_filled_in(db: Database) -> None:
    """Nothing that is known is lost where the kept one had nothing."""
    met(db, ADA, "Ada Quill")
    met(db, HOME, "A.", organisation="home.example", language="de")
    person = merge(db, 1, 2).person
    assert (person.name, person.organisation, person.language) == ("Ada Quill", "home.example", "de")


def test_the_next_mail_of_a_merged_address_is_the_kept_one_s(db: Database) -> None:
    """Nobody new is made, and nobody who was merged away is seen again."""
    wrote(db, 1, ADA)
    wrote(db, 2, HOME)
    merge(db, 1, 2)
    assert wrote(db, 3, HOME, at=60).person_id == 1
    assert known(db, 1).person.last_seen_at == after(60)
    assert known(db, 2).person.last_seen_at == NOW


def test_one_who_was_kept_may_be_merged_again(db: Database) -> None:
    """Their number leads on to the next one, and so do all mails."""
    mails = [wrote(db, uid, address) for uid, address in enumerate((ADA, HOME, BO), 1)]
    merge(db, 2, 3)
    kept = merge(db, 1, 2)
    assert (kept.addresses, kept.messages) == ([HOME, ADA, BO], 3)
    assert [stored(db, row.id).person_id for row in mails] == [1, 1, 1]
    assert [known(db, number).person.merged_into for number in (1, 2, 3)] == [None, 1, 2]


# Splitting


@pytest.fixture
def one(db: Database) -> Database:
    """Merge the two people of two addresses into one, who wrote two mails from each."""
    for uid, address in enumerate((ADA, HOME, ADA, HOME), 1):
        wrote(db, uid, address, "At Home" if address == HOME else "Ada", uid * 10)
    wrote(db, 5, BO)
    merge(db, 1, 2)
    return db


def test_an_address_becomes_a_person_of_its_own_with_its_mails(one: Database) -> None:
    """The other address and its mails stay, and so does everybody else."""
    fresh = split(one, 1, HOME)
    assert (fresh.addresses, fresh.messages, fresh.person.merged_into) == ([HOME], 2, None)
    assert (known(one, 1).addresses, known(one, 1).messages) == ([ADA], 2)
    new = fresh.person.id
    assert [stored(one, number).person_id for number in range(1, 6)] == [1, new, 1, new, 3]


def test_what_clerkd_wrote_about_a_mail_goes_along_with_it(one: Database) -> None:
    """Each of its own messages belongs to whom the mail belongs."""
    own = {number: reminded(one, promised(one, stored(one, number)), stored(one, number)) for number in (2, 3, 4)}
    fresh = split(one, 1, HOME)
    new = fresh.person.id
    assert [stored(one, own[number]).person_id for number in (2, 3, 4)] == [new, 1, new]
    assert fresh.messages == 2


def test_a_split_person_was_seen_when_their_mails_came(one: Database) -> None:
    """And has the name that stands in them."""
    person = split(one, 1, HOME).person
    assert (person.first_seen_at, person.last_seen_at, person.name) == (after(20), after(40), "At Home")


def test_a_split_person_has_the_newest_name(db: Database) -> None:
    """As everybody has: people marry."""
    wrote(db, 1, ADA)
    wrote(db, 2, HOME, "Zoe Quill", 1)
    wrote(db, 3, HOME, "Ada Fern", 2)
    merge(db, 1, 2)
    assert split(db, 1, HOME).person.name == "Ada Fern"


def test_an_address_without_mails_is_split_off_all_the_same(db: Database) -> None:
    """It was seen when the person was, for all that is known."""
    met(db, ADA, at=5)
    met(db, HOME, at=9)
    merge(db, 1, 2)
    fresh = split(db, 1, HOME)
    assert (fresh.person.first_seen_at, fresh.person.last_seen_at) == (after(5), after(9))
    assert (fresh.addresses, fresh.messages, fresh.person.name) == ([HOME], 0, "")


def test_a_forged_mail_stays_nobody_s(one: Database) -> None:
    """It bears the address, but nobody knows who wrote it."""
    forged = screened(one, 6, sender_address=HOME, sender=Acquaintance(""))
    split(one, 1, HOME)
    assert stored(one, forged.id).person_id is None


def test_the_organisation_goes_with_the_address_that_tells_of_it(db: Database) -> None:
    """What is left has none until its next mail; one that another address tells of stays, too."""
    met(db, ADA, organisation="quill.example")
    met(db, "jo@quill.example", organisation="quill.example")
    met(db, HOME)
    merge(db, 1, 2)
    merge(db, 1, 3)
    organisations = []
    for address in (HOME, "jo@quill.example"):
        fresh = split(db, 1, address).person
        organisations.append((fresh.organisation, known(db, 1).person.organisation))
    merge(db, 1, 4)
    fresh = split(db, 1, ADA).person
    organisations.append((fresh.organisation, known(db, 1).person.organisation))
    assert organisations == [("", "quill.example"), ("quill.example", "quill.example"), ("quill.example", "")]


def test_a_person_has_all_the_names_under_which_they_wrote(db: Database) -> None:
    """The newest first, each once; what clerkd wrote itself has none of them."""
    rows = [wrote(db, uid, ADA, name) for uid, name in enumerate(("Ada Quill", "Ada Fern", "", "Ada Quill"), 1)]
    wrote(db, 5, BO, "Bo Tern")
    reminded(db, promised(db, rows[0]), rows[0])
    assert (people.names_of(db, 1), people.names_of(db, 9)) == (["Ada Quill", "Ada Fern"], [])


def test_an_organisation_is_got_by_its_person(db: Database) -> None:
    """Of one who is of none, or of nobody, there is none."""
    met(db, ADA, organisation="quill.example")
    met(db, HOME)
    assert [people.organisation_of(db, number) for number in (1, 2, 9, None)] == ["quill.example", None, None, None]


def test_those_of_an_organisation_are_counted(db: Database) -> None:
    """Without who was merged away."""
    for number in range(3):
        met(db, f"a{number}@quill.example", organisation="quill.example")
    merge(db, 1, 2)
    with db.read() as session:
        assert [people.count_of(session, name) for name in ("quill.example", "tern.example")] == [2, 0]


def test_the_next_mail_of_an_address_that_was_split_off_is_its_new_person_s(one: Database) -> None:
    """The other address still leads to the old one."""
    fresh = split(one, 1, HOME)
    assert wrote(one, 6, HOME).person_id == fresh.person.id
    assert wrote(one, 7, ADA).person_id == 1


# In any order

ADDRESSES = (ADA, HOME, BO)
NUMBERS = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mail"), st.integers(0, len(ADDRESSES) - 1), NUMBERS),
        st.tuples(st.sampled_from(["remind", "merge", "split"]), NUMBERS, NUMBERS),
    ),
    min_size=2,
    max_size=9,
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """Take in a mail from each address, of which clerkd has written a message of its own."""
    db = Database(Path(shutil.copy(migrated, tmp_path_factory.mktemp("begun"))))
    for uid, address in enumerate(ADDRESSES, 1):
        row = wrote(db, uid, address)
        reminded(db, promised(db, row), row)
    db.close()
    return db.path


def take(db: Database, what: str, first: int, second: int) -> None:
    """Take one step, where it can be taken: the numbers choose among those who are there."""
    with db.read() as session:
        standing = list(session.exec(select(Person.id).where(col(Person.merged_into).is_(None)).order_by("id")))
        mails = list(session.exec(select(Message).where(col(Message.about_id).is_(None)).order_by("id")))
        addresses = list(session.exec(select(PersonAddress).order_by("address")))
    mail, address = mails[first % len(mails)], addresses[first % len(addresses)]
    kept, other = standing[first % len(standing)], standing[second % len(standing)]
    shared = [row.person_id for row in addresses].count(address.person_id) > 1
    if what == "mail":
        wrote(db, len(mails) + 1, ADDRESSES[first], at=second)
    elif what == "remind":
        reminded(db, promised(db, mail), mail)
    elif what == "merge" and kept != other:
        merge(db, kept, other)
    elif what == "split" and shared:
        split(db, address.person_id, address.address)


@pytest.mark.exhaustive
@settings(max_examples=60)
@given(steps=STEPS)
def test_every_address_and_every_message_belongs_to_one_person_who_stands(
    begun: Path, steps: list[tuple[str, int, int]]
) -> None:
    """Over any meetings, merges and splits: a mail is its sender's, and clerkd's own message that of its mail."""
    with tempfile.TemporaryDirectory() as place:
        db = Database(Path(shutil.copy(begun, place)))
        try:
            for step in steps:
                take(db, *step)
            assert_whole(db)
        finally:
            db.close()


def assert_whole(db: Database) -> None:
    """See that everything belongs to somebody who was not merged away, and every old number leads to one."""
    with db.read() as session:
        persons = {person.id: person for person in session.exec(select(Person))}
        owners = {row.address: row.person_id for row in session.exec(select(PersonAddress))}
        messages = {row.id: row for row in session.exec(select(Message))}
    standing = {number for number, person in persons.items() if person.merged_into is None}
    mails = [row for row in messages.values() if row.about_id is None]
    assert set(owners.values()) == standing
    assert set(owners) == {row.sender_address for row in mails}
    for row in messages.values():
        mail = messages[row.about_id] if row.about_id else row
        assert row.person_id == owners[mail.sender_address]
    for each in persons.values():
        person, steps = each, 0
        while person.merged_into:
            person, steps = persons[person.merged_into], steps + 1
            assert steps < len(persons)
    assert sum(item.messages for item in people.find(db, "", 99)) == len(mails)
