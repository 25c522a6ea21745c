"""What is still open: for a handover, and to check one."""

from datetime import timedelta

from knowledge import matters, turns
from knowledge.database import Database
from knowledge.turns import Step
from tests.knowledge.rows import NOW, action_row, after, closed, live, opened, screened, settle


def test_the_unsettled_actions_come_with_their_messages(db: Database) -> None:
    """Those in the states that are asked for, the oldest first."""
    session, message = live(db), screened(db, 1)
    turn = closed(opened(db, message, session))
    settle(db, turn, session, message, action_row(message), action_row(message, ordinal=1, state="sent"))
    assert [(action.ordinal, row.id) for action, row in matters.unsettled(db, ["planned"])] == [(0, message.id)]


def test_what_is_owed_is_told_by_number_alone(db: Database) -> None:
    """Messages and actions, each by its states."""
    session, message, held = live(db), screened(db, 1), screened(db, 2)
    turns.step(db, held.id or 0, Step("screened", "held", "too large"), [], NOW)
    settle(db, closed(opened(db, message, session)), session, message, action_row(message))
    assert matters.owed(db, ["held"], ["planned"]) == ([held.id], [1])


def test_an_open_case_comes_with_its_newest_decision(db: Database) -> None:
    """And with its size; a mail that is not decided yet does not hide the decision before it."""
    session, first = live(db), screened(db, 1)
    settle(db, closed(opened(db, first, session)), session, first)
    screened(db, 2, case=first.case_id)
    (found,) = matters.open_cases(db, NOW)
    assert (found.case.id, found.messages, found.category) == (first.case_id, 2, "question")


def test_cases_come_newest_first_and_dormant_ones_not_at_all(db: Database) -> None:
    """What was last touched before then is at rest."""
    screened(db, 1, now=NOW - timedelta(days=40))
    second, third = screened(db, 2), screened(db, 3, now=after(60))
    assert [found.case.id for found in matters.open_cases(db, NOW - timedelta(days=30))] == [
        third.case_id,
        second.case_id,
    ]


def test_a_case_without_a_decision_is_open_too(db: Database) -> None:
    """It has no category and no summary."""
    screened(db, 1)
    (found,) = matters.open_cases(db, NOW)
    assert (found.category, found.summary) == ("", "")
