"""${message}"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import knowledge.tables

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}
