"""Recover: what a crash left behind is closed before anything new begins."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from daemon.house import House
from daemon.judgement.retry import Circumstances, Failure, FailureKind, remedy
from daemon.judgement.states import Event, MessageState, SessionState, TurnState, UpkeepState
from daemon.steps.act import settle_message
from daemon.steps.ask import write_down
from daemon.steps.errand import take_back
from daemon.steps.moves import move
from daemon.steps.record import attention
from daemon.steps.replay import clear as clear_replays
from knowledge import ledger, screenings, sessions, turns, upkeeps
from knowledge.cases import Placing
from knowledge.errors import FenceError
from knowledge.screenings import Found, Screened
from knowledge.tables import Message, Turn, Upkeep


def recover(house: House) -> None:
    """Take the session over, drop what was open with its charge kept, and settle what only lacked its last step."""
    house.health.begin()
    live = sessions.live(house.db, SessionState.LIVE)
    if live:
        sessions.take_over(house.db, live.id, house.generation)
    for turn in turns.in_state(house.db, TurnState.OPEN):
        _drop(house, turn)
    for upkeep in upkeeps.in_state(house.db, UpkeepState.OPEN):
        _break_off(house, upkeep)
    take_back(house)
    for row in ledger.in_states(house.db, [MessageState.DECIDED]):
        settle_message(house, row.id or 0)
    try:
        clear_replays(house.db, house.session.engine.home, house.clock())
    except OSError as error:  # another user's, for one: a replay's leftovers must not keep the service from starting
        house.log.warning("replays_not_cleared", reason=error.strerror)


def _drop(house: House, turn: Turn) -> None:
    row = ledger.get(house.db, turn.message_id)
    if row is None:
        error = "a turn belongs to a message"
        raise LookupError(error)
    now = house.clock()
    failure = Failure(FailureKind.CRASH, "the service ended during the turn")
    around = Circumstances(turn.attempt, outages=0, others_passed=False, session_is_fresh=False, now=now)
    chosen = remedy(failure, around, house.settings.retry.pauses)
    turn.state, turn.ended_at, turn.failure = TurnState.DROPPED, now, failure.detail
    turn.cost_usd = turn.reserved_usd
    write_down(house, row, turn, chosen, failure, now)


def _break_off(house: House, upkeep: Upkeep) -> None:
    """Close a compaction or rotation that was cut off, its charge kept: the session stands where it stood before."""
    upkeep.state, upkeep.ended_at = UpkeepState.FAILED, house.clock()
    upkeep.cost_usd, upkeep.failure = upkeep.reserved_usd, "the service ended during it"
    upkeeps.failed(house.db, upkeep)
    house.log.warning("upkeep_failed", upkeep=upkeep.id, kind=upkeep.kind, failure=upkeep.failure)


@contextmanager
def stumbling(house: House, row: Message) -> Iterator[None]:
    """Hold a message that our own code stumbles over, so that it cannot block the next one.

    What is wrong with the database or the disk is nobody's message: that ends the service, and systemd starts it
    again.
    """
    try:
        yield
    except (SQLAlchemyError, FenceError, OSError):
        raise
    except Exception as error:
        house.log.exception("stumbled", exc_info=error, message=row.id, case=row.case_id)
        if any(turn.message_id == row.id for turn in turns.in_state(house.db, TurnState.OPEN)):
            raise  # the transcript may hold half a turn: only a new start cuts it off for certain
        reason = f"clerkd stumbled over it ({type(error).__name__}); please report this"
        now = house.clock()
        step = move(MessageState(row.state), Event.HOLD, reason)
        if row.state == MessageState.RECEIVED:  # it has no case yet
            screened = Screened(Found(), Placing(None, "", "", reason), step, actions=[attention(row, "held", now)])
            screenings.write(house.db, row, screened, now)
        else:
            turns.step(house.db, row.id or 0, step, [attention(row, "held", now)], now)
