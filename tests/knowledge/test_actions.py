"""Actions on their way out: fenced, and in order within their message."""

from datetime import datetime
from typing import Any

import pytest

from knowledge import actions
from knowledge.actions import Again, Change
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.tables import Action
from knowledge.turns import Step
from tests.knowledge.rows import MAILBOX, NOW, action_row, after, dump, filed, received, stored

DUE = ("planned", "sending", "uncertain")

AGAIN = (Again("held", "planned", ["reply"], others=True), Again("held", "waiting", ["reply"], keeps_reason=True))


def planned(db: Database, uid: int, *changes: dict[str, Any], mailbox: str = MAILBOX) -> list[Action]:
    """Decide on a new mail, with these actions."""
    message = received(db, uid, mailbox=mailbox)
    rows = [action_row(message, ordinal=ordinal, **change) for ordinal, change in enumerate(changes)]
    filed(db, message, *rows)
    return actions.of_message(db, message.id or 0)


def next_place(db: Database, now: datetime = NOW) -> tuple[int, int] | None:
    """Give message and ordinal of the action that is due next."""
    action = actions.next_due(db, DUE, now)
    return (action.message_id, action.ordinal) if action else None


# Change


def test_an_action_moves_on(db: Database) -> None:
    """State, reason and tries are the new ones, and the time is that of the change."""
    (action,) = planned(db, 1, {})
    actions.change(db, action, Change("sending", "tried", 1, after(60)), after(5))
    (moved,) = actions.of_message(db, 1)
    assert (moved.state, moved.reason, moved.tries, moved.due_at, moved.updated_at) == (
        "sending",
        "tried",
        1,
        after(60),
        after(5),
    )


def test_a_change_gives_the_action_as_it_is_stored(db: Database) -> None:
    """The next change begins from there."""
    (action,) = planned(db, 1, {})
    assert [actions.change(db, action, Change("sending"), NOW)] == actions.of_message(db, 1)


def test_a_mail_that_may_have_left_counts_as_one_that_left_whatever_becomes_of_it(db: Database) -> None:
    """Held, planned again or cancelled: the caps count it."""
    (action,) = planned(db, 1, {"kind": "reply", "recipients": ["ada@quill.example"]})
    action = actions.change(db, action, Change("held", "cut off", may_have_left=True), NOW)
    for state in ("planned", "cancelled"):
        action = actions.change(db, action, Change(state), NOW)
        (left,) = actions.departures(db, ["reply"], ["sent"], NOW)
        assert left.recipients == ["ada@quill.example"]


def test_a_mail_that_is_held_before_it_leaves_counts_as_none_that_left(db: Database) -> None:
    """A refusal of the server's is no departure."""
    (action,) = planned(db, 1, {"kind": "reply"})
    actions.change(db, action, Change("held", "refused"), NOW)
    assert actions.departures(db, ["reply"], ["sent"], NOW) == []


def test_a_change_keeps_the_tries_where_it_names_none(db: Database) -> None:
    """The count goes on."""
    (action,) = planned(db, 1, {"tries": 2})
    assert actions.change(db, action, Change("sending"), NOW).tries == 2


@pytest.mark.parametrize(
    "seen", [{"state": "sending"}, {"digest": "other"}, {"id": 99}], ids=["state", "digest", "number"]
)
def test_an_action_that_is_not_as_it_was_seen_does_not_move_on(db: Database, seen: dict[str, Any]) -> None:
    """State and digest are those on which the caller's word was given, and nothing is written otherwise."""
    (action,) = planned(db, 1, {})
    before = dump(db)
    with pytest.raises(FenceError, match=r"^action \d+: it was changed by somebody else meanwhile$"):
        actions.change(db, action.model_copy(update=seen), Change("sent"), NOW)
    assert dump(db) == before


def test_an_action_is_sent_once(db: Database) -> None:
    """Two who saw it planned cannot both send it."""
    (action,) = planned(db, 1, {})
    actions.change(db, action, Change("sending"), NOW)
    with pytest.raises(FenceError, match=r"^action 1: "):
        actions.change(db, action, Change("sending"), NOW)


# What is due


def test_the_oldest_action_is_due_first(db: Database) -> None:
    """Actions go out in the order in which they were decided."""
    planned(db, 1, {}, {})
    planned(db, 2, {})
    assert next_place(db) == (1, 0)


def test_no_action_is_due_where_there_is_none(db: Database) -> None:
    """There may be nothing to do."""
    assert next_place(db) is None


@pytest.mark.parametrize("state", ["sent", "refused", "held", "cancelled"])
def test_a_finished_action_lets_the_next_of_its_message_pass(db: Database, state: str) -> None:
    """What is done or given up is not waited for."""
    planned(db, 1, {"state": state}, {})
    assert next_place(db) == (1, 1)


@pytest.mark.parametrize("state", DUE)
def test_an_unfinished_action_is_due_in_each_of_its_states(db: Database, state: str) -> None:
    """An action that was cut off is taken up again."""
    planned(db, 1, {"state": state})
    assert next_place(db) == (1, 0)


@pytest.mark.parametrize(("seconds", "place"), [(0, (2, 0)), (59, (2, 0)), (60, (1, 0)), (61, (1, 0))])
def test_an_action_that_was_put_off_holds_up_its_own_message_alone(
    db: Database, seconds: int, place: tuple[int, int]
) -> None:
    """A mail is never moved before its draft is written, but other messages go on."""
    planned(db, 1, {"due_at": after(60)}, {})
    planned(db, 2, {})
    assert next_place(db, after(seconds)) == place


def test_an_action_that_was_put_off_may_leave_nothing_due(db: Database) -> None:
    """The later action of the same message waits with it."""
    planned(db, 1, {"due_at": after(60)}, {})
    assert next_place(db) is None


def test_the_actions_of_a_mailbox_out_of_reach_hold_up_no_other_mailbox(db: Database) -> None:
    """What cannot be reached waits, and the next action of the others is due."""
    planned(db, 1, {}, {}, mailbox="away@imap.example")
    planned(db, 2, {})
    action = actions.next_due(db, DUE, NOW, without=["away@imap.example"])
    assert action
    assert action.message_id == 2


def test_nothing_is_due_where_every_mailbox_is_out_of_reach(db: Database) -> None:
    """Each of the names counts."""
    planned(db, 1, {}, mailbox="away@imap.example")
    planned(db, 2, {})
    assert actions.next_due(db, DUE, NOW, without=["away@imap.example", MAILBOX]) is None


def test_what_may_not_be_done_now_waits_unless_it_has_left_already(db: Database) -> None:
    """Of what has left, the copy alone is to do."""
    planned(db, 1, {"kind": "reply"})
    planned(db, 2, {"kind": "reply", "state": "submitted"})
    states = (*DUE, "submitted")
    assert actions.next_due(db, states, NOW, held_back=["reply"]) is None
    found = actions.next_due(db, states, NOW, held_back=["reply"], left=["submitted"])
    assert found
    assert found.message_id == 2


# Finding an action by its mail


def test_it_finds_the_action_whose_mail_carries_one_of_the_ids(db: Database) -> None:
    """A bounce names several Message-IDs, of which one may be ours."""
    planned(db, 1, {"own_message_id": "<a.clerkd@harbourpine.example>"})
    planned(db, 2, {"own_message_id": "<b.clerkd@harbourpine.example>"})
    found = actions.of_own_ids(db, ["<1@quill.example>", "<b.clerkd@harbourpine.example>"])
    assert found
    assert found.message_id == 2


@pytest.mark.parametrize("ids", [[], ["<1@quill.example>"]], ids=["none", "somebody else's"])
def test_it_finds_no_action_by_ids_that_are_not_ours(db: Database, ids: list[str]) -> None:
    """A stranger's Message-ID leads to nothing."""
    planned(db, 1, {"own_message_id": "<a.clerkd@harbourpine.example>"})
    assert actions.of_own_ids(db, ids) is None


def test_an_empty_id_finds_no_action(db: Database) -> None:
    """A flag has no Message-ID of its own, and a bounce without one is not about it."""
    planned(db, 1, {"kind": "flag"})
    assert actions.of_own_ids(db, [""]) is None


# Settling a message


def test_a_message_that_goes_on_plans_its_held_actions_again(db: Database) -> None:
    """Message and actions move together, each kind as is said; what was done is not done again."""
    planned(
        db,
        1,
        {"state": "sent", "reason": "done"},
        {"state": "held", "reason": "refused", "due_at": after(60)},
        {"state": "held", "reason": "refused", "kind": "reply"},
    )
    with db.write() as session:
        actions.plan_again(session, 1, Step("decided", "done"), AGAIN, after(5))
    rows = [(row.state, row.reason, row.due_at, row.updated_at) for row in actions.of_message(db, 1)]
    again = [("planned", "", None, after(5)), ("waiting", "refused", None, after(5))]
    assert (stored(db, 1).state, rows) == ("done", [("sent", "done", None, NOW), *again])


def test_a_message_that_was_moved_meanwhile_plans_nothing_again(db: Database) -> None:
    """The fence comes first, and nothing is written."""
    planned(db, 1, {"state": "held"})
    before = dump(db)
    with pytest.raises(FenceError, match=r"^message 1: "), db.write() as session:
        actions.plan_again(session, 1, Step("held", "decided"), AGAIN, NOW)
    assert dump(db) == before


def test_it_counts_actions_by_state(db: Database) -> None:
    """The status page shows them."""
    planned(db, 1, {"state": "sent"}, {"state": "sent"}, {})
    assert actions.counts(db) == {"sent": 2, "planned": 1}
