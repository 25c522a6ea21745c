"""What is still open: for a handover, and to check one."""

from datetime import datetime, timedelta

from knowledge import matters, sessions, turns
from knowledge.database import Database
from knowledge.matters import Weight
from knowledge.tables import Message
from knowledge.turns import Conclusion, Step
from tests.knowledge.rows import (
    DECIDE,
    NOW,
    action_row,
    after,
    closed,
    decision_row,
    filed,
    live,
    opened,
    received,
    screened,
    settle,
)

WEIGHT = Weight(["held"], ["urgent", "low"], "closed")


def decided(db: Database, uid: int, priority: str = "low", now: datetime = NOW) -> Message:
    """Work a mail as far as its decision."""
    session = sessions.live(db, "live") or live(db)
    message = screened(db, uid, now=now)
    turn = closed(opened(db, message, session))
    concluded = Conclusion(decision_row(message, turn_id=turn.id, priority=priority))
    turns.settle(db, turn, open_state="open", held_by=session, concluded=concluded, step=DECIDE, now=now)
    return message


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
    first = decided(db, 1)
    screened(db, 2, case=first.case_id)
    (found,) = matters.open_cases(db, NOW, WEIGHT, 10)
    assert found.decision
    assert (found.case.id, found.messages, found.decision.category) == (first.case_id, 2, "question")


def test_the_weightiest_cases_come_first(db: Database) -> None:
    """Those in which somebody waits, then the urgent ones, then the newest."""
    low, urgent, newer = decided(db, 1, "low"), decided(db, 2, "urgent"), decided(db, 3, "low", after(60))
    waiting = screened(db, 4)
    turns.step(db, waiting.id or 0, Step("screened", "held", "too large"), [], NOW)
    found = [item.case.id for item in matters.open_cases(db, NOW, WEIGHT, 10)]
    assert found == [waiting.case_id, urgent.case_id, newer.case_id, low.case_id]
    assert [item.case.id for item in matters.open_cases(db, NOW, WEIGHT, 2, offset=1)] == found[1:3]
    assert matters.count_open(db, NOW, WEIGHT) == 4


def test_dormant_cases_are_left_out(db: Database) -> None:
    """What was last touched before then is at rest."""
    decided(db, 1, now=NOW - timedelta(days=40))
    newer = decided(db, 2)
    since = NOW - timedelta(days=30)
    assert [found.case.id for found in matters.open_cases(db, since, WEIGHT, 10)] == [newer.case_id]
    assert matters.count_open(db, since, WEIGHT) == 1


def test_what_a_rule_alone_has_filed_is_no_open_case(db: Database) -> None:
    """Newsletters would crowd the customers out; and a case in which nothing was concluded yet comes with its mail."""
    filed(db, received(db, 1), rule="mailing-list")
    screened(db, 2)
    assert matters.open_cases(db, NOW, WEIGHT, 10) == []
