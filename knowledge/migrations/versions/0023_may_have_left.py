"""Each action says whether it may have left: a mail that was cut off while it was handed over, whatever its state."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the column; what is held already is told from the reason that it was held for."""
    with op.batch_alter_table("actions") as batch_op:
        batch_op.add_column(sa.Column("may_have_left", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("actions") as batch_op:
        batch_op.alter_column("may_have_left", server_default=None)
    actions = sa.table("actions", sa.column("may_have_left", sa.Boolean), sa.column("reason", sa.String))
    cut_off = actions.c.reason.like("it was cut off while it was handed over,%")
    op.execute(actions.update().where(cut_off).values(may_have_left=True))
