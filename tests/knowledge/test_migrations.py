"""A database of the first schema, with mail in it, becomes one of this program's."""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col, select

from daemon.judgement.states import WENT_OUT
from knowledge import audit, cases, decisions, ledger, migrate, people, schema, sessions, turns
from knowledge.cases import Trace
from knowledge.database import Database
from knowledge.decisions import Filter
from knowledge.tables import Action, LogEntry
from knowledge.turns import Step
from tests.knowledge.rows import FOLDER, MAILBOX, NOW, VALIDITY, dump, received, screened, session_row, stored

RAW = b"From: ada@quill.example\r\nSubject: Hours\r\n\r\nWhen?\r\n"
STATES = ("received", "asking", "decided", "done", "escalated", "held", "failed")
AT = "2026-11-02 08:05:00.000000"
SHA256 = hashlib.sha256(RAW).hexdigest()
PLACE = {"mailbox": MAILBOX, "folder": FOLDER, "uidvalidity": VALIDITY}
TURN = {"session_id": "one", "generation": 1, "attempt": 1, "prompt": "Decide.", "model": "claude-sonnet-5"}
NOTHING_USED = {"input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0, "cache_write_tokens": 0}
COMMON: list[tuple[str, dict[str, Any]]] = [
    ("raw_mails", {"sha256": SHA256, "size": len(RAW), "packed": zlib.compress(RAW)}),
    ("persons", {"id": 1, "address": "ada@quill.example", "name": "Ada", "first_seen_at": AT, "last_seen_at": AT}),
    ("cases", {"id": 1, "subject": "Hours", "opened_at": AT, "updated_at": AT}),
    ("cursors", {**PLACE, "last_uid": len(STATES), "since": AT}),
    ("sessions", {"id": "one", "state": "live", "generation": 1, "model": "claude-sonnet-5", "orders_digest": "d",
                  "head_uuid": "head", "head_offset": 100, "created_at": AT, "end_reason": ""}),
    ("conditions", {"part": "model", "paused": True, "kind": "", "reason": "away", "tries": 1, "since": AT}),
    ("service", {"id": 1, "generation": 3, "pid": 42, "version": "0.1.0", "started_at": AT, "beat_at": AT}),
    ("orders", {"id": 1, "kind": "requeue", "argument": "1", "asked_at": AT, "state": "waiting", "outcome": ""}),
]  # fmt: skip


def rows_of(number: int, state: str) -> list[tuple[str, dict[str, Any]]]:
    """Make a message of the first schema, with all that can hang on it."""
    return [
        ("messages", {**PLACE, "id": number, "uid": number, "sha256": SHA256, "size": len(RAW), "whole": True,
                      "message_id": f"<{number}@quill.example>", "subject": "Hours", "sender_name": "Ada",
                      "sender_address": "ada@quill.example", "person_id": 1, "case_id": 1, "received_at": AT,
                      "state": state, "reason": "", "attempts": 1, "updated_at": AT}),
        ("turns", {**TURN, **NOTHING_USED, "id": number, "message_id": number, "prompt_uuid": f"uuid-{number}",
                   "state": "settled", "reserved_usd": 0.5, "tools": "[]", "notes": "[]", "started_at": AT,
                   "failure": ""}),
        ("decisions", {"id": number, "message_id": number, "turn_id": number, "rule": "", "category": "question",
                       "priority": "normal", "summary": "She asks.", "reason": "", "confidence": 0.9,
                       "decided_at": AT}),
        ("actions", {"id": number, "message_id": number, "decision_id": number, "ordinal": 0, "kind": "draft",
                     "target": "", "content": b"Dear Ada", "recipients": "[]", "digest": "d", "rule": "default",
                     "own_message_id": f"<{number}.clerkd@harbourpine.example>", "state": "sent", "reason": "",
                     "tries": 1, "created_at": AT, "updated_at": AT}),
    ]  # fmt: skip


def make_first(db: Database) -> None:
    """Make the tables of the first schema."""
    db.create()
    bring_to(db, "0001")


def bring_to(db: Database, revision: str) -> None:
    """Migrate as far as that, and no farther."""
    config, engine = migrate._config(), db.engine.execution_options(write=True)
    with engine.connect() as connection, migrate._references_unchecked(connection), connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def insert(db: Database, table: str, row: dict[str, Any]) -> None:
    """Write a row past the classes, which know the newest schema alone."""
    names, marks = ", ".join(row), ", ".join("?" for _name in row)
    with db.write() as session:
        session.connection().exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def pragma(db: Database, name: str) -> list[tuple[Any, ...]]:
    """Ask SQLite."""
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {name}")]


def columns(db: Database, table: str) -> list[str]:
    """Name the columns of a table."""
    return [str(row[1]) for row in pragma(db, f"table_info({table})")]


def contents(db: Database, tables: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """Give what stands in these columns of these tables."""
    with db.engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM {table}")]
            for table, names in tables.items()
        }


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Database]:
    """Give a database of the first schema with a message in each of its states."""
    database = Database(tmp_path / "first.db")
    make_first(database)
    for number, state in enumerate(STATES, start=1):
        for table, row in [*(COMMON if number == 1 else []), *rows_of(number, state)]:
            insert(database, table, row)
    yield database
    database.close()


def test_the_first_schema_has_a_row_in_each_of_its_tables(first: Database) -> None:
    """What follows is about all of them."""
    assert {table for table, rows in dump(first).items() if not rows} == set()


def test_a_database_of_the_first_schema_comes_up_to_date(first: Database) -> None:
    """It is of this program's version then."""
    migrate.upgrade(first)
    assert schema.revision(first) == schema.HEAD


def test_nothing_of_the_first_schema_is_lost(first: Database) -> None:
    """Every row has every value that it had, but for the state of the messages; addresses have a table of their own."""
    tables = {table: columns(first, table) for table in dump(first) if table != "alembic_version"}
    tables["messages"].remove("state")
    tables["persons"].remove("address")
    before = contents(first, tables)
    migrate.upgrade(first)
    assert contents(first, tables) == before


def test_a_person_of_the_first_schema_keeps_the_address(first: Database) -> None:
    """It is the first of those that they may have now."""
    migrate.upgrade(first)
    known = people.get(first, 1)
    assert known
    assert (known.person.name, known.addresses, known.messages) == ("Ada", ["ada@quill.example"], len(STATES))


@pytest.mark.exhaustive
def test_messages_that_were_received_wait_for_the_model(first: Database) -> None:
    """They had been read before they were stored; all others are where they were."""
    migrate.upgrade(first)
    assert [stored(first, number).state for number in range(1, len(STATES) + 1)] == ["screened", *STATES[1:]]


@pytest.mark.exhaustive
def test_the_mail_of_the_first_schema_can_be_read(first: Database) -> None:
    """It was packed in another way."""
    migrate.upgrade(first)
    assert ledger.raw_mail(first, stored(first, 1)) == RAW


@pytest.mark.exhaustive
def test_a_message_of_the_first_schema_has_nothing_of_what_was_not_read_then(first: Database) -> None:
    """The new columns are empty, and no JSON is broken."""
    migrate.upgrade(first)
    row = stored(first, 1)
    assert (row.correspondents, row.conversation, row.authenticity, row.placement, row.removed) == ([], "", "", "", [])


@pytest.mark.exhaustive
def test_all_that_hangs_on_a_message_hangs_on_it_still(first: Database) -> None:
    """Turn, decision and action are found from it."""
    migrate.upgrade(first)
    entry = decisions.of_message(first, 2)
    assert entry
    assert entry.turn
    assert entry.decision
    assert (entry.turn.id, entry.decision.id, [action.id for action in entry.actions]) == (2, 2, [2])


def test_the_log_of_the_first_schema_can_be_searched(first: Database) -> None:
    """Each decision has its entry, in its state of now, and its words are in the index."""
    migrate.upgrade(first)
    found = [decisions.log(first, wanted) for wanted in (Filter(search="asks"), Filter(state="held", person="quill"))]
    numbers = [[entry.message.id for entry in entries] for entries in found]
    assert numbers == [list(range(len(STATES), 0, -1)), [STATES.index("held") + 1]]


def test_the_log_goes_on_behind_what_the_first_schema_had(first: Database) -> None:
    """What is concluded next stands first."""
    migrate.upgrade(first)
    row = screened(first, 99)
    turns.step(first, row.id or 0, Step("screened", "held", "look"), [], NOW)
    assert [entry.message.uid for entry in decisions.log(first, Filter(limit=2))] == [99, len(STATES)]


@pytest.mark.exhaustive
def test_a_decision_that_was_withdrawn_has_a_closed_entry(first: Database) -> None:
    """Its message stands in the log for what it is held for."""
    bring_to(first, "0014")
    with first.write() as session:
        for words in (
            f"UPDATE decisions SET withdrawn_at = '{AT}' WHERE id = 2",
            "UPDATE messages SET state = 'held', reason = 'rolled back' WHERE id = 2",
        ):
            session.connection().exec_driver_sql(words)
    migrate.upgrade(first)
    (entry,) = decisions.log(first, Filter(search="rolled"))
    with first.read() as session:
        closed = session.exec(select(LogEntry.decision_id).where(col(LogEntry.closed_at).is_not(None))).all()
    assert (entry.message.id, entry.decision, list(closed)) == (2, None, [2])


def test_the_session_stands_where_it_stood(first: Database) -> None:
    """The conversation goes on."""
    migrate.upgrade(first)
    live = sessions.live(first, "live")
    assert live
    assert (live.head_uuid, live.head_offset) == ("head", 100)


@pytest.mark.exhaustive
def test_there_is_still_only_one_live_session(first: Database) -> None:
    """The unique index outlives the rebuilding of its table, and is about live sessions alone."""
    migrate.upgrade(first)
    sessions.begin(first, session_row("two"), ended="ended", reason="r")
    with pytest.raises(IntegrityError, match=r"sessions\.state"), first.write() as session:
        session.add(session_row("three"))
    assert [row.state for row in sessions.chain(first)].count("ended") == 1


def test_the_folder_is_read_on_from_where_it_was(first: Database) -> None:
    """No mail is received twice; the first schema knew no mail that was to be left out behind the cursor."""
    migrate.upgrade(first)
    cursor = ledger.cursor(first, MAILBOX, FOLDER)
    assert cursor
    assert (cursor.uidvalidity, cursor.last_uid, cursor.first_uid, cursor.since) == (VALIDITY, len(STATES), 0, NOW)


@pytest.mark.exhaustive
@pytest.mark.parametrize("id_of", ["<1@quill.example>", "<1.clerkd@harbourpine.example>"], ids=["theirs", "ours"])
def test_an_answer_finds_the_case_of_the_first_schema(first: Database, id_of: str) -> None:
    """Threads go on across the migration."""
    migrate.upgrade(first)
    found = cases.relatives(first, Trace((id_of,), "", "", ""), 99)
    assert [(relative.case, relative.people) for relative in found] == [(1, frozenset({"ada@quill.example"}))]


@pytest.mark.exhaustive
def test_a_copy_of_a_mail_of_the_first_schema_is_known(first: Database) -> None:
    """It has the same bytes, however they are packed."""
    migrate.upgrade(first)
    row = received(first, 99, raw=RAW)
    copied = ledger.copy_of(first, row, RAW, "", "")
    assert copied
    assert copied.id == 1


def test_the_entries_of_the_first_schema_s_log_are_in_their_places(first: Database) -> None:
    """The audit says of them that the chain does not know them, and finds each entry as it should be."""
    migrate.upgrade(first)
    found = [finding.words for finding in audit.verify(first, WENT_OUT)]
    assert found[0].startswith("the chain has no link")
    assert not [words for words in found if "entr" in words]


def test_what_was_cut_off_while_it_left_may_have_left(first: Database) -> None:
    """Told from the reason that it is held for; of all others nothing is said."""
    with first.write() as session:
        statement = "UPDATE actions SET state = 'held', reason = ? WHERE id = ?"
        cut_off = "it was cut off while it was handed over, and no copy lies where sent mail lies"
        session.connection().exec_driver_sql(statement, (cut_off, 2))
        session.connection().exec_driver_sql(statement, ("refused by the server", 3))
    migrate.upgrade(first)
    with first.read() as session:
        assert list(session.exec(select(Action.id).where(col(Action.may_have_left)))) == [2]


def test_new_mail_is_received_and_read_after_the_migration(first: Database) -> None:
    """A message may now be without a case, and gets one."""
    migrate.upgrade(first)
    assert (received(first, 98).case_id, screened(first, 99).case_id) == (None, 2)


@pytest.mark.exhaustive
def test_every_reference_leads_somewhere_after_the_migration(first: Database) -> None:
    """They are not checked while tables are rebuilt."""
    migrate.upgrade(first)
    assert pragma(first, "foreign_key_check") == []


@pytest.mark.exhaustive
def test_references_are_checked_again_after_the_migration(first: Database) -> None:
    """The connection that migrated serves on."""
    migrate.upgrade(first)
    assert pragma(first, "foreign_keys") == [(1,)]


@pytest.fixture
def broken(first: Database) -> Database:
    """Give a database whose migration fails at its end: a table of its name is there already."""
    with first.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE feedback (surprise INTEGER)")
    return first


def test_a_migration_that_fails_leaves_the_database_as_it_was(broken: Database) -> None:
    """All of it is one transaction, so the older program can go on."""
    before = dump(broken)
    with pytest.raises(OperationalError, match="table feedback already exists"):
        migrate.upgrade(broken)
    assert dump(broken) == before


def test_references_are_checked_again_after_a_migration_that_failed(broken: Database) -> None:
    """Nothing is left switched off."""
    with pytest.raises(OperationalError):
        migrate.upgrade(broken)
    assert pragma(broken, "foreign_keys") == [(1,)]
