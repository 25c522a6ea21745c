"""The pieces of the index of passages' words in a file: each write adds one, and each search looks into all of them.

FTS5 joins pieces as they come, but never all of them: at 200,000 passages it leaves some fourteen, and a search in one
piece takes a quarter less time (measured). To join them all takes two seconds there, ten milliseconds at a time.
"""

from sqlalchemy import text

from knowledge.database import SQLITE, Database

MANY = 6
PAGES = 64  # that are joined in one transaction: a writer who comes meanwhile waits for some ten milliseconds

COUNT = text("SELECT count(DISTINCT segid) FROM passage_words_idx")
# A negative number begins to join all pieces, a positive one goes on with it (SQLite's documentation of FTS5, 6.9).
MERGE = text("INSERT INTO passage_words (passage_words, rank) VALUES ('merge', :pages)")
CHANGES = text("SELECT total_changes()")
IDLE_CHANGES = 2  # a merge that finds nothing to do changes less than two rows (as above)


def are_many(db: Database) -> bool:
    """Say whether it is time to join them; on a server they are none of ours."""
    if db.kind != SQLITE:
        return False
    with db.read() as session:
        return int(session.connection().execute(COUNT).scalar_one()) > MANY


def join(db: Database, *, begin: bool) -> bool:
    """Join some of them in a transaction of its own, beginning anew or going on; say whether there is more to do."""
    with db.write() as session:
        connection = session.connection()
        before = connection.execute(CHANGES).scalar_one()
        connection.execute(MERGE, {"pages": -PAGES if begin else PAGES})
        return int(connection.execute(CHANGES).scalar_one()) - int(before) >= IDLE_CHANGES
