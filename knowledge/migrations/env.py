"""Alembic's entry: runs the migrations on the connection that ``knowledge.migrate`` hands over."""

from alembic import context
from sqlmodel import SQLModel

from knowledge import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    user_module_prefix=f"{tables.__name__}.",
)
with context.begin_transaction():
    context.run_migrations()
