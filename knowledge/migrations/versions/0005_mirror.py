"""Transcripts can be mirrored in a session store: how far each is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Widen the sessions; none is mirrored yet."""
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.add_column(sa.Column("mirrored_offset", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.alter_column("mirrored_offset", server_default=None)
