"""Orders about shared issues: a person confirms a name, closes one, or makes one of two."""

from sqlmodel import Session

from daemon.clock import Clock
from daemon.errors import OrderRefused
from daemon.judgement.decision import LONGEST_ISSUE
from daemon.steps.numbers import LARGEST_ID, Deed, numbers_of, two_of
from knowledge import issues
from knowledge.database import Database
from knowledge.tables import SharedIssue

ONE_LINE = f"the name must be one line of 1 to {LONGEST_ISSUE} characters"


def open_issue(db: Database, number: int) -> SharedIssue:
    """Give the issue of that number; raise OrderRefused where there is none, or where it is closed."""
    issue = issues.get(db, number) if number <= LARGEST_ID else None
    if issue is None:
        message = f"there is no issue {number}; `clerkd issue list` shows them"
        raise OrderRefused(message)
    if issue.closed_at:
        how = f"is part of issue {issue.merged_into}" if issue.merged_into else "was closed already"
        message = f"issue {number} {how}"
        raise OrderRefused(message)
    return issue


def confirm(db: Database, clock: Clock, argument: str) -> Deed:
    """Confirm the name that was proposed, or give another: from now on it is told in everybody's turns."""
    words, _, given = argument.partition(" ")
    (number,) = numbers_of(words)
    name = given.strip() or open_issue(db, number).proposed
    if not 0 < len(name) <= LONGEST_ISSUE or not name.isprintable():
        raise OrderRefused(ONE_LINE)
    open_issue(db, number)

    def deed(session: Session) -> str:
        issue = session.get_one(SharedIssue, number)
        issue.name, issue.confirmed_at = name, clock()
        session.add(issue)
        return f"issue {number} is now known to all as {name!r}"

    return deed


def close(db: Database, clock: Clock, argument: str) -> Deed:
    """Close an issue: no turn is told of it any more."""
    (number,) = numbers_of(argument)
    open_issue(db, number)

    def deed(session: Session) -> str:
        issue = session.get_one(SharedIssue, number)
        issue.closed_at = clock()
        session.add(issue)
        return f"issue {number} is closed"

    return deed


def merge(db: Database, clock: Clock, argument: str) -> Deed:
    """Make one issue of two: the first is kept."""
    kept, other = two_of(argument, "an issue cannot be merged into itself")
    open_issue(db, kept)
    open_issue(db, other)

    def deed(session: Session) -> str:
        issues.merge(session, session.get_one(SharedIssue, kept), session.get_one(SharedIssue, other), clock())
        return f"issue {other} is now part of issue {kept}"

    return deed
