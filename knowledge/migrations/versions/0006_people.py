"""People have several addresses, cases a state, promises a date; clerkd can put messages of its own on the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Give each person's one address to the new table; add the rest, empty."""
    _people()
    _cases()
    _messages()
    _promises()


def _people() -> None:
    op.create_table(
        "person_addresses",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"]),
        sa.PrimaryKeyConstraint("address"),
    )
    op.execute("INSERT INTO person_addresses (address, person_id) SELECT address, id FROM persons")
    with op.batch_alter_table("person_addresses") as batch_op:
        batch_op.create_index(batch_op.f("ix_person_addresses_person_id"), ["person_id"], unique=False)
    # The table is made anew: the uniqueness of the address has no name by which it could be dropped.
    op.create_table(
        "new_persons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["persons.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO new_persons (id, name, organisation, language, first_seen_at, last_seen_at) "
        "SELECT id, name, '', '', first_seen_at, last_seen_at FROM persons"
    )
    op.drop_table("persons")
    op.rename_table("new_persons", "persons")
    with op.batch_alter_table("persons") as batch_op:
        batch_op.create_index(batch_op.f("ix_persons_organisation"), ["organisation"], unique=False)


def _cases() -> None:
    with op.batch_alter_table("cases") as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(), nullable=False, server_default="open"))
        batch_op.add_column(sa.Column("merged_into", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("merged_into", "cases", ["merged_into"], ["id"])
    with op.batch_alter_table("cases") as batch_op:
        batch_op.alter_column("state", server_default=None)
        batch_op.create_index(batch_op.f("ix_cases_state"), ["state"], unique=False)


def _messages() -> None:
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("about_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("words", sa.String(), nullable=False, server_default=""))
        batch_op.create_foreign_key("about_id", "messages", ["about_id"], ["id"])
    with op.batch_alter_table("messages") as batch_op:
        batch_op.alter_column("words", server_default=None)


def _promises() -> None:
    op.create_table(
        "promises",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("comes_up_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reminder_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.Column("closing", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["closed_by"], ["turns.id"]),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["reminder_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("promises") as batch_op:
        for column in ("case_id", "comes_up_at", "decision_id", "state"):
            batch_op.create_index(batch_op.f(f"ix_promises_{column}"), [column], unique=False)
