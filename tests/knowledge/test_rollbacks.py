"""Rollbacks: where they lead, and what they withdraw."""

from datetime import datetime

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from knowledge import actions, decisions, feedback, rollbacks, service, sessions, turns, upkeeps
from knowledge.actions import Again, Change
from knowledge.database import Database
from knowledge.rollbacks import Mark, Words
from knowledge.service import Closing
from knowledge.tables import Action, AgentSession, Message, ToolCall, Turn, Upkeep
from knowledge.turns import Step
from knowledge.upkeeps import Summary
from tests.knowledge.rows import NOW, action_row, after, closed, handoff_row, live, opened, screened, settle, stored

STANDING = ("settled", "lost")
UNSENT = ("planned", "held")
WORDS = Words(
    "live", "ended", "rolled back", "cancelled", "its decision was rolled back", "open", "withdrawn", "cancelled"
)

AGAIN = (Again("held", "planned", [], others=True),)


def decided(db: Database, uid: int, session: AgentSession, offset: int, *states: str) -> tuple[Message, Turn]:
    """Work a mail as far as its decision, with drafts in these states."""
    message = screened(db, uid)
    turn = closed(opened(db, message, session), head_offset=offset, context_tokens=offset)
    drafts = [action_row(message, ordinal=ordinal, state=state) for ordinal, state in enumerate(states)]
    settle(db, turn, session, message, *drafts)
    return message, turn


def compacted(db: Database, session: AgentSession, offset: int) -> None:
    """Compact the session, up to this offset."""
    row = Upkeep(session_id=session.id, generation=1, kind="compact", why="w", state="open", model="m",
                 reserved_usd=0.1, started_at=NOW)  # fmt: skip
    row = upkeeps.begin(db, row)
    row.state, row.ended_at, row.tokens_after = "done", NOW, 5
    upkeeps.compacted(db, row, session, Summary(f"summary-{offset}", offset, 0.9), None)


def back(db: Database, turn: Turn, now: datetime = NOW) -> rollbacks.Behind:
    """Roll back to before a turn, with all messages held; give what stood behind it."""
    mark = rollbacks.before(db, turn, "settled", "done")
    row = sessions.get(db, turn.session_id)
    assert row
    row.state, row.ended_at, row.head_uuid, row.head_offset = "live", None, mark.uuid, mark.offset
    undone = rollbacks.behind(db, turn, STANDING)
    service.leave_order(db, "roll back", "1", "waiting", NOW)
    order = service.orders(db, "waiting")[-1]
    rollbacks.apply(
        db,
        successor=row,
        undone=undone,
        cancel=UNSENT,
        targets={message.id or 0: "held" for message in undone.messages},
        case_moves={},
        flags=[],
        words=WORDS,
        closing=Closing(order, "done", "it is done"),
        now=now,
    )
    return undone


def states(db: Database, message: Message) -> list[str]:
    """Give the states of all actions of a message, withdrawn or not."""
    with db.read() as session:
        rows = session.exec(select(Action).where(Action.message_id == message.id).order_by(col(Action.id)))
        return [row.state for row in rows]


def test_it_leads_behind_the_turn_before(db: Database) -> None:
    """With what was measured there."""
    session = live(db)
    _, first = decided(db, 1, session, 100)
    _, second = decided(db, 2, session, 200)
    assert rollbacks.before(db, second, "settled", "done") == Mark(first.head_uuid, 100, 100)
    assert rollbacks.before(db, first, "settled", "done") == Mark()


def test_it_leads_behind_a_compaction_that_came_since(db: Database) -> None:
    """Not behind one that came later."""
    session = live(db)
    _, first = decided(db, 1, session, 100)
    compacted(db, session, 150)
    _, second = decided(db, 2, session, 200)
    compacted(db, session, 250)
    assert rollbacks.before(db, second, "settled", "done") == Mark("summary-150", 150, 5)
    assert rollbacks.before(db, first, "settled", "done") == Mark()


def test_a_compaction_that_was_cut_off_is_no_place_to_go_back_to(db: Database) -> None:
    """The transcript has other entries there by now."""
    session = live(db)
    decided(db, 1, session, 100)
    _, second = decided(db, 2, session, 200)
    compacted(db, session, 500)
    decided(db, 3, session, 600)
    back(db, second)
    _, fourth = decided(db, 4, session, 300)
    _, fifth = decided(db, 5, session, 560)
    assert rollbacks.before(db, fifth, "settled", "done") == Mark(fourth.head_uuid, 300, 300)


def test_all_later_turns_are_undone_in_whichever_session(db: Database) -> None:
    """Their messages and actions come with them."""
    session = live(db)
    decided(db, 1, session, 100, "sent")
    _, second = decided(db, 2, session, 200, "sent")
    third, _ = decided(db, 3, live(db, "two"), 50, "planned")
    undone = rollbacks.behind(db, second, STANDING)
    assert [turn.session_id for turn in undone.turns] == ["one", "two"]
    assert [message.uid for message in undone.messages] == [2, 3]
    assert [(action.state, message.id) for action, message in undone.actions][1] == ("planned", third.id)


def test_what_has_not_left_is_cancelled_and_what_has_is_left_alone(db: Database) -> None:
    """What is on its way, nobody knows of yet."""
    session = live(db)
    message, turn = decided(db, 1, session, 100, "planned", "held", "sending", "uncertain", "sent")
    back(db, turn)
    assert states(db, message) == ["cancelled", "cancelled", "sending", "uncertain", "sent"]


def test_a_withdrawn_decision_counts_nowhere(db: Database) -> None:
    """Neither in the log, nor for the message's actions, nor for the drafts that are followed."""
    session = live(db)
    message, turn = decided(db, 1, session, 100, "sent", "held")
    back(db, turn)
    entry = decisions.of_message(db, message.id or 0)
    assert entry
    assert (entry.decision, entry.actions) == (None, ())
    assert actions.of_message(db, message.id or 0) == []
    drafts = feedback.open_drafts(db, message.mailbox, drafts=["draft"], stored="sent", final=[], since=NOW)
    assert drafts == []


def test_an_action_of_a_withdrawn_decision_is_known_as_such(db: Database) -> None:
    """The outbox cancels it, where it was on its way."""
    session = live(db)
    message, turn = decided(db, 1, session, 100, "sending")
    (before,) = actions.of_message(db, message.id or 0)
    assert not actions.is_withdrawn(db, before)
    back(db, turn)
    assert actions.is_withdrawn(db, before)


def test_a_message_may_be_decided_anew(db: Database) -> None:
    """The table allows one decision that stands, and any number that were withdrawn."""
    session = live(db)
    message, turn = decided(db, 1, session, 100)
    back(db, turn)
    turns.step(db, message.id or 0, Step("held", "screened"), [], NOW)
    again = closed(opened(db, stored(db, message.id), session), head_offset=100)
    settle(db, again, session, message)
    entry = decisions.of_message(db, message.id or 0)
    assert entry
    assert entry.decision
    assert entry.decision.turn_id == again.id


def test_held_actions_of_a_withdrawn_decision_are_not_planned_again(db: Database) -> None:
    """A person who resumes the message means the decision that stands."""
    session = live(db)
    message, turn = decided(db, 1, session, 100, "sending")
    back(db, turn)
    (action,) = [row for row, _message in rollbacks.behind(db, turn, ["rolled back"]).actions]
    actions.change(db, action, Change("held", "refused"), NOW)
    with db.write() as rows:
        actions.plan_again(rows, message.id or 0, Step("held", "decided"), AGAIN, NOW)
    assert states(db, message) == ["held"]


def test_the_earlier_session_is_live_again_and_the_later_one_has_ended(db: Database) -> None:
    """And the order is closed, in the same transaction."""
    session = live(db)
    decided(db, 1, session, 100)
    _, second = decided(db, 2, session, 200)
    decided(db, 3, live(db, "two", created_at=after(5)), 50)
    back(db, second, after(9))
    found = sessions.live(db, "live")
    assert found
    assert (found.id, found.head_offset, found.ended_at) == ("one", 100, None)
    later = sessions.get(db, "two")
    assert later
    assert (later.state, later.ended_at, later.end_reason) == ("ended", after(9), WORDS.reason)
    assert service.orders(db, "waiting") == []


def test_a_turn_that_a_power_loss_took_can_be_rolled_back_too(db: Database) -> None:
    """Its decision stands."""
    session = live(db)
    _, first = decided(db, 1, session, 100)
    message, second = decided(db, 2, session, 200)
    sessions.set_back(db, session, first, settled="settled", lost="lost")
    found = rollbacks.turn_of(db, message.id or 0, STANDING)
    assert found
    assert found.id == second.id


@pytest.mark.parametrize("count", [0, 499, 500, 501, 1200])
def test_any_number_of_turns_is_shared_out(count: int) -> None:
    """None is left out, and no statement gets too many."""
    shares = list(rollbacks._few(list(range(count))))
    assert [item for share in shares for item in share] == list(range(count))
    assert all(len(share) <= rollbacks.FEW for share in shares)


def test_a_turn_that_was_dropped_stood_behind_what_had_ended_before_it_began(db: Database) -> None:
    """Nothing of it stands in the transcript: what was before it is told by time."""
    session = live(db)
    decided(db, 1, session, 100)
    compacted(db, session, 200)
    dropped = opened(db, screened(db, 2), session, started_at=after(1))
    compacted(db, session, 300)
    with db.write() as rows:
        rows.connection().execute(update(Upkeep).where(col(Upkeep.head_offset) == 300).values(ended_at=after(9)))
    assert rollbacks.before(db, dropped, "settled", "done") == Mark("summary-200", 200, 5)


def test_where_a_lost_turn_stood_others_may_stand_now(db: Database) -> None:
    """Its offset says nothing any more: what was before it is told by time."""
    session = live(db)
    decided(db, 1, session, 100)
    _message, lost = decided(db, 2, session, 5000)
    decided(db, 3, session, 300)
    compacted(db, session, 400)
    with db.write() as rows:
        rows.connection().execute(update(Turn).where(col(Turn.id) == lost.id).values(state="lost"))
        rows.connection().execute(update(Upkeep).values(ended_at=after(9)))
    lost.state = "lost"
    assert rollbacks.before(db, lost, "settled", "done") == Mark("head-1", 100, 100)


def test_what_stood_before_a_turn_and_is_undone_since_is_known_to_be_gone(db: Database) -> None:
    """Up to the mark all stands; what is undone behind it, the turn had before it."""
    session = live(db)
    decided(db, 1, session, 100)
    _, second = decided(db, 2, session, 200)
    _, third = decided(db, 3, session, 300)
    mark = rollbacks.before(db, third, "settled", "done")
    assert not rollbacks.is_gone_before(db, third, ["lost"], mark)
    with db.write() as rows:
        rows.connection().execute(update(Turn).where(col(Turn.id) >= second.id).values(state="lost"))
    lost = turns.get(db, third.id or 0)
    assert lost
    mark = rollbacks.before(db, lost, "settled", "done")
    assert (mark.offset, rollbacks.is_gone_before(db, lost, ["lost"], mark)) == (100, True)
    assert not rollbacks.is_gone_before(db, second, ["lost"], mark)


def test_calls_of_servers_outside_are_told_of_a_rollback(db: Database) -> None:
    """They left the house: only those that were let through."""
    session = live(db)
    message, turn = decided(db, 1, session, 100)
    with db.write() as rows:
        handoff = handoff_row(turn)
        rows.add(handoff)
        rows.flush()
        for allowed in (True, False):
            rows.add(ToolCall(handoff_id=handoff.id or 0, server="catalogue", tool=f"find_{allowed}", allowed=allowed,
                              error=False, seconds=0.1))  # fmt: skip
    undone = rollbacks.behind(db, turn, STANDING)
    assert [(call.server, call.tool, number) for call, number in undone.calls] == [
        ("catalogue", "find_True", message.id)
    ]
