"""The chain over the decision log: what was done to it afterwards is found, and named."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from daemon.judgement.states import WENT_OUT
from knowledge import actions, audit, chain, rollbacks
from knowledge.actions import Change
from knowledge.database import POSTGRESQL, Database
from tests.bed import _empty_database
from tests.knowledge.rows import NOW, action_row, closed, filed, live, opened, received, screened, settle
from tests.knowledge.test_rollbacks import back

TAKE_CONTENT = "UPDATE actions SET content = substr(content, 1, 0) WHERE id = 1"
SWAP_CONTENT = "UPDATE actions SET content = (SELECT content FROM actions WHERE id = 2) WHERE id = 1"
NO_LINK = (
    "the chain has no link, and the log 4 decision(s): it was deleted, or brought by an update since which nothing was "
    "decided"
)


def findings(db: Database, head: str = "") -> list[str]:
    """Give what is found."""
    return [finding.words for finding in audit.verify(db, WENT_OUT, head)]


def tamper(db: Database, statement: str) -> None:
    """Do to the database what somebody with a shell can do, who need not care for references."""
    if db.kind == POSTGRESQL:
        with db.writer.connect() as connection:
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("SET session_replication_role = DEFAULT")
            connection.commit()
        return
    with closing(sqlite3.connect(db.path)) as file, file:
        file.execute(statement)


@pytest.fixture
def worked(db: Database) -> Database:
    """Decide three mails, send the draft of one, file a fourth."""
    session = live(db)
    for uid in (1, 2, 3):
        message = screened(db, uid)
        turn = closed(opened(db, message, session), head_offset=100 * uid)
        settle(db, turn, session, message, action_row(message, content=f"Dear {uid}".encode()))
    filed(db, received(db, 4), rule="bounce")
    draft = actions.of_message(db, 1)[0]
    actions.change(db, draft, Change("sent", is_done=True), NOW)
    return db


def test_a_log_that_nobody_touched_holds(worked: Database) -> None:
    """One link for each decision and each action that went out."""
    end = chain.head(worked)
    assert end
    assert end.number == 5
    assert findings(worked) == findings(worked, end.hash) == []


def test_an_empty_log_holds_and_has_no_head(db: Database) -> None:
    """Nothing was decided."""
    assert (chain.head(db), findings(db)) == (None, [])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE decisions SET summary = 'x' WHERE id = 2", "decision 2: its row was changed"),
        ("UPDATE decisions SET confidence = 0.1 WHERE id = 4", "decision 4: its row was changed"),
        ("UPDATE actions SET recipients = '[\"eve@evil.example\"]' WHERE id = 2", "decision 2: its row was changed"),
        ("UPDATE actions SET digest = 'x' WHERE id = 1", "action 1: its row was changed"),
        ("DELETE FROM decisions WHERE id = 4", "decision 4: its row was deleted"),
        ("DELETE FROM actions WHERE id = 3", "decision 3: its row was changed"),
        ("UPDATE links SET digest = 'x' WHERE number = 2", "link 2 (decision 2) was changed"),
        ("UPDATE links SET linked_at = '2020-01-01 00:00:00' WHERE number = 2", "link 2 (decision 2) was changed"),
        ("DELETE FROM links WHERE number = 2", "link 2 is missing: the one after 1 is 3"),
        ("DELETE FROM links WHERE number = 2", "decision 2 is not in the chain"),
        ("DELETE FROM links WHERE kind = 'done'", "action 1: it went out, but the chain does not say so"),
        ("DELETE FROM links", NO_LINK),
        ("UPDATE links SET salt = '' WHERE number = 2",
         "decision 2: its salt is gone, but not its content, so that may be another by now"),
        (SWAP_CONTENT, "action 1: its content is not what was decided"),
        (TAKE_CONTENT, "action 1: its content is not what was decided"),
        ("UPDATE actions SET message_id = 3 WHERE id = 1", "action 1: it was put to another message"),
        ("UPDATE log_entries SET message_id = 99 WHERE number = 2", "entry 2 of the log shows another decision"),
        ("UPDATE log_entries SET concluded_at = '2020-01-01 00:00:00' WHERE number = 2",
         "entry 2 of the log shows another decision"),
        ("UPDATE log_entries SET reached_at = '2020-01-01 00:00:00' WHERE number = 2",
         "entry 2 of the log stands in another place"),
        ("DELETE FROM log_entries WHERE number = 2", "decision 2 is not among the log's entries"),
        ("UPDATE log_entries SET closed_at = reached_at WHERE number = 2", "decision 2 is not among the log's entries"),
        ("UPDATE decisions SET withdrawn_at = '2026-11-21 00:00:00' WHERE id = 3",
         "decision 3: it was withdrawn, but the chain does not say so"),
    ],
)  # fmt: skip
def test_what_was_done_to_the_log_is_found_and_named(worked: Database, statement: str, said: str) -> None:
    """Edited, deleted, taken out of the chain."""
    tamper(worked, statement)
    assert said in findings(worked)


def test_two_links_that_change_places_are_found(worked: Database) -> None:
    """Their numbers are part of what is hashed."""
    tamper(worked, "UPDATE links SET number = -2 WHERE number = 2")
    tamper(worked, "UPDATE links SET number = 2 WHERE number = 3")
    tamper(worked, "UPDATE links SET number = 3 WHERE number = -2")
    assert "link 2 (decision 3) was changed" in findings(worked)


def test_a_row_that_was_slipped_in_is_found(worked: Database) -> None:
    """A decision without a link, from the time when there were links."""
    tamper(
        worked,
        "INSERT INTO decisions (id, message_id, rule, category, priority, summary, reason, confidence, decided_at, "
        "withdrawn_at) SELECT 99, message_id, rule, category, priority, summary, reason, confidence, decided_at, "
        "decided_at FROM decisions WHERE id = 1",
    )
    assert "decision 99 is not in the chain" in findings(worked)


def test_a_cut_off_end_is_found_by_an_older_head_alone(worked: Database) -> None:
    """Without one, a shorter chain looks whole, if its rows went with it."""
    end = chain.head(worked)
    assert end
    tamper(worked, "DELETE FROM links WHERE number = 5")
    tamper(worked, "UPDATE actions SET state = 'planned' WHERE id = 1")
    assert findings(worked) == []
    assert findings(worked, end.hash) == [
        f"no link has the hash {end.hash}: the chain's end was cut off, or it was written anew"
    ]


def test_content_can_be_erased_and_the_chain_holds(worked: Database) -> None:
    """With the salt gone nothing is compared, and nothing can be told from the digest; the number of these is."""
    tamper(worked, "UPDATE links SET salt = '' WHERE subject = 2")
    tamper(worked, "UPDATE decisions SET summary = '', reason = '' WHERE id = 2")
    tamper(worked, "UPDATE actions SET content = substr(content, 1, 0) WHERE decision_id = 2")
    assert findings(worked) == []
    assert audit.erased(worked) == 1


def test_the_same_content_never_has_the_same_digest(worked: Database) -> None:
    """Else whoever guesses a content could prove it."""
    with worked.engine.connect() as connection:
        salts = connection.execute(text("SELECT salt FROM links")).scalars().all()
    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 32 for salt in salts)


def test_a_rollback_is_in_the_chain(db: Database) -> None:
    """A decision that was withdrawn is still that decision, and its end is a link of its own."""
    session, message = live(db), screened(db, 1)
    turn = closed(opened(db, message, session))
    settle(db, turn, session, message)
    assert rollbacks.turn_of(db, message.id or 0, ["settled"])
    back(db, turn)
    end = chain.head(db)
    assert end
    assert end.number == 2
    assert findings(db) == []


CHANGES: list[Callable[[int], str]] = [
    lambda number: f"UPDATE decisions SET reason = reason || '.' WHERE id = {number}",
    lambda number: f"UPDATE links SET previous = '{'0' * 64}' WHERE number = {number + 1}",
    lambda number: f"DELETE FROM links WHERE number = {number}",
    lambda number: f"UPDATE links SET subject = 9 WHERE number = {number}",
]


@pytest.mark.exhaustive
@settings(max_examples=20)
@given(number=st.integers(1, 4), change=st.sampled_from(CHANGES))
def test_no_single_change_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, number: int, change: Callable[[int], str]
) -> None:
    """Whichever link it is, but for the last one's end."""
    path = tmp_path_factory.mktemp("chain") / "knowledge.db"
    path.write_bytes(_empty_database())
    db = Database(path)
    session = live(db)
    for uid in range(1, 6):
        message = screened(db, uid)
        settle(db, closed(opened(db, message, session), head_offset=uid), session, message)
    assert findings(db) == []
    tamper(db, change(number))
    assert findings(db) != []
    db.close()
