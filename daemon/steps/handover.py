"""Handover: what the knowledge database knows of open matters, for a successor and for the tool."""

from datetime import timedelta

from daemon.house import Records
from daemon.judgement.briefing import stamp
from daemon.judgement.casework import CaseState, PromiseState
from daemon.judgement.decision import Priority
from daemon.judgement.handoffs import OUTSTANDING
from daemon.judgement.handover import (
    PAGE_LINES,
    Handover,
    Matter,
    Note,
    Obligation,
    Open,
    action_key,
    handoff_key,
    handover,
    listing,
    message_key,
    promise_key,
)
from daemon.judgement.states import ACTION_DUE, NEEDS_A_PERSON, ActionState
from knowledge import handoffs, ledger, matters, promises, sessions, upkeeps
from knowledge.matters import OpenCase, Weight
from knowledge.tables import Action, AgentSession, CaseNote, Handoff, Message, Promise

UNSETTLED = (*ACTION_DUE, ActionState.HELD, ActionState.WAITING)
WEIGHT = Weight(NEEDS_A_PERSON, [str(priority) for priority in reversed(Priority)], CaseState.CLOSED)
MOST_CASES = 200  # that are read for a handover; there is room for fewer
NO_SUCH_PAGE = "There is no such page: {} page(s) in all."


def gather(records: Records) -> Open:
    """Read what is open now."""
    since = records.clock() - timedelta(days=records.settings.session.dormant_after_days)
    found = matters.open_cases(records.db, since, WEIGHT, MOST_CASES)
    return Open(obligations(records), list(map(_matter, found)), matters.count_open(records.db, since, WEIGHT))


def obligations(records: Records) -> list[Obligation]:
    """List what binds: what was promised, the soonest due first, then the rest, the newest first."""
    promised = [_promised(promise) for promise in promises.in_state(records.db, PromiseState.OPEN)]
    handed = [_handed(row, of) for row, of in reversed(handoffs.outstanding(records.db, OUTSTANDING))]
    waiting = [_waiting(row) for row in reversed(ledger.in_states(records.db, NEEDS_A_PERSON))]
    unsettled = [_unsettled(action, row) for action, row in matters.unsettled(records.db, UNSETTLED)]
    return promised + handed + waiting + unsettled


def owed(records: Records) -> list[str]:
    """Name all that the ledger owes, apart from how it is told."""
    messages, actions = matters.owed(records.db, NEEDS_A_PERSON, UNSETTLED)
    promised = promises.numbers(records.db, PromiseState.OPEN)
    handed = handoffs.numbers(records.db, OUTSTANDING)
    of_messages = [*map(message_key, messages), *map(action_key, actions)]
    return [*map(promise_key, promised), *map(handoff_key, handed), *of_messages]


def written(records: Records, predecessor: AgentSession | None) -> Handover | None:
    """Write the handover for a session that begins; nothing where it is the first of all."""
    if predecessor is None:
        return None
    notes = [Note(note.case_id, note.text) for note in _notes(records, predecessor)]
    return handover(gather(records), notes, records.settings.session.handover_tokens, records.clock())


def _notes(records: Records, predecessor: AgentSession) -> list[CaseNote]:
    """Give the notes of the newest earlier session that had a turn."""
    earlier: AgentSession | None = predecessor
    while earlier and earlier.head_uuid is None:
        earlier = sessions.get(records.db, earlier.predecessor or "")
    return upkeeps.notes_of(records.db, earlier.id) if earlier else []


def page(records: Records, number: int) -> str:
    """Show a page of all that is open, counted from 1, without a word that a sender wrote."""
    since = records.clock() - timedelta(days=records.settings.session.dormant_after_days)
    binding = obligations(records)
    count = len(binding) + matters.count_open(records.db, since, WEIGHT)
    last = -(-count // PAGE_LINES)
    if not 1 <= number <= last:
        return NO_SUCH_PAGE.format(last)
    start = (number - 1) * PAGE_LINES
    bound = binding[start : start + PAGE_LINES]
    behind = max(0, start - len(binding))
    found = matters.open_cases(records.db, since, WEIGHT, PAGE_LINES - len(bound), behind)
    return "\n".join([*listing(bound, map(_matter, found)), f"(page {number} of {last})"])


def all_pages(records: Records) -> list[str]:
    """Give the lines of all pages that tell what binds, as the tool would show them."""
    needed = -(-len(obligations(records)) // PAGE_LINES)
    return [line for number in range(1, needed + 1) for line in page(records, number).splitlines()]


def _promised(promise: Promise) -> Obligation:
    """Tell of a promise without its words: the model put them, and a mail may have had a hand in it."""
    by = f"promised by {promise.by} in {message_key(promise.message_id)}"
    return Obligation(promise_key(promise.id or 0), f"[case {promise.case_id}] {by}, due {promise.due}")


def _handed(row: Handoff, of: Message) -> Obligation:
    """Tell of a handoff without its brief, which the model wrote."""
    what = f"{_case(of)} {message_key(of.id or 0)} is handed to {row.specialist}, whose report is to come"
    return Obligation(handoff_key(row.id or 0), what)


def _waiting(row: Message) -> Obligation:
    return Obligation(message_key(row.id or 0), f"{_case(row)} {row.state} since {stamp(row.updated_at)} {row.reason}")


def _unsettled(action: Action, row: Message) -> Obligation:
    what = f"{_case(row)} {message_key(row.id or 0)} {action.kind}, {action.state} since {stamp(action.updated_at)}"
    return Obligation(action_key(action.id or 0), f"{what} {action.reason}")


def _matter(found: OpenCase) -> Matter:
    case, decision = found.case, found.decision
    number = case.id or 0
    if decision is None:
        return Matter(number, found.messages, case.updated_at)
    return Matter(number, found.messages, case.updated_at, decision.category, case.subject, decision.summary)


def _case(row: Message) -> str:
    return f"[case {row.case_id}]" if row.case_id else "[no case]"
