"""Each order says who gave it and from where, and each fact that a person wrote down says who that was."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
COLUMNS = {"orders": ("by", "place"), "facts": ("by",)}


def upgrade() -> None:
    """Add the names; of what is there already nobody knows them."""
    for table, names in COLUMNS.items():
        with op.batch_alter_table(table) as batch_op:
            for name in names:
                batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        with op.batch_alter_table(table) as batch_op:
            for name in names:
                batch_op.alter_column(name, server_default=None)
