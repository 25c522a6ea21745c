"""The knowledge database as it was before a turn, read through views."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, col, select

from knowledge import actions, decisions, ledger, matters, turns
from knowledge.database import SQLITE, Database
from knowledge.decisions import Filter
from knowledge.matters import Weight
from knowledge.past import Moment, Past, Unknown
from knowledge.tables import (
    Action,
    Approval,
    Case,
    Decision,
    Feedback,
    LogEntry,
    LogWord,
    Message,
    Person,
    PersonAddress,
    RawMail,
    Turn,
)
from knowledge.turns import Conclusion, Step
from tests.knowledge.rows import (
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
    stored,
)
from tests.knowledge.test_rollbacks import back

UNKNOWN = Unknown("screened", "planned", "open", "open", "open")
PASTS: list[Past] = []
WEIGHT = Weight(["held", "escalated"], ["urgent", "high", "normal", "low"], "closed")


@pytest.fixture
def three(db: Database) -> list[Turn]:
    """Decide three mails of one case, an hour apart."""
    session = live(db)
    found = []
    for number in range(3):
        case = 1 if number else None
        message = screened(db, number + 1, case=case, now=after(3600 * number))
        turn = closed(opened(db, message, session, started_at=after(3600 * number + 60)))
        at = after(3600 * number + 90)
        settle(db, turn, session, message, action_row(message, created_at=at, updated_at=at, state="sent"))
        found.append(turn)
    with db.write() as rows:
        for number, turn in enumerate(found):
            decided = update(Decision).where(col(Decision.turn_id) == turn.id)
            rows.connection().execute(decided.values(decided_at=after(3600 * number + 90)))
    return found


@pytest.fixture(autouse=True)
def opened_pasts() -> Iterator[None]:
    """Close the pasts that a test has looked into."""
    yield
    while PASTS:
        PASTS.pop().close()


def at(db: Database, moment: Moment) -> Past:
    """Give the past as of a moment."""
    PASTS.append(Past(db, moment, UNKNOWN))
    return PASTS[-1]


def before(db: Database, turn: Turn) -> Past:
    """Give the past of a turn."""
    return at(db, Moment(turn.id or 0, turn.message_id, turn.started_at))


def test_a_later_message_is_not_seen(db: Database, three: list[Turn]) -> None:
    """Its own message is, without its decision."""
    past = before(db, three[1])
    with past.read() as session:
        assert session.exec(select(Message.uid).order_by(col(Message.id))).all() == [1, 2]
    assert [bool(entry.decision) for entry in decisions.of_case(past, 1, 99, 10)] == [True, False]


def test_a_message_that_came_later_but_was_put_earlier_is_seen(db: Database, three: list[Turn]) -> None:
    """A mail that was held and put again has all those before it that were put meanwhile."""
    moment = Moment((three[2].id or 0) + 1, three[0].message_id, after(9000))
    with at(db, moment).read() as session:
        assert session.exec(select(Message.uid).order_by(col(Message.id))).all() == [1, 2, 3]


def test_a_later_decision_and_its_actions_are_not_seen(db: Database, three: list[Turn]) -> None:
    """Neither by the log nor by the actions."""
    past = before(db, three[1])
    assert [entry.message.uid for entry in decisions.log(past, Filter()) if entry.decision] == [1]
    assert actions.counts(past) == {"sent": 1}


def test_a_rules_decision_is_seen_from_when_it_was_made(db: Database, three: list[Turn]) -> None:
    """It has no turn to tell by."""
    row = received(db, 4, raw=b"From: news@quill.example\r\n\r\nNews")
    filed(db, row, decided_at=after(4000))
    with db.write() as session:  # it must be known already: put before, as one that was read again
        earlier = update(Turn).where(col(Turn.id) == three[0].id)
        session.connection().execute(earlier.values(message_id=row.id))
    seen = []
    for turn in three:
        with before(db, turn).read() as session:
            seen.append(len(session.exec(select(Decision).where(col(Decision.turn_id).is_(None))).all()))
    assert seen == [0, 0, 1]


def test_a_decision_that_was_withdrawn_later_still_stands(db: Database, three: list[Turn]) -> None:
    """One that had been withdrawn does not."""
    with db.write() as session:
        session.connection().execute(update(Decision).values(withdrawn_at=after(5000)))
    assert [bool(entry.decision) for entry in decisions.of_case(before(db, three[1]), 1, 99, 10)] == [True, False]
    assert not any(entry.decision for entry in decisions.of_case(before(db, three[2]), 1, 99, 10))


def searched(db: Database, words: str) -> list[int]:
    """List the uids that a search among Ada's messages finds."""
    return [entry.message.uid for entry in decisions.of_person(db, 1, 99, words, 10)]


def test_a_search_finds_the_earlier_messages_of_then(db: Database, three: list[Turn]) -> None:
    """Later ones are in the index, and not seen."""
    assert [searched(before(db, turn), "mail") for turn in three] == [[], [1], [2, 1]]
    assert searched(before(db, three[2]), "closes") == searched(db, "closes") == []
    assert searched(before(db, three[2]), "close") == [2, 1]


def test_a_search_finds_what_a_decision_said_that_was_withdrawn_since(db: Database, three: list[Turn]) -> None:
    """And not what was decided in its place."""
    back(db, three[0], after(20_000))
    row = stored(db, three[0].message_id)
    turns.step(db, row.id or 0, Step("held", "decided"), [], after(20_100))
    with db.write() as session:
        turns.record(session, Conclusion(decision_row(row, summary="Anew.", decided_at=after(20_200))), after(20_200))
    past = before(db, three[2])
    assert (searched(past, "asks"), searched(past, "anew")) == ([2, 1], [])
    assert (searched(db, "asks"), searched(db, "anew")) == ([], [1])


def test_what_was_held_then_and_is_still_is_in_the_log_of_then(db: Database, three: list[Turn]) -> None:
    """What has moved on since is not: nobody knows how it was."""
    for uid, seconds in ((8, 3000), (9, 9000)):
        row = received(db, uid)
        turns.step(db, row.id or 0, Step("received", "held", "look"), [], after(seconds))
    with db.write() as session:
        earlier = update(Turn).where(col(Turn.id) == three[0].id)
        session.connection().execute(
            earlier.values(message_id=select(Message.id).where(col(Message.uid) == 8).scalar_subquery())
        )
    seen = [[entry.message.uid for entry in decisions.log(before(db, turn), Filter(search="look"))] for turn in three]
    assert seen == [[], [8], [8]]


def test_a_case_has_the_date_of_its_newest_message_of_then(db: Database, three: list[Turn]) -> None:
    """What came later has not touched it yet."""
    with before(db, three[1]).read() as session:
        assert session.get_one(Case, 1).updated_at == NOW + timedelta(hours=1)
    (found,) = matters.open_cases(before(db, three[1]), NOW, WEIGHT, 10)
    assert found.messages == 2


def test_a_case_that_was_opened_later_is_not_seen(db: Database, three: list[Turn]) -> None:
    """It has no message yet."""
    screened(db, 9, now=after(9000))
    with before(db, three[2]).read() as session:
        assert session.exec(select(Case.id)).all() == [1]


def test_a_state_that_has_changed_since_is_not_told(db: Database, three: list[Turn]) -> None:
    """The ledger does not keep which it was then; one that has not changed is."""
    held = stored(db, three[0].message_id)
    ledger_update = update(Message).where(col(Message.id) == held.id)
    for at, state in ((after(10), "held"), (after(8000), "screened")):
        with db.write() as session:
            session.connection().execute(ledger_update.values(state="held", reason="why", updated_at=at))
        found = ledger.get(before(db, three[1]), held.id or 0)
        assert found
        assert (found.state, found.reason) == (state, "why" if state == "held" else "")
        assert found.updated_at <= three[1].started_at


def test_an_action_that_has_moved_on_since_counts_as_not_done_yet(db: Database, three: list[Turn]) -> None:
    """It was there, and nobody knows how far it was."""
    with db.write() as session:
        session.connection().execute(update(Action).values(updated_at=after(99_999)))
    assert actions.counts(before(db, three[1])) == {"planned": 1}
    with before(db, three[1]).read() as session:
        assert session.exec(select(Action.updated_at)).all() == [after(90)]


def test_later_feedback_is_not_seen(db: Database, three: list[Turn]) -> None:
    """What a person made of a draft comes after it."""
    with db.write() as session:
        session.add_all(Feedback(action_id=1, kind="sent", noted_at=after(seconds)) for seconds in (100, 8000))
    with before(db, three[1]).read() as session:
        assert len(session.exec(select(Feedback)).all()) == 1


def test_nothing_can_be_written_through_it(db: Database, three: list[Turn]) -> None:
    """Neither into a table that it hides, nor into one that it does not."""
    past = before(db, three[1])
    present = "main" if db.kind == SQLITE else "public"
    for words in (f"UPDATE {present}.messages SET state = 'done'", "DELETE FROM raw_mails", "DELETE FROM messages"):
        with pytest.raises(DBAPIError), past.read() as session:
            session.connection().exec_driver_sql(words)
    with pytest.raises(DBAPIError), past.write() as session:
        session.add(Case(subject="x", opened_at=NOW, updated_at=NOW))


def test_the_present_stays_as_it_is(db: Database, three: list[Turn]) -> None:
    """A view is of its own connection."""
    with before(db, three[0]).read() as session:
        assert session.exec(select(Message.uid).order_by(col(Message.id))).all() == [1]
    with db.read() as session:
        assert session.exec(select(Message.uid).order_by(col(Message.id))).all() == [1, 2, 3]


def test_a_message_that_was_read_later_is_not_seen(db: Database) -> None:
    """It was held unread then: what was found in it since, its sender and its case, nobody knew."""
    unread, message = received(db, 1), screened(db, 2)
    turn = opened(db, message, live(db), started_at=after(60))
    for at, uids in ((after(50), [1, 2]), (after(99), [2])):
        with db.write() as session:
            session.connection().execute(update(Message).where(col(Message.id) == unread.id).values(updated_at=at))
        with before(db, turn).read() as session:
            assert session.exec(select(Message.uid).order_by(col(Message.id))).all() == uids


def test_an_action_of_an_earlier_decision_is_seen_whatever_the_clock_said(db: Database, three: list[Turn]) -> None:
    """A clock that was set back since makes it later in time, not in order."""
    with db.write() as session:
        session.connection().execute(update(Action).values(created_at=after(99_999)))
    assert actions.counts(before(db, three[1])) == {"sent": 1}


def test_a_version_that_a_person_wrote_later_was_not_there(db: Database, three: list[Turn]) -> None:
    """One that was there by then was."""
    (sent,) = actions.of_message(db, three[0].message_id)
    with db.write() as session:
        session.add(action_row(stored(db, 1), decision_id=sent.decision_id, ordinal=1))
        session.flush()
        version = session.exec(select(Action.id).where(Action.ordinal == 1)).one()
        session.add(Approval(action_id=sent.id or 0, digest="d", verdict="edited", by="ada", place="here",
                             version=version, given_at=after(5_000)))  # fmt: skip
    assert actions.counts(before(db, three[1])) == {"sent": 1}
    assert actions.counts(before(db, three[2])) == {"sent": 2, "planned": 1}


@pytest.mark.exhaustive
@pytest.mark.parametrize("table", SQLModel.__subclasses__(), ids=lambda table: table.__name__)
def test_every_table_has_an_age_or_is_empty_in_the_past(db: Database, three: list[Turn], table: type[SQLModel]) -> None:
    """A table that is added later shows nothing of the future, even where nobody has thought of it."""
    shown = {RawMail, Person, PersonAddress, Case, Message, Decision, Action, Turn, LogEntry, LogWord, Feedback}
    with before(db, three[1]).read() as session:
        assert bool(session.exec(select(table)).all()) == (table in shown - {Feedback})
