"""What the knowledge database holds for the pages: users, visits, tries, looks, and the rows of the numbers."""

from datetime import timedelta

from knowledge import numbers, users, visits
from knowledge.database import Database
from knowledge.tables import Look, SignIn, User, Visit
from tests.knowledge.rows import NOW, after, received

HOUR = timedelta(hours=1)


def user(name: str = "ada", role: str = "viewer") -> User:
    """Make a user."""
    return User(name=name, role=role, password="hash", added_at=NOW)


def visit(name: str = "ada", token: str = "token") -> Visit:
    """Make a visit."""
    return Visit(token=token, user=name, csrf="csrf", begun_at=NOW, seen_at=NOW)


def known(db: Database, token: str = "token") -> bool:
    """Say whether a visit still goes on, a while later."""
    return visits.find(db, token, begun=NOW - HOUR, seen=NOW - HOUR) is not None


def test_a_name_is_given_once(db: Database) -> None:
    """The first one keeps it, with the role that they had."""
    assert users.add(db, user())
    assert not users.add(db, user(role="admin"))
    assert [(each.name, each.role) for each in users.every(db)] == [("ada", "viewer")]


def test_a_change_or_a_drop_ends_the_visits_of_that_user_alone(db: Database) -> None:
    """Whoever has another password, another role or no sign-in any more is out at once."""
    for name in ("ada", "bo", "cy"):
        users.add(db, user(name))
        visits.begin(db, visit(name, name))
    assert users.change(db, "ada", role="admin", password="other")
    assert users.drop(db, "bo")
    assert [known(db, name) for name in ("ada", "bo", "cy")] == [False, False, True]
    assert [(each.name, each.role, each.password) for each in users.every(db)] == [
        ("ada", "admin", "other"), ("cy", "viewer", "hash"),
    ]  # fmt: skip


def test_nobody_is_changed_where_there_is_nobody(db: Database) -> None:
    """And the caller is told so."""
    assert not users.change(db, "nobody", role="admin")
    assert not users.drop(db, "nobody")
    assert users.get(db, "nobody") is None


def test_a_visit_is_found_until_it_is_too_old_or_idle(db: Database) -> None:
    """Since when it must have begun, and been seen, is the caller's to say."""
    users.add(db, user())
    visits.begin(db, visit())
    assert known(db)
    assert visits.find(db, "token", begun=NOW, seen=NOW - HOUR) is None
    assert visits.find(db, "token", begun=NOW - HOUR, seen=NOW) is None
    assert visits.find(db, "another", begun=NOW - HOUR, seen=NOW - HOUR) is None
    visits.seen(db, "token", after(60))
    guest = visits.find(db, "token", begun=NOW - HOUR, seen=NOW)
    assert guest
    assert (guest.user.name, guest.visit.seen_at) == ("ada", after(60))
    assert users.visited_at(db) == {"ada": after(60)}
    visits.end(db, "token")
    assert not known(db)


def test_what_is_old_is_forgotten(db: Database) -> None:
    """Visits that have ended, and tries that do not count any more."""
    users.add(db, user())
    visits.begin(db, visit())
    visits.tried(db, SignIn(user="ada", place="here", succeeded=False, tried_at=NOW))
    visits.tried(db, SignIn(user="ada", place="here", succeeded=True, tried_at=after(60)))
    assert [each.succeeded for each in visits.tries(db, NOW - HOUR)] == [False, True]
    visits.tidy(db, NOW, NOW)
    assert not known(db)
    assert [each.succeeded for each in visits.tries(db, NOW - HOUR)] == [True]


def test_looks_are_listed_the_newest_first_and_by_what_was_looked_at(db: Database) -> None:
    """They stay when the user goes."""
    for at, (page, number) in enumerate([("decision", 1), ("case", 1), ("decision", 1), ("decision", 2)]):
        visits.looked(db, Look(user="ada", place="here", page=page, number=number, looked_at=after(at)))
    users.drop(db, "ada")
    assert [each.number for each in visits.looks(db, 2)] == [2, 1]
    assert [each.looked_at for each in visits.looks_at(db, "decision", 1)] == [after(2), after(0)]


def test_the_numbers_begin_with_the_day_that_is_wanted(db: Database) -> None:
    """What came in before is not counted."""
    received(db, 1)
    assert len(numbers.received(db, NOW - timedelta(days=400))) == 1
    assert numbers.received(db, NOW + timedelta(days=400)) == []
