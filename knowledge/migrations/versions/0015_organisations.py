"""Facts about organisations: whose a fact or a passage is may be an organisation's, too."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column; what there is stays a person's or everyone's.

    In place: to build the tables anew would take the trigger away that lets a vector go with its passage.
    """
    for table in ("facts", "passages"):
        op.add_column(table, sa.Column("organisation", sa.String(), nullable=True))
    op.drop_index("ix_passages_person", table_name="passages")
    op.create_index("ix_passages_owner", "passages", ["person_id", "organisation", "expired_at"], unique=False)
