"""The folders of the cases: what specialists wrote, each version kept; a rollback takes those of its turns away."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import CaseFile


def of_case(db: Database, case_id: int) -> list[CaseFile]:
    """List the newest standing version of each file of a case, by name."""
    with db.read() as session:
        standing = (CaseFile.case_id == case_id, col(CaseFile.withdrawn_at).is_(None))
        rows = session.exec(select(CaseFile).where(*standing).order_by(col(CaseFile.id)))
        newest = {row.name: row for row in rows}
        return [newest[name] for name in sorted(newest)]


def versions(db: Database, case_id: int) -> list[CaseFile]:
    """List every version of every file of a case, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(CaseFile).where(CaseFile.case_id == case_id).order_by(col(CaseFile.id))))


def write(session: Session, case_id: int, turn_id: int, files: Mapping[str, str], now: datetime) -> None:
    """Write new versions; part of a transaction."""
    for name, text in files.items():
        session.add(CaseFile(case_id=case_id, turn_id=turn_id, name=name, text=text, written_at=now))


def withdraw(session: Session, turns: Sequence[int], now: datetime) -> None:
    """Withdraw what these turns wrote; part of a transaction. The version before stands again."""
    theirs = (col(CaseFile.turn_id).in_(turns), col(CaseFile.withdrawn_at).is_(None))
    session.connection().execute(update(CaseFile).where(*theirs).values(withdrawn_at=now))
