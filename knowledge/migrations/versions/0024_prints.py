"""What stands in the company's documents is known by each of them, and somebody who was merged away owns no words."""

import sqlalchemy as sa
from alembic import op

from knowledge import prints

revision = "0024"
down_revision = "0023"

TOLD = sa.text("SELECT document_id, text FROM passages WHERE document_id IS NOT NULL AND expired_at IS NULL")
MERGED = sa.text("SELECT id FROM persons WHERE merged_into IS NOT NULL")
FORGET = sa.text("DELETE FROM prints WHERE owner = :owner")
BATCH = 10_000


def upgrade() -> None:
    """Print the documents anew, under their own numbers."""
    connection = op.get_bind()
    gone = ["everyone", *(prints.of_person(number) for (number,) in connection.execute(MERGED))]
    connection.execute(FORGET, [{"owner": each} for each in gone])
    told = connection.execute(TOLD, execution_options={"yield_per": BATCH})
    for part in told.partitions(BATCH):
        rows = [
            {"print": each, "owner": prints.of_document(number)} for number, text in part for each in prints.of(text)
        ]
        if rows:
            connection.execute(prints.PUT, rows)
