"""A person's word on what waits counts once, and for what that person saw."""

import pytest

from daemon.judgement.states import WENT_OUT
from knowledge import actions, approvals, audit, turns
from knowledge.approvals import Word
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import Action, Approval
from knowledge.turns import Step
from tests.knowledge.rows import NOW, action_row, after, dump, filed, received, stored

ANSWER = Step("waiting", "decided")
APPROVED = Word("approved", "planned", "ada", "terminal", "fine")
SLIP_IN = (
    'INSERT INTO approvals (id, action_id, digest, verdict, "by", place, why, given_at) '
    'SELECT 2, action_id, digest, verdict, "by", place, why, given_at FROM approvals'
)


def waiting(db: Database, *changes: dict[str, str]) -> list[Action]:
    """Make a message that waits, with actions that do."""
    message = received(db, 1)
    reply = {"state": "waiting", "kind": "reply", "recipients": ["ada@quill.example"]}
    filed(db, message, *(action_row(message, ordinal=at, **{**reply, **each}) for at, each in enumerate(changes)))
    turns.step(db, 1, Step("decided", "waiting"), [], NOW)
    return actions.of_message(db, 1)


def say(db: Database, action: Action, word: Word = APPROVED) -> Approval:
    """Say a word."""
    with db.write() as session:
        approval = approvals.say(session, action, word, ANSWER, after(5))
        approvals.link(session, approval, after(5))
        return approval


def test_a_word_moves_the_action_and_its_message_and_is_written_down(db: Database) -> None:
    """Who, when, from where, why, and the digest that was seen."""
    (action,) = waiting(db, {})
    say(db, action)
    (row,) = approvals.of_message(db, 1)
    assert (row.verdict, row.by, row.place, row.why) == ("approved", "ada", "terminal", "fine")
    assert (row.digest, row.given_at) == (action.digest, after(5))
    assert (actions.of_message(db, 1)[0].state, stored(db, 1).state) == ("planned", "decided")


def test_a_word_counts_once(db: Database) -> None:
    """Whoever comes second is told so, and nothing is written."""
    (action,) = waiting(db, {})
    say(db, action)
    before = dump(db)
    with pytest.raises(FenceError, match=r"^action 1: "):
        say(db, action, Word("rejected", "rejected", "bo", "web"))
    assert dump(db) == before


def test_a_word_on_other_bytes_than_were_seen_does_not_count(db: Database) -> None:
    """What was changed meanwhile is another action."""
    (action,) = waiting(db, {})
    before = dump(db)
    with pytest.raises(FenceError, match=r"^action 1: "):
        say(db, action.model_copy(update={"digest": "another"}))
    assert dump(db) == before


def test_a_message_waits_until_the_last_of_its_actions_does_not(db: Database) -> None:
    """Two proposals need two words."""
    first, second = waiting(db, {}, {})
    say(db, first)
    assert stored(db, 1).state == "waiting"
    say(db, second)
    assert stored(db, 1).state == "decided"


def test_a_message_that_stands_elsewhere_is_left_there(db: Database) -> None:
    """One that is held for another reason stays held when a proposal of it is answered."""
    (action,) = waiting(db, {})
    with db.write() as session:
        row = session.get_one(type(stored(db, 1)), 1)
        row.state = "held"
        session.add(row)
    say(db, action)
    assert stored(db, 1).state == "held"


def test_another_version_takes_an_action_s_place(db: Database) -> None:
    """The approval names it, and the decision's link in the chain holds."""
    (action,) = waiting(db, {})
    new = action.model_copy(update={"id": None, "state": "planned", "rule": "edited by ada"})
    with db.write() as session:
        approval = approvals.say(session, action, Word("edited", "cancelled", "ada", "web"), ANSWER, after(5))
        approvals.put_in_place(session, Action(**new.model_dump(exclude={"id"})), approval)
        approvals.link(session, approval, after(5))
    assert [row.version for row in approvals.of_message(db, 1)] == [2]
    assert [row.state for row in actions.of_message(db, 1)] == ["cancelled", "planned"]
    assert list(audit.verify(db, WENT_OUT)) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE approvals SET \"by\" = 'mallory'", "approval 1: its row was changed"),
        ("DELETE FROM approvals", "approval 1: its row was deleted"),
        (SLIP_IN, "approval 2 is not in the chain"),
    ],
)
def test_the_chain_knows_of_every_word(db: Database, statement: str, said: str) -> None:
    """One that is edited or deleted later is found, and one that is slipped in."""
    (action,) = waiting(db, {})
    say(db, action)
    with db.write() as session:
        session.connection().exec_driver_sql(statement)
    assert [finding.words for finding in audit.verify(db, WENT_OUT)] == [said]


def test_it_lists_what_waits_with_its_mail_and_decision_the_oldest_first(db: Database) -> None:
    """What a reviewer goes through."""
    waiting(db, {}, {"state": "sent"}, {})
    items = approvals.waiting(db, "waiting")
    assert [(item.action.id, item.message.id) for item in items] == [(1, 1), (3, 1)]
    assert items[0].decision
    assert items[0].decision.category == "question"


def test_what_left_lately_is_found_for_the_caps(db: Database) -> None:
    """Of which case and to whom; what lies further back is not, and what is stamped in the future is."""
    waiting(db, {"state": "sent"}, {"state": "held"}, {"state": "sent", "kind": "draft"}, {"state": "sending"})
    left = actions.departures(db, ["reply"], ["sent", "sending"], NOW)
    assert [(each.left_at, each.case_id, each.recipients) for each in left] == [(NOW, 1, ["ada@quill.example"])] * 2
    assert actions.departures(db, ["reply"], ["sent"], after(1)) == []
