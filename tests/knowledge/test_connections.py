"""How it stands with each watched folder."""

from typing import Any

from knowledge import connections
from knowledge.database import Database
from knowledge.tables import Connection
from tests.knowledge.rows import MAILBOX, NOW, after

OTHER = "other@imap.example"


def write(db: Database, mailbox: str = MAILBOX, folder: str = "INBOX", **changes: Any) -> None:
    """Write down how it stands with a folder."""
    connections.write(db, Connection(mailbox=mailbox, folder=folder, **changes))


def places(db: Database) -> list[tuple[str, str]]:
    """List the folders of which something is known."""
    return [(row.mailbox, row.folder) for row in connections.every(db)]


def test_nothing_is_known_of_a_folder_before_the_first_look(db: Database) -> None:
    """There is no row for it."""
    assert connections.get(db, MAILBOX, "INBOX") is None


def test_it_keeps_how_it_stands_with_a_folder(db: Database) -> None:
    """Push, times and the last error come back as they were written."""
    known: dict[str, Any] = {
        "pushes": True,
        "connected_at": NOW,
        "heard_at": after(5),
        "last_error": "refused",
        "error_at": after(-5),
    }
    write(db, **known)
    row = connections.get(db, MAILBOX, "INBOX")
    assert row
    assert row.model_dump() == {"mailbox": MAILBOX, "folder": "INBOX", **known}


def test_what_is_known_of_a_folder_is_written_over(db: Database) -> None:
    """A connection that was lost stands no more."""
    write(db, pushes=True, connected_at=NOW)
    write(db)
    (row,) = connections.every(db)
    assert (row.pushes, row.connected_at) == (False, None)


def test_each_folder_stands_for_itself(db: Database) -> None:
    """The same name in another mailbox is another folder."""
    write(db, last_error="refused")
    write(db, OTHER)
    write(db, folder="Sales")
    assert [row.last_error for row in connections.every(db)] == ["", "refused", ""]


def test_the_folders_are_listed_by_mailbox_and_name(db: Database) -> None:
    """The status page has a fixed order."""
    for mailbox, folder in ((MAILBOX, "Sales"), (OTHER, "INBOX"), (MAILBOX, "INBOX")):
        write(db, mailbox, folder)
    assert places(db) == [(OTHER, "INBOX"), (MAILBOX, "INBOX"), (MAILBOX, "Sales")]


def test_folders_that_are_no_longer_watched_are_forgotten(db: Database) -> None:
    """Mailbox and folder must both be among the watched ones."""
    for mailbox, folder in ((MAILBOX, "INBOX"), (MAILBOX, "Sales"), (OTHER, "INBOX")):
        write(db, mailbox, folder)
    connections.keep_only(db, {(MAILBOX, "INBOX"), (OTHER, "Sales")})
    assert places(db) == [(MAILBOX, "INBOX")]


def test_a_watched_folder_of_which_nothing_is_known_stays_unknown(db: Database) -> None:
    """Forgetting adds nothing."""
    connections.keep_only(db, {(MAILBOX, "INBOX")})
    assert places(db) == []
