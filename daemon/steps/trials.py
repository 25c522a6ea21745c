"""Trials: which logged messages can be put again, and to which fork of which session."""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.errors import FatalError
from daemon.judgement.comparison import Verdict, action_name, handing_name
from daemon.judgement.policy import ANSWERS, EDITED, Kind
from daemon.judgement.states import ActionState, SessionState, TurnState, UpkeepState
from daemon.mail.compose import body_of
from knowledge import decisions, handoffs, ledger, replays, rollbacks, sessions
from knowledge.database import Database
from knowledge.past import Moment
from knowledge.replays import Selection
from knowledge.rollbacks import Mark
from knowledge.tables import AgentSession, Turn
from knowledge.tables import Message as Row

ROLLED_BACK = "message {} was rolled back: its place in the conversation is gone"
GONE = "message {}: of what stood before it in the conversation, something was lost or rolled back since"
JUST_NOW = "message {} is being put to the model just now"
NEVER_PUT = "message {} was never put to the model"
NOT_THERE = "message {} is not there; `clerkd log` shows the numbers"
OUTSIDE = "message {} is outside of --since or --case"
NO_SESSION = "no session is live, so there is none to fork"
UNSETTLED, UNDONE = (TurnState.LOST, TurnState.DROPPED), (TurnState.LOST, TurnState.ROLLED_BACK)
HANDLED = "mailbox.handled"  # how the rules begin by which a mailbox's mail is flagged or moved, whatever was decided


@dataclass(frozen=True)
class Wanted:
    """Which messages, how many forks at a time, and whether the forks are to be kept."""

    selection: Selection
    parallel: int
    of_live_session: bool = False
    keep: bool = False


@dataclass(frozen=True)
class Trial:
    """A logged message with the turn in which it was put to the session, and the session as it is to be forked."""

    row: Row
    turn: Turn
    session: AgentSession
    logged: Verdict | None

    @property
    def moment(self) -> Moment:
        """Say when that was."""
        return Moment(self.turn.id or 0, self.row.id or 0, self.turn.started_at)


@dataclass(frozen=True)
class Choice:
    """What can be put again, and what cannot, with the reason."""

    trials: Sequence[Trial]
    left_out: Sequence[str]


def choose(db: Database, signature: str, wanted: Wanted) -> Choice:
    """Find the messages that can be put again, and the sessions to fork; ``signature`` is no part of a reply's text.

    Raises FatalError where the live session is wanted and there is none.
    """
    live = sessions.live(db, SessionState.LIVE)
    if wanted.of_live_session and live is None:
        raise FatalError(NO_SESSION)
    newest = {row.id or 0: (row, turn) for row, turn in replays.turns_of(db, wanted.selection)}
    trials, left_out = [], []
    for number in sorted(newest.keys() | set(wanted.selection.ids)):
        problem = _problem(db, number, newest[number][1] if number in newest else None, wanted)
        if problem:
            left_out.append(problem.format(number))
            continue
        row, turn = newest[number]
        session = live if wanted.of_live_session and live else _as_it_stood(db, turn)
        trials.append(Trial(row, turn, session, _verdict_of(db, signature, row)))
    return Choice(trials, left_out)


def _problem(db: Database, number: int, turn: Turn | None, wanted: Wanted) -> str:
    """Say why a message cannot be put again, judged by its newest turn; nothing where it can."""
    if turn is None:
        if ledger.get(db, number) is None:
            return NOT_THERE
        return OUTSIDE if decisions.turns_of(db, number) else NEVER_PUT
    if turn.state == TurnState.OPEN:
        return JUST_NOW
    if wanted.of_live_session:
        return ""
    if turn.state == TurnState.ROLLED_BACK:
        return ROLLED_BACK
    return GONE if turn.state in UNSETTLED and rollbacks.is_gone_before(db, turn, UNDONE, _mark(db, turn)) else ""


def _as_it_stood(db: Database, turn: Turn) -> AgentSession:
    session = sessions.get(db, turn.session_id)
    if session is None:
        error = "a turn belongs to a session"
        raise LookupError(error)
    mark = _mark(db, turn)
    return session.model_copy(update={"head_uuid": mark.uuid, "head_offset": mark.offset})


def _mark(db: Database, turn: Turn) -> Mark:
    return rollbacks.before(db, turn, TurnState.SETTLED, UpkeepState.DONE)


def _verdict_of(db: Database, signature: str, row: Row) -> Verdict | None:
    """Give what was logged; what is done with every handled mail, the model had no part in."""
    entry = decisions.of_message(db, row.id or 0)
    if entry is None or entry.decision is None:
        return None
    its_own = (action for action in entry.actions if action.decision_id == entry.decision.id)
    theirs = [action for action in its_own if not action.rule.startswith(EDITED)]
    drafts = [body_of(action.content, signature) for action in theirs if action.kind in ANSWERS]
    chosen = [each for each in theirs if each.kind != Kind.LETTER and not each.rule.startswith(HANDLED)]
    names = [action_name(each.kind, each.target, refused=each.state == ActionState.REFUSED) for each in chosen]
    names += [
        handing_name(each.specialist)
        for each in handoffs.of_message(db, row.id or 0)
        if each.awaits and each.turn_id == entry.decision.turn_id
    ]
    return Verdict(entry.decision.category, entry.decision.priority, tuple(names), "".join(drafts))
