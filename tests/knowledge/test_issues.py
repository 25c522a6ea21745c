"""Issues that several people share, in the knowledge database."""

from datetime import datetime

from sqlmodel import select

from knowledge import issues, turns
from knowledge.database import Database
from knowledge.tables import Decision, IssueLink, SharedIssue
from tests.knowledge.rows import NOW, after, decision_row, screened


def linked(db: Database, uid: int, issue: int | None = None, at: datetime = NOW) -> int:
    """Have a mail decided that is linked to an issue, or proposes one; give the number of the issue."""
    message = screened(db, uid, sender_address=f"sender{uid}@quill.example")
    proposal = None if issue else SharedIssue(category="outage", proposed="It is down", opened_at=at)
    concluded = turns.Conclusion(decision_row(message, decided_at=at), issue=issue, proposal=proposal)
    with db.write() as session:
        turns.record(session, concluded, at)
        return issue or (proposal.id if proposal else 0) or 0


def counts(db: Database, **options: object) -> list[tuple[int, int]]:
    """Give number and cases of what is found."""
    return [(item.issue.id or 0, item.cases) for item in issues.find(db, 10, **options)]  # type: ignore[arg-type]


def test_an_issue_has_the_cases_of_the_decisions_that_link_it(db: Database) -> None:
    """Each once."""
    number = linked(db, 1)
    linked(db, 2, number)
    assert counts(db) == [(number, 2)]


def test_a_link_of_a_withdrawn_decision_does_not_count(db: Database) -> None:
    """And an issue without a standing link is none."""
    number = linked(db, 1)
    linked(db, 2, number)
    with db.write() as session:
        for decision in session.exec(select(Decision)).all():
            decision.withdrawn_at = NOW if decision.message_id == 2 else None
            session.add(decision)
    assert counts(db) == [(number, 1)]
    with db.write() as session:
        (first, _second) = session.exec(select(Decision)).all()
        first.withdrawn_at = NOW
        session.add(first)
    assert counts(db) == []


def test_what_nobody_has_written_of_for_long_is_left_out_where_wanted(db: Database) -> None:
    """The newest link counts."""
    number = linked(db, 1)
    assert counts(db, since=after(1)) == []
    linked(db, 2, number, at=after(5))
    assert counts(db, since=after(1)) == [(number, 2)]


def test_confirmed_ones_come_first_then_those_of_most_senders(db: Database) -> None:
    """What a person has named is surest."""
    many, few, named = linked(db, 1), linked(db, 2), linked(db, 3)
    linked(db, 4, many)
    with db.write() as session:
        row = session.get_one(SharedIssue, named)
        row.name, row.confirmed_at = "Named", NOW
        session.add(row)
    assert [number for number, _cases in counts(db)] == [named, many, few]


def test_of_merged_ones_the_kept_counts_all_links_and_none_is_rewritten(db: Database) -> None:
    """So the past can still be told: who merged them did so later."""
    kept, other, third = linked(db, 1), linked(db, 2), linked(db, 3)
    with db.write() as session:
        for one, two in ((other, third), (kept, other)):
            issues.merge(session, session.get_one(SharedIssue, one), session.get_one(SharedIssue, two), NOW)
    assert counts(db) == [(kept, 3)]
    row = issues.get(db, kept)
    assert row
    assert [message.id for message in issues.messages(db, row)] == [1, 2, 3]
    assert [issue.id for issue in issues.of_case(db, 3)] == [kept]
    with db.read() as session:
        assert sorted(link.issue_id for link in session.exec(select(IssueLink))) == [kept, other, third]
    linked(db, 4, other)
    assert counts(db) == [(kept, 4)]


def test_its_links_are_found_by_their_index(file: Database) -> None:
    """However many decisions there are that link nothing."""
    with file.read() as session:
        statement = issues._linked(IssueLink).where(IssueLink.issue_id == 1)
        sql = str(statement.compile(compile_kwargs={"literal_binds": True}))
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    steps = [str(row[3]) for row in plan]
    assert steps[0].startswith("SEARCH issue_links USING INDEX")
    assert not [step for step in steps if step.startswith("SCAN")]
