"""The numbers of a Maildir's files: what UIDs are to an IMAP folder, kept here because a Maildir has none."""

from collections.abc import Sequence

from sqlalchemy import func, insert
from sqlmodel import col, select

from knowledge.database import Database
from knowledge.tables import MaildirFile

FEW = 500  # names in one statement; for more, as on a first look into an old Maildir, all rows are read instead


def number(db: Database, mailbox: str, folder: str, names: Sequence[str]) -> dict[str, int]:
    """Give the number of each name; new names get the next ones, in the order given. A number is never given twice."""
    with db.write() as session:
        of_folder = (MaildirFile.mailbox == mailbox, MaildirFile.folder == folder)
        rows_known = select(MaildirFile.name, MaildirFile.uid).where(*of_folder)
        named = rows_known.where(col(MaildirFile.name).in_(names)) if len(names) <= FEW else rows_known
        known: dict[str, int] = {name: uid for name, uid in session.exec(named) if uid is not None}
        last = session.exec(select(func.coalesce(func.max(MaildirFile.uid), 0)).where(*of_folder)).one()
        unknown = [name for name in dict.fromkeys(names) if name not in known]
        fresh = {name: last + place for place, name in enumerate(unknown, start=1)}
        if fresh:
            rows = [{"mailbox": mailbox, "folder": folder, "uid": uid, "name": name} for name, uid in fresh.items()]
            session.execute(insert(MaildirFile), rows)
        return known | fresh


def name_of(db: Database, mailbox: str, folder: str, uid: int) -> str | None:
    """Give the unique name that a number stands for."""
    with db.read() as session:
        row = session.exec(
            select(MaildirFile.name).where(
                MaildirFile.mailbox == mailbox, MaildirFile.folder == folder, col(MaildirFile.uid) == uid
            )
        )
        return row.first()
