"""The folders of the cases, under what a person makes of cases."""

from knowledge import cases, folders
from knowledge.database import Database
from knowledge.tables import Case, Message
from tests.knowledge.rows import NOW, closed, live, opened, screened, settle


def wrote(db: Database, uid: int, case: int | None, **files: str) -> int:
    """Have a turn of a mail write files; give the number of its turn."""
    message = screened(db, uid, case=case)
    conversation = live(db, f"s{uid}")
    turn = closed(opened(db, message, conversation))
    settle(db, turn, conversation, message)
    with db.write() as session:
        named = {name.replace("_", "."): text for name, text in files.items()}
        folders.write(session, message.case_id or 0, turn.id or 0, named, NOW)
    return turn.id or 0


def names(db: Database, case: int) -> dict[str, str]:
    """Give a case's files."""
    return {file.name: file.text for file in folders.of_case(db, case)}


def test_the_newest_version_that_stands_is_the_file(db: Database) -> None:
    """Of each name."""
    wrote(db, 1, None, a_md="one", b_md="-")
    second = wrote(db, 2, 1, a_md="two")
    assert names(db, 1) == {"a.md": "two", "b.md": "-"}
    with db.write() as session:
        folders.withdraw(session, [second], NOW)
    assert names(db, 1) == {"a.md": "one", "b.md": "-"}
    assert [file.text for file in folders.versions(db, 1)] == ["one", "-", "two"]


def test_a_merge_loses_no_file_of_either_case(db: Database) -> None:
    """One whose name is taken is named after the case that it came from."""
    wrote(db, 1, None, plan_md="first", a_md="-")
    wrote(db, 2, None, plan_md="second", b_md="-")
    with db.write() as session:
        cases.merge(session, session.get_one(Case, 1), session.get_one(Case, 2), "closed")
    assert names(db, 1) == {"plan.md": "first", "a.md": "-", "case-2-plan.md": "second", "b.md": "-"}


def test_a_merge_loses_no_file_whose_name_is_long(db: Database) -> None:
    """Cut to their length, two names would be one."""
    one, two = "x" * 79 + "1", "x" * 79 + "2"
    wrote(db, 1, None, **{one: "first", two: "second"})
    wrote(db, 2, None, **{one: "third", two: "fourth"})
    with db.write() as session:
        cases.merge(session, session.get_one(Case, 1), session.get_one(Case, 2), "closed")
    assert sorted(names(db, 1).values()) == ["first", "fourth", "second", "third"]
    assert max(map(len, names(db, 1))) == folders.LONGEST_NAME


def test_a_split_takes_along_only_what_its_own_turns_wrote(db: Database) -> None:
    """In a file at which others' turns wrote as well, nobody knows whose words stand."""
    wrote(db, 1, None, shared_md="of the one", own_md="of the one")
    wrote(db, 2, 1, shared_md="of the one and of the other", theirs_md="of the other")
    with db.write() as session:
        fresh = cases.split(session, session.get_one(Case, 1), [session.get_one(Message, 2)]).id or 0
    assert names(db, fresh) == {"theirs.md": "of the other"}
    assert names(db, 1) == {"own.md": "of the one", "shared.md": "of the one and of the other"}
