"""What holds of a knowledge database on a server: who writes, who holds it, and what it refuses."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import SQLModel, select

from knowledge import ledger, migrate, postgresql, schema, service
from knowledge.database import Database
from knowledge.errors import HeldElsewhereError, SchemaError, TakenOverError, said_by
from knowledge.tables import Case, Person
from tests.bed import wait_for
from tests.knowledge.rows import NOW, dump, received
from tests.knowledge_server import KnowledgeServer, new_database, run

HOLD = """
import sys, time
from sqlalchemy import make_url
from knowledge.database import Database
with Database(make_url(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(60)
"""
pytestmark = pytest.mark.exhaustive


@pytest.fixture
def empty(knowledge_server: KnowledgeServer) -> Iterator[Database]:
    """Give a database without tables."""
    database = Database(new_database(knowledge_server.url))
    yield database
    database.close()
    run(knowledge_server.url, f"DROP DATABASE {database.engine.url.database} WITH (FORCE)")


@pytest.fixture
def other(served: Database) -> Iterator[Database]:
    """Give another handle on the same database, as another process has it."""
    database = Database(served.place)
    yield database
    database.close()


def subjects(db: Database) -> list[str]:
    """List the subjects of the cases."""
    with db.read() as session:
        return [case.subject for case in session.exec(select(Case).order_by("id"))]


def case(subject: str) -> Case:
    """Make a case."""
    return Case(subject=subject, opened_at=NOW, updated_at=NOW)


# Transactions


def test_a_write_waits_for_the_one_before_it_and_sees_what_that_wrote(served: Database, other: Database) -> None:
    """What a transaction has read still holds when it writes, as in a file."""
    seen: list[int] = []

    def count_and_add() -> None:
        with other.write() as session:
            seen.append(len(session.exec(select(Case)).all()))
            session.add(case("second"))

    second = threading.Thread(target=count_and_add)
    with served.write() as session:
        session.add(case("first"))
        session.flush()
        second.start()
        second.join(0.3)
        assert seen == []
    second.join(10)
    assert (seen, subjects(served)) == ([1], ["first", "second"])


def test_a_reader_waits_for_no_writer(served: Database, other: Database) -> None:
    """It sees what was committed when it began."""
    with served.write() as session:
        session.add(case("first"))
        session.flush()
        assert subjects(other) == []


def test_a_reader_cannot_write(served: Database) -> None:
    """A slip in a command is refused by the server."""
    with served.read() as session:
        session.add(case("first"))
        with pytest.raises(DBAPIError, match="read-only transaction"):
            session.flush()


def test_a_commit_is_on_the_disk_whatever_the_server_was_told(
    served: Database, knowledge_server: KnowledgeServer
) -> None:
    """Its own default may be otherwise."""
    run(knowledge_server.url, f"ALTER DATABASE {served.engine.url.database} SET synchronous_commit = off")
    with served.write() as session:
        assert session.connection().execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_it_goes_on_with_a_new_connection_where_one_has_died(
    served: Database, knowledge_server: KnowledgeServer
) -> None:
    """The server may have been started anew between two mails."""
    assert subjects(served) == []
    theirs = f"datname = '{served.engine.url.database}'"
    run(knowledge_server.url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {theirs}")
    assert subjects(served) == []


def test_a_text_with_a_nul_is_stored_with_a_sign_in_its_place(served: Database) -> None:
    """PostgreSQL knows no such text, and a stranger's mail may hold one."""
    with served.write() as session:
        session.add(case("a\0b"))
    assert subjects(served) == ["a\N{REPLACEMENT CHARACTER}b"]


def test_what_it_says_of_an_error_holds_nothing_of_a_row(served: Database) -> None:
    """It would tell an address, or what somebody wrote, to the journal."""
    with pytest.raises(IntegrityError) as caught, served.write() as session:
        session.add_all(Person(id=1, name="Ada Quill", first_seen_at=NOW, last_seen_at=NOW) for _twice in range(2))
    assert "persons_pkey" in said_by(caught.value)
    assert "(1)" not in said_by(caught.value)
    assert "Ada" not in str(caught.value)


# Who works on it


def test_one_at_a_time_holds_it(served: Database, other: Database) -> None:
    """Whoever comes second is told who has it."""
    with (
        served.held(),
        pytest.raises(HeldElsewhereError, match=rf"^process {os.getpid()} on "),
        other.held(),
    ):
        pytest.fail("two hold it")


def test_who_only_looks_sees_whether_it_is_held(served: Database, other: Database) -> None:
    """A command waits for the daemon, wherever that runs."""
    assert not other.is_held
    with served.held():
        assert other.is_held
    assert not other.is_held


def test_it_is_free_as_soon_as_its_holder_is_killed(served: Database) -> None:
    """The next start need not wait."""
    url = served.engine.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert served.is_held
        holder.send_signal(signal.SIGKILL)
    wait_for(lambda: not served.is_held, 10, "the end of the hold")


def test_two_databases_on_one_server_are_held_apart(served: Database, knowledge_server: KnowledgeServer) -> None:
    """Two employees may share a server."""
    second = Database(knowledge_server.copy())
    with served.held(), second.held():
        assert second.is_held
    second.close()


def test_a_lock_is_not_waited_for_without_end(
    served: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's forgotten transaction is an error that says so."""
    monkeypatch.setattr(postgresql, "OPTIONS", postgresql.OPTIONS.replace("lock_timeout=30s", "lock_timeout=200ms"))
    hasty = Database(served.place)
    started = time.monotonic()
    with other.write() as session:
        session.add(case("first"))
        session.flush()
        with pytest.raises(OperationalError, match="lock timeout"), hasty.write() as late:
            late.add(case("second"))
    assert time.monotonic() - started < 10
    hasty.close()


# Its tables


def test_a_failed_laying_leaves_nothing(empty: Database) -> None:
    """All of it is one transaction."""
    with empty.write() as session:
        session.connection().execute(text("CREATE TABLE turns (surprise INTEGER)"))
    with pytest.raises(DBAPIError, match='"turns" already exists'):
        migrate.upgrade(empty)
    assert inspect(empty.engine).get_table_names() == ["turns"]


def test_a_database_without_tables_is_none_yet(empty: Database) -> None:
    """A command that only reads lays none."""
    with pytest.raises(
        SchemaError, match=r"^there is no knowledge database at postgresql://.*; `clerkd run` creates it$"
    ):
        schema.verify(empty)
    assert inspect(empty.engine).get_table_names() == []


def test_its_name_holds_no_password(empty: Database) -> None:
    """Messages name it."""
    assert empty.engine.url.password
    assert str(empty.engine.url.password) not in str(empty)


def test_the_indexes_are_those_of_the_tables(served: Database, empty: Database) -> None:
    """The conditions of partial ones, too."""
    SQLModel.metadata.create_all(empty.writer)
    statement = text(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != ALL(:own) ORDER BY 1"
    )
    found = []
    for database in (served, empty):
        with database.read() as session:
            rows = session.connection().execute(statement, {"own": ["alembic_version", "passage_words"]})
            found.append([row.indexdef for row in rows])
    assert found[0] == found[1]


# Generations, on either kind


def test_a_daemon_writes_nothing_once_another_has_taken_over(db: Database) -> None:
    """Its hold may have been lost with its connection: what it still believes counts no more."""
    service.start(db, 1, "0.1.0", NOW)
    newer = Database(db.place)
    service.start(newer, 2, "0.1.0", NOW)
    before = dump(db)
    with pytest.raises(TakenOverError, match=r"another clerkd has taken the knowledge database .* over"):
        received(db, 1)
    assert dump(db) == before
    received(newer, 1)
    newer.close()


def test_a_command_writes_whichever_daemon_is_at_work(db: Database) -> None:
    """It leaves orders, and is no daemon."""
    service.start(db, 1, "0.1.0", NOW)
    command = Database(db.place)
    received(command, 1)
    assert ledger.get(command, 1)
    command.close()
