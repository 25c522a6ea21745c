"""The table of moves: what can happen to a message, and nothing else."""

import re
from itertools import product

import pytest

from daemon.judgement.states import (
    MOVES,
    NEEDS_A_PERSON,
    UNFINISHED,
    Event,
    IllegalMoveError,
    MessageState,
    after,
)

NOT_IN_THE_TABLE = [pair for pair in product(MessageState, Event) if pair not in MOVES]


def reachable(start: MessageState) -> set[MessageState]:
    """Follow all moves from a state."""
    found, pending = {start}, [start]
    while pending:
        state = pending.pop()
        further = {target for (source, _event), target in MOVES.items() if source is state} - found
        found |= further
        pending.extend(further)
    return found


@pytest.mark.parametrize(
    ("state", "event", "target"),
    [
        ("received", "screen", "screened"),
        ("received", "file", "decided"),
        ("received", "hold", "held"),
        ("screened", "ask", "asking"),
        ("screened", "file", "decided"),
        ("screened", "hold", "held"),
        ("asking", "decide", "decided"),
        ("asking", "drop", "screened"),
        ("asking", "hold", "held"),
        ("asking", "fail", "failed"),
        ("decided", "settle", "done"),
        ("decided", "escalate", "escalated"),
        ("decided", "hold", "held"),
        ("held", "requeue", "received"),
        ("failed", "requeue", "received"),
        ("held", "resume", "decided"),
        ("held", "close", "done"),
        ("failed", "close", "done"),
        ("escalated", "close", "done"),
        ("decided", "roll back", "held"),
        ("done", "roll back", "held"),
        ("escalated", "roll back", "held"),
        ("held", "roll back", "held"),
        ("decided", "wait", "waiting"),
        ("waiting", "answer", "decided"),
        ("waiting", "hold", "held"),
        ("waiting", "close", "done"),
        ("waiting", "roll back", "held"),
    ],
)
def test_it_moves_on(state: str, event: str, target: str) -> None:
    """Each move of the table leads where it should."""
    assert after(MessageState(state), Event(event)) == target


def test_the_table_holds_no_further_moves() -> None:
    """Twenty-eight moves are tested above, and there are no others."""
    assert len(MOVES) == 28


@pytest.mark.parametrize(("state", "event"), NOT_IN_THE_TABLE)
def test_it_refuses_every_event_that_is_not_in_the_table(state: MessageState, event: Event) -> None:
    """Such an event raises, and the error names state and event."""
    with pytest.raises(IllegalMoveError, match=re.escape(f"a message that is {state} cannot {event}")):
        after(state, event)


@pytest.mark.parametrize("event", sorted(set(Event) - {Event.ROLL_BACK}))
def test_nothing_but_a_rollback_leads_out_of_done(event: Event) -> None:
    """Done is the end, unless a person takes it back."""
    assert (MessageState.DONE, event) not in MOVES


def test_done_is_the_only_end() -> None:
    """From every other state something can happen but a rollback."""
    moved = {source for source, event in MOVES if event is not Event.ROLL_BACK}
    assert set(MessageState) - moved == {MessageState.DONE}


@pytest.mark.parametrize("state", list(MessageState))
def test_every_state_leads_to_done_in_the_end(state: MessageState) -> None:
    """No message is caught in a circle."""
    assert MessageState.DONE in reachable(state)


def test_every_state_can_be_reached() -> None:
    """From the first state all others follow."""
    assert reachable(MessageState.RECEIVED) == set(MessageState)


def test_every_event_can_happen() -> None:
    """No event is without a move."""
    assert {event for _state, event in MOVES} == set(Event)


def test_every_state_is_unfinished_or_needs_a_person_or_is_done() -> None:
    """No message is forgotten by the loop and by the people alike."""
    assert sorted([*UNFINISHED, *NEEDS_A_PERSON, MessageState.DONE]) == sorted(MessageState)


def test_only_a_screened_message_is_put_to_the_model() -> None:
    """A mail that was not read yet, or that a rule filed, never costs a turn."""
    assert [state for state, event in MOVES if event is Event.ASK] == [MessageState.SCREENED]


@pytest.mark.parametrize("state", sorted(NEEDS_A_PERSON))
def test_only_a_person_s_word_moves_a_message_that_needs_one(state: MessageState) -> None:
    """It is requeued, resumed, closed, answered or rolled back; by itself it only goes where it needs one, too."""
    words = {Event.REQUEUE, Event.RESUME, Event.CLOSE, Event.ANSWER, Event.ROLL_BACK}
    others = {target for (source, event), target in MOVES.items() if source is state and event not in words}
    assert others <= set(NEEDS_A_PERSON)
