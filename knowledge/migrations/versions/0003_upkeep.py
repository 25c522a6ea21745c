"""A session is kept within bounds and can be rolled back: its context's size, upkeeps, notes, withdrawn decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
NAMES = {"uq": "uq_%(table_name)s_%(column_0_name)s"}  # the first schema's constraint has no name to drop it by


def upgrade() -> None:
    """Widen the tables; of the turns before, nobody measured the context."""
    with op.batch_alter_table("cases") as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_updated_at"), ["updated_at"], unique=False)
    for table in ("sessions", "turns"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("context_tokens", sa.Integer(), nullable=False, server_default="0"))
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("context_tokens", server_default=None)
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.add_column(sa.Column("reclaimed", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("handover", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.alter_column("handover", server_default=None)
    with op.batch_alter_table("decisions", naming_convention=NAMES) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(), nullable=True))
        batch_op.drop_constraint("uq_decisions_message_id", type_="unique")
    with op.batch_alter_table("decisions") as batch_op:
        batch_op.create_index("ix_decisions_message_id", ["message_id"], unique=False)
        batch_op.create_index("one_decision", ["message_id"], unique=True, sqlite_where=sa.text("withdrawn_at IS NULL"))
    op.create_table(
        "upkeeps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("reserved_usd", sa.Float(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("tokens_before", sa.Integer(), nullable=False),
        sa.Column("tokens_after", sa.Integer(), nullable=True),
        sa.Column("head_uuid", sa.String(), nullable=True),
        sa.Column("head_offset", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("upkeeps") as batch_op:
        batch_op.create_index(batch_op.f("ix_upkeeps_session_id"), ["session_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_upkeeps_started_at"), ["started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_upkeeps_state"), ["state"], unique=False)
    op.create_table(
        "case_notes",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.PrimaryKeyConstraint("session_id", "case_id"),
    )
