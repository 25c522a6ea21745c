"""What the company has written: its documents, and the passages of them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table, and what a passage says of its document; none is read yet."""
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.DateTime(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("expired_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("documents") as batch_op:
        batch_op.create_index(batch_op.f("ix_documents_path"), ["path"], unique=False)
    with op.batch_alter_table("passages") as batch_op:
        batch_op.add_column(sa.Column("document_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("heading", sa.String(), nullable=False, server_default=""))
        batch_op.create_foreign_key("document_id", "documents", ["document_id"], ["id"])
    with op.batch_alter_table("passages") as batch_op:
        batch_op.alter_column("heading", server_default=None)
        batch_op.create_index(batch_op.f("ix_passages_document_id"), ["document_id"], unique=False)
