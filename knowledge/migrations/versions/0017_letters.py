"""A specialist may be a person, who is asked by a letter."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the letter of a handoff, when it comes up unanswered, and the message with which it does."""
    with op.batch_alter_table("handoffs") as batch_op:
        batch_op.add_column(sa.Column("letter_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("comes_up_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("reminder_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("letter_id", "actions", ["letter_id"], ["id"])
        batch_op.create_foreign_key("reminder_id", "messages", ["reminder_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_handoffs_letter_id"), ["letter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_handoffs_reminder_id"), ["reminder_id"], unique=False)
