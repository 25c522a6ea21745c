"""Vectors of passages: what they are about, beside their words."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table; a passage that has no vector is given one where the config names an embedder."""
    op.create_table(
        "passage_vectors",
        sa.Column("passage_id", sa.Integer(), nullable=False),
        sa.Column("embedder", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["passages.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("passage_id"),
    )
    # A vector tells something of the words that it was made of, so it goes with them, whoever closes or erases them.
    op.execute(
        "CREATE TRIGGER passage_vectors_go AFTER UPDATE OF text, expired_at ON passages "
        "WHEN new.expired_at IS NOT NULL OR new.text IS NOT old.text "
        "BEGIN DELETE FROM passage_vectors WHERE passage_id = new.id; END"
    )
