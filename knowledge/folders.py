"""The folders of the cases: what specialists wrote, each version kept; a rollback takes those of its turns away."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import CaseFile

LONGEST_NAME = 80


def of_case(db: Database, case_id: int) -> list[CaseFile]:
    """List the newest standing version of each file of a case, by name."""
    with db.read() as session:
        standing = (CaseFile.case_id == case_id, col(CaseFile.withdrawn_at).is_(None))
        newest = select(func.max(CaseFile.id)).where(*standing).group_by(CaseFile.name)
        rows = session.exec(select(CaseFile).where(col(CaseFile.id).in_(newest)).order_by(col(CaseFile.name)))
        return list(rows)


def versions(db: Database, case_id: int) -> list[CaseFile]:
    """List every version of every file of a case, the oldest first."""
    with db.read() as session:
        return list(session.exec(select(CaseFile).where(CaseFile.case_id == case_id).order_by(col(CaseFile.id))))


def write(session: Session, case_id: int, turn_id: int, files: Mapping[str, str], now: datetime) -> None:
    """Write new versions; part of a transaction."""
    for name, text in files.items():
        session.add(CaseFile(case_id=case_id, turn_id=turn_id, name=name, text=text, written_at=now))


def merge(session: Session, kept: int, other: int) -> None:
    """Give a case the files of another; part of a transaction. One whose name is taken is named after its case."""
    taken = set(session.exec(select(CaseFile.name).where(CaseFile.case_id == kept)))
    theirs = session.exec(select(CaseFile).where(CaseFile.case_id == other).order_by(col(CaseFile.id))).all()
    names = _names(sorted({row.name for row in theirs}), taken, f"case-{other}-")
    for row in theirs:
        row.name, row.case_id = names[row.name], kept
        session.add(row)


def _names(wanted: Sequence[str], taken: set[str], before: str) -> Mapping[str, str]:
    """Give each file a name of its own; what is cut off at its end is counted."""
    names: dict[str, str] = {}
    for name in wanted:
        given, count = name, 1
        while given in taken:
            end = "" if count == 1 else f"-{count}"
            given, count = f"{before}{name}"[: LONGEST_NAME - len(end)] + end, count + 1
        names[name] = given
        taken.add(given)
    return names


def split(session: Session, case_id: int, turns: Sequence[int], fresh: int) -> None:
    """Give a case the files that these turns alone wrote; part of a transaction.

    Of one that another turn wrote at, too, nobody knows whose words are in it: it stays where it is.
    """
    rows = session.exec(select(CaseFile).where(CaseFile.case_id == case_id)).all()
    shared = {row.name for row in rows if row.turn_id not in turns}
    for row in rows:
        if row.name not in shared:
            row.case_id = fresh
            session.add(row)


def withdraw(session: Session, turns: Sequence[int], now: datetime) -> None:
    """Withdraw what these turns wrote; part of a transaction. The version before stands again."""
    theirs = (col(CaseFile.turn_id).in_(turns), col(CaseFile.withdrawn_at).is_(None))
    session.connection().execute(update(CaseFile).where(*theirs).values(withdrawn_at=now))
