"""The schema, its migrations, and the two kinds of transaction."""

import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import SQLModel, select

from knowledge import ledger, migrate, schema
from knowledge.database import Database
from knowledge.errors import SchemaError
from knowledge.tables import Case, Person
from tests.knowledge.rows import NOW, decision_row, dump, received


def new(folder: Path) -> Database:
    """Give a handle on a database that is not there yet."""
    return Database(folder / "state" / "clerkd.db")


def set_revision(db: Database, revision: str) -> None:
    """Stamp the database with another version."""
    with db.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})


def add_case(db: Database, **times: datetime) -> Case:
    """Write a case with these times."""
    with db.write() as session:
        case = Case(subject="Hours", opened_at=times.get("opened_at", NOW), updated_at=times.get("updated_at", NOW))
        session.add(case)
    return case


# The schema


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what FTS5 keeps for itself; no class knows those tables."""
    return not (kind == "table" and (name or "").startswith("passage_words"))


def test_the_migrated_schema_is_that_of_the_tables(db: Database) -> None:
    """A change of the tables without a migration is found here."""
    with db.engine.connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_migrated_unique_indexes_are_those_of_the_tables(file: Database, tmp_path: Path) -> None:
    """The conditions of partial indexes, which the comparison above does not see, agree too."""
    made = Database(tmp_path / "made.db")
    SQLModel.metadata.create_all(made.engine)
    statement = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%UNIQUE%' ORDER BY name"
    found = []
    for database in (file, made):
        with database.engine.connect() as connection:
            found.append([tuple(row) for row in connection.exec_driver_sql(statement)])
    made.close()
    assert found[0] == found[1]


def test_the_newest_migration_makes_the_version_that_this_program_works_with() -> None:
    """The version is written down twice, because the library of the migrations is slow to load."""
    assert ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).get_current_head() == schema.HEAD


def test_it_migrates_a_database_again_without_a_change(db: Database) -> None:
    """Each start of the daemon does so."""
    received(db, 1)
    before = dump(db)
    migrate.upgrade(db)
    assert dump(db) == before


def test_it_refuses_a_database_that_a_newer_program_wrote(db: Database) -> None:
    """Whoever went back to an older program is told so, and nothing is changed."""
    set_revision(db, "9999")
    with pytest.raises(SchemaError, match=r"is of version 9999, which a newer clerkd wrote; install that one$"):
        migrate.upgrade(db)


def test_it_leaves_a_newer_database_as_it_is(db: Database) -> None:
    """A refusal writes nothing."""
    set_revision(db, "9999")
    before = dump(db)
    with pytest.raises(SchemaError):
        migrate.upgrade(db)
    assert dump(db) == before


def test_it_creates_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    """The database holds people's mail, whatever the umask allows."""
    old, database = os.umask(0), new(tmp_path)
    try:
        migrate.upgrade(database)
    finally:
        os.umask(old)
        database.close()
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


def test_the_journal_beside_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """What is not yet in the file itself is as private."""
    old, database = os.umask(0), new(tmp_path)
    try:
        migrate.upgrade(database)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in database.path.parent.glob("clerkd.db-*")}
    finally:
        os.umask(old)
        database.close()
    assert modes == {0o600}


def test_it_says_that_there_is_no_database_yet(tmp_path: Path) -> None:
    """A command that only reads makes none."""
    database = new(tmp_path)
    with pytest.raises(SchemaError, match=r"^there is no knowledge database at .*; `clerkd run` creates it$"):
        schema.verify(database)
    assert not database.path.exists()


def test_it_says_that_a_database_is_of_another_version(db: Database) -> None:
    """A command does not migrate; it says who does."""
    set_revision(db, "0000")
    with pytest.raises(SchemaError, match=r"is of version 0000, this program works with .*; start the service once"):
        schema.verify(db)


def test_it_verifies_a_database_of_its_own_version(db: Database) -> None:
    """A migrated database may be read."""
    schema.verify(db)


# Times


def test_a_time_comes_back_with_its_zone(db: Database) -> None:
    """SQLite has no zones, yet what is read is UTC."""
    case = add_case(db, opened_at=datetime(2026, 11, 2, 9, 5, tzinfo=timezone(timedelta(hours=1))))
    with db.read() as session:
        assert session.get_one(Case, case.id).opened_at == datetime(2026, 11, 2, 8, 5, tzinfo=UTC)


def test_it_refuses_to_store_a_naive_time(db: Database) -> None:
    """A time without a zone would be taken for UTC."""
    with pytest.raises(StatementError, match="a time for the knowledge database must know its zone"):
        add_case(db, opened_at=datetime(2026, 11, 2, 8, 5))  # noqa: DTZ001 - the naive time is what is tested


def test_it_refuses_to_compare_with_a_naive_time(db: Database) -> None:
    """A question with such a time has no answer either."""
    naive = select(Case).where(Case.opened_at > datetime(2026, 11, 2, 8, 5))  # noqa: DTZ001 - as above
    with db.read() as session, pytest.raises(StatementError, match="must know its zone"):
        session.exec(naive).all()


def test_a_missing_time_stays_missing(db: Database) -> None:
    """No time is not midnight."""
    row = ledger.get(db, received(db, 1).id or 0)
    assert row is not None
    assert row.due_at is None


# Transactions


def test_a_write_that_fails_leaves_nothing(db: Database) -> None:
    """An exception in the block rolls all of it back."""
    with pytest.raises(IntegrityError), db.write() as session:
        session.add_all(Person(id=1, first_seen_at=NOW, last_seen_at=NOW) for _twice in range(2))
    assert dump(db)["persons"] == []


def test_what_is_read_is_of_one_moment(db: Database) -> None:
    """A write in the midst of a read is not seen by it."""
    with db.read() as session:
        before = len(session.exec(select(Case)).all())
        add_case(db)
        assert len(session.exec(select(Case)).all()) == before


def test_a_write_holds_off_other_writers_from_its_beginning(file: Database) -> None:
    """A fence never waits for a lock in the midst of its transaction."""
    other = sqlite3.connect(file.path, timeout=0, isolation_level=None)
    try:
        with file.write() as session:
            session.connection()
            with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                other.execute("BEGIN IMMEDIATE")
    finally:
        other.close()


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_each_connection_is_prepared(file: Database, pragma: str, value: str | int) -> None:
    """A commit is on the disk when it returns (FULL is 2), and a reference leads somewhere."""
    with file.engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_it_refuses_a_reference_that_leads_nowhere(db: Database) -> None:
    """A decision on a message that does not exist is not stored."""
    row = received(db, 1)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), db.write() as session:
        session.add(decision_row(row, message_id=99))


def test_a_database_without_tables_cannot_be_read(tmp_path: Path) -> None:
    """Nothing but the migration makes tables."""
    database = new(tmp_path)
    database.create()
    with pytest.raises(OperationalError, match="no such table"):
        ledger.get(database, 1)
    database.close()
