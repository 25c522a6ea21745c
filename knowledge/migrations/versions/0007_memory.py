"""What is remembered: facts, and the passages of earlier mails, with an index of their words."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables; nothing is remembered yet."""
    _facts()
    _passages()
    # Words are hashes of person and stem, made in Python: FTS5 has nothing to do but to divide them at the spaces.
    op.execute("CREATE VIRTUAL TABLE passage_words USING fts5(words, tokenize = 'ascii', detail = 'none')")


def _facts() -> None:
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("expired_at", sa.DateTime(), nullable=True),
        sa.Column("expired_by", sa.Integer(), nullable=True),
        sa.Column("superseded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["expired_by"], ["turns.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"]),
        sa.ForeignKeyConstraint(["superseded_by"], ["facts.id"]),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("facts") as batch_op:
        for column in ("message_id", "person_id", "turn_id"):
            batch_op.create_index(batch_op.f(f"ix_facts_{column}"), [column], unique=False)


def _passages() -> None:
    op.create_table(
        "passages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("fact_id", sa.Integer(), nullable=True),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("speaker", sa.String(), nullable=False),
        sa.Column("said_at", sa.DateTime(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("stems", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("behind", sa.String(), nullable=False),
        sa.Column("followed_at", sa.DateTime(), nullable=True),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("expired_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"]),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("passages") as batch_op:
        for column in ("fact_id", "message_id", "turn_id"):
            batch_op.create_index(batch_op.f(f"ix_passages_{column}"), [column], unique=False)
        batch_op.create_index("ix_passages_person", ["person_id", "expired_at"], unique=False)
        batch_op.create_index("ix_passages_case", ["case_id", "person_id"], unique=False)
