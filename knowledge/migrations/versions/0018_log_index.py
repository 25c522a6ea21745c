"""The decision log has entries of their own, and an index of what they say."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from knowledge import blocks, keys
from knowledge.keys import Texts

revision = "0018"
down_revision = "0017"

# Those that were withdrawn, too: a replay reads the log as it was.
ENTER = """
INSERT INTO log_entries (number, message_id, decision_id, state, concluded_at, reached_at, changed, closed_at)
SELECT row_number() OVER newest_last, message_id, decision_id, state, concluded_at, concluded_at,
    row_number() OVER newest_last, closed_at
FROM (
    SELECT messages.id AS message_id, decisions.id AS decision_id, messages.state AS state,
        decisions.decided_at AS concluded_at, decisions.withdrawn_at AS closed_at
    FROM decisions JOIN messages ON messages.id = decisions.message_id
    UNION ALL
    SELECT id, NULL, state, updated_at, NULL FROM messages
    WHERE reason <> '' AND NOT EXISTS (
        SELECT 1 FROM decisions WHERE decisions.message_id = messages.id AND decisions.withdrawn_at IS NULL
    )
) AS concluded
WINDOW newest_last AS (ORDER BY concluded_at, message_id, decision_id)
"""
TOLD = sa.text(
    "SELECT number, subject, sender_address, sender_name, messages.reason, coalesce(category, ''), "
    "coalesce(summary, ''), coalesce(decisions.reason, ''), messages.state, person_id "
    "FROM log_entries JOIN messages ON messages.id = log_entries.message_id "
    "LEFT JOIN decisions ON decisions.id = log_entries.decision_id "
    "WHERE number >= :first AND number < :last"
)
PUT = sa.text("INSERT INTO log_words (block, key, entries) VALUES (:block, :key, :entries)")


def upgrade() -> None:
    """Add the tables, and enter what has been concluded, a block at a time: a million decisions take minutes."""
    _tables()
    fill()
    _indexes()


def fill() -> None:
    """Enter all that has been concluded."""
    op.execute(ENTER)
    newest = op.get_bind().execute(sa.text("SELECT max(number) FROM log_entries")).scalar() or 0
    for block in range(newest // blocks.SIZE + 1):
        _index(block)


def _tables() -> None:
    op.create_table(
        "log_entries",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("concluded_at", sa.DateTime(), nullable=False),
        sa.Column("reached_at", sa.DateTime(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("changed"),
    )
    op.create_table(
        "log_words",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "key"),
        sqlite_with_rowid=False,
    )


def _indexes() -> None:
    """Add the indexes behind the entries: it is quicker to sort once."""
    is_open = sa.text("closed_at IS NULL")
    with op.batch_alter_table("log_entries") as batch_op:
        for column in ("decision_id", "message_id"):
            batch_op.create_index(batch_op.f(f"ix_log_entries_{column}"), [column], unique=False)
        batch_op.create_index("ix_log_entries_reached", ["reached_at", "number"], unique=False)
        batch_op.create_index("one_entry", ["message_id"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
    # What came of a decision is asked for whenever one is written: without it, all actions were looked through.
    with op.batch_alter_table("actions") as batch_op:
        batch_op.create_index(batch_op.f("ix_actions_decision_id"), ["decision_id"], unique=False)


def _index(block: int) -> None:
    """Write the sets of a block, in the order in which they lie there."""
    first = block * blocks.SIZE
    told = op.get_bind().execute(TOLD, {"first": first, "last": first + blocks.SIZE})
    places: dict[bytes, list[int]] = defaultdict(list)
    for number, *texts, state, person in told:
        for key in keys.of_entry(Texts(*texts), state, person):
            places[key].append(number - first)
    rows: list[dict[str, Any]] = [
        {"block": block, "key": key, "entries": blocks.with_all(b"", places[key])} for key in sorted(places)
    ]
    if rows:
        op.get_bind().execute(PUT, rows)
