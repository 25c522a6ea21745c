"""The numbers of a Maildir's files: stable, in order, and never given twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import maildirs
from knowledge.database import Database
from knowledge.migrate import upgrade

LOOKS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=8)


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Open a database, which is migrated where it is new."""
    db = Database(path)
    upgrade(db)
    try:
        yield db
    finally:
        db.close()


def number(db: Database, *names: str, mailbox: str = "support", folder: str = "INBOX") -> dict[str, int]:
    """Give some names of one folder their numbers."""
    return maildirs.number(db, mailbox, folder, names)


def test_new_names_get_the_next_numbers_in_the_order_given(db: Database) -> None:
    """The order is that of the arrival, which the caller knows."""
    number(db, "zebra")
    assert number(db, "yak", "ant") == {"yak": 2, "ant": 3}


def test_a_name_keeps_its_number(db: Database) -> None:
    """A mail that is seen again is the same mail."""
    number(db, "one", "two")
    assert number(db, "two", "three") == {"two": 2, "three": 3}


def test_a_name_that_is_given_twice_gets_one_number(db: Database) -> None:
    """The next number is not left out either."""
    assert number(db, "one", "one", "two") == {"one": 1, "two": 2}


def test_no_names_get_no_numbers(db: Database) -> None:
    """An empty folder is nothing to write down."""
    assert number(db) == {}


@pytest.mark.parametrize("other", [{"mailbox": "sales"}, {"folder": "Invoices"}])
def test_each_folder_of_each_mailbox_counts_for_itself(db: Database, other: dict[str, str]) -> None:
    """As with UIDs, a number means a mail only together with its folder."""
    number(db, "one", "two")
    assert number(db, "two", **other) == {"two": 1}


def test_many_names_are_numbered_like_few(db: Database) -> None:
    """More names than fit into one statement: the known ones keep their numbers, the new ones get the next."""
    names = [f"mail {place}" for place in range(maildirs.FEW + 1)]
    number(db, "known", names[7])
    found = number(db, *names)
    assert (found[names[7]], found[names[0]], found[names[-1]]) == (2, 3, len(names) + 1)


def test_a_number_leads_back_to_its_name(db: Database) -> None:
    """What is to be done to a mail finds its file by it."""
    number(db, "one", "two")
    assert maildirs.name_of(db, "support", "INBOX", 2) == "two"


def test_a_number_that_was_never_given_leads_nowhere(db: Database) -> None:
    """Neither does one of another folder."""
    number(db, "one", folder="Invoices")
    assert maildirs.name_of(db, "support", "INBOX", 1) is None


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(LOOKS)
def test_no_number_is_ever_given_twice_nor_changed(looks: list[list[str]]) -> None:
    """Whatever comes, goes and comes again, over restarts: one name has one number, and one number one name."""
    given_so_far: dict[str, int] = {}
    with TemporaryDirectory() as root:
        for names in looks:
            with opened(Path(root) / "clerkd.db") as db:
                found = number(db, *names)
            assert {name: found[name] for name in names if name in given_so_far}.items() <= given_so_far.items()
            given_so_far |= found
    assert len(set(given_so_far.values())) == len(given_so_far)


def test_two_that_number_at_once_get_different_numbers(db: Database) -> None:
    """Two threads that see each other's mail never give a number twice."""
    found: list[dict[str, int]] = []

    def see(first: int) -> None:
        found.extend(number(db, f"mail {place}", f"mail {place + 1}") for place in range(first, first + 20))

    threads = [threading.Thread(target=see, args=(first,)) for first in (0, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    numbers = {name: uid for one in found for name, uid in one.items()}
    assert sorted(numbers.values()) == list(range(1, 32))
