"""Mail is read after it was received: several mailboxes, the reading's findings, connections, feedback on actions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FILLED = {
    "cases": ["subject_key"],
    "conditions": ["set_at"],
    "cursors": ["first_uid"],
    "messages": ["correspondents", "conversation", "authenticity", "placement", "removed"],
}


def upgrade() -> None:
    """Widen the tables; what is there already was read under the first schema and stays as it is."""
    with op.batch_alter_table("cases") as batch_op:
        batch_op.add_column(sa.Column("subject_key", sa.String(), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f("ix_cases_subject_key"), ["subject_key"], unique=False)
    with op.batch_alter_table("cursors") as batch_op:
        batch_op.add_column(sa.Column("first_uid", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("correspondents", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("conversation", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("authenticity", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("placement", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("removed", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.alter_column("case_id", existing_type=sa.Integer(), nullable=True)
        batch_op.create_index(batch_op.f("ix_messages_conversation"), ["conversation"], unique=False)
        batch_op.create_index(batch_op.f("ix_messages_person_id"), ["person_id"], unique=False)
    op.create_table(
        "maildir_files",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "folder", "uid"),
        sa.UniqueConstraint("mailbox", "folder", "name"),
    )
    op.create_table(
        "connections",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("pushes", sa.Boolean(), nullable=False),
        sa.Column("connected_at", sa.DateTime(), nullable=True),
        sa.Column("heard_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("error_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("mailbox", "folder"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["actions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("feedback") as batch_op:
        batch_op.create_index(batch_op.f("ix_feedback_action_id"), ["action_id"], unique=False)
    with op.batch_alter_table("conditions") as batch_op:
        batch_op.add_column(sa.Column("set_at", sa.DateTime(), nullable=False, server_default="1970-01-01 00:00:00"))
    op.execute("UPDATE conditions SET set_at = since")
    # The rows that were there got their values from a default; new ones get them from the program alone.
    for table, columns in FILLED.items():
        with op.batch_alter_table(table) as batch_op:
            for column in columns:
                batch_op.alter_column(column, server_default=None)
    # A message that the first schema had received was read already: it waits for the model.
    op.execute("UPDATE messages SET state = 'screened' WHERE state = 'received'")
