"""Issues that several people share."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables of the issues and of what is linked to them."""
    op.create_table(
        "shared_issues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("proposed", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.ForeignKeyConstraint(["merged_into"], ["shared_issues.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "issue_links",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("linked_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.ForeignKeyConstraint(["issue_id"], ["shared_issues.id"]),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    with op.batch_alter_table("issue_links") as batch_op:
        batch_op.create_index(batch_op.f("ix_issue_links_issue_id"), ["issue_id"], unique=False)
