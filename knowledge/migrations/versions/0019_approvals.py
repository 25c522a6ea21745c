"""Actions may wait for a person's approval, and a run of somebody's words is known again."""

import sqlalchemy as sa
from alembic import op

from knowledge import prints
from knowledge.whose import Whose

revision = "0019"
down_revision = "0018"


SAID = sa.text("SELECT person_id, organisation, text FROM passages WHERE NOT ours AND fact_id IS NULL")
BATCH = 10_000


def upgrade() -> None:
    """Add what an action's text ran into, what persons said of those that waited, and prints of what was written."""
    _approvals()
    _corrections()
    op.create_table(
        "prints",
        sa.Column("print", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("print", "owner"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_prints_owner", "prints", ["owner"], unique=False)
    _print()


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("should", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_corrections_decision_id", "corrections", ["decision_id"], unique=False)


def _print() -> None:
    connection = op.get_bind()
    said = connection.execute(SAID, execution_options={"yield_per": BATCH})
    for part in said.partitions(BATCH):
        rows = [{"print": each, "owner": str(Whose(*whose))} for *whose, text in part for each in prints.of(text)]
        if rows:
            connection.execute(prints.PUT, rows)


def _approvals() -> None:
    with op.batch_alter_table("actions") as batch_op:
        batch_op.add_column(sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.create_index("ix_actions_kind", ["kind", "updated_at"], unique=False)
    with op.batch_alter_table("actions") as batch_op:
        batch_op.alter_column("findings", server_default=None)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"]),
        sa.ForeignKeyConstraint(["version"], ["actions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("approvals") as batch_op:
        for name in ("action_id", "verdict", "given_at"):
            batch_op.create_index(batch_op.f(f"ix_approvals_{name}"), [name], unique=False)
