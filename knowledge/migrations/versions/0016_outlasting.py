"""Handoffs may outlast their turn."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add what a handoff waits for, its own money, and the message that brings its report."""
    with op.batch_alter_table("handoffs") as batch_op:
        batch_op.add_column(sa.Column("awaits", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("reserved_usd", sa.Float(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("started_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("outage_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("report_id", sa.Integer(), nullable=True))
        batch_op.alter_column("ended_at", existing_type=sa.DateTime(), nullable=True)
        batch_op.create_foreign_key("report_id", "messages", ["report_id"], ["id"])
    with op.batch_alter_table("handoffs") as batch_op:
        for name in ("awaits", "tries", "reserved_usd"):
            batch_op.alter_column(name, server_default=None)
        batch_op.create_index(batch_op.f("ix_handoffs_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_handoffs_report_id"), ["report_id"], unique=False)
