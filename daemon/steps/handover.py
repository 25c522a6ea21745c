"""Handover: what the knowledge database knows of open matters, for a successor and for the tool."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from daemon.house import House
from daemon.judgement.briefing import stamp
from daemon.judgement.handover import Matter, Note, Obligation, action_key, handover, message_key, pages
from daemon.judgement.states import ACTION_DUE, NEEDS_A_PERSON, ActionState
from knowledge import ledger, matters, sessions, upkeeps
from knowledge.matters import OpenCase
from knowledge.tables import Action, AgentSession, CaseNote, Message

UNSETTLED = (*ACTION_DUE, ActionState.HELD)
NO_SUCH_PAGE = "There is no such page: {} page(s) in all."


@dataclass(frozen=True)
class OpenMatters:
    """All that binds, and all cases that are not dormant."""

    obligations: Sequence[Obligation]
    matters: Sequence[Matter]


def gather(house: House) -> OpenMatters:
    """Read what is open now."""
    since = house.clock() - timedelta(days=house.settings.session.dormant_after_days)
    waiting = [_waiting(row) for row in ledger.in_states(house.db, NEEDS_A_PERSON)]
    unsettled = [_unsettled(action, row) for action, row in matters.unsettled(house.db, UNSETTLED)]
    return OpenMatters([*waiting, *unsettled], [_matter(found) for found in matters.open_cases(house.db, since)])


def owed(house: House) -> list[str]:
    """Name all that the ledger owes, apart from how it is told."""
    messages, actions = matters.owed(house.db, NEEDS_A_PERSON, UNSETTLED)
    return [*map(message_key, messages), *map(action_key, actions)]


def told(house: House, live: AgentSession) -> str:
    """Write the handover for a session that begins; nothing where it is the first of all."""
    if live.predecessor is None:
        return ""
    notes = [Note(note.case_id, note.text) for note in _notes(house, live)]
    found = gather(house)
    return handover(found.obligations, found.matters, notes, house.settings.session.handover_tokens)


def _notes(house: House, live: AgentSession) -> list[CaseNote]:
    """Give the notes of the newest session before this one that had a turn."""
    earlier = sessions.get(house.db, live.predecessor or "")
    while earlier and earlier.head_uuid is None:
        earlier = sessions.get(house.db, earlier.predecessor or "")
    return upkeeps.notes_of(house.db, earlier.id) if earlier else []


def page(house: House, number: int) -> str:
    """Show a page of all that is open, counted from 1, without a word that a sender wrote."""
    found = gather(house)
    every = list(pages(found.obligations, found.matters))
    if not 1 <= number <= len(every):
        return NO_SUCH_PAGE.format(len(every))
    return f"{every[number - 1]}\n(page {number} of {len(every)})"


def _waiting(row: Message) -> Obligation:
    return Obligation(message_key(row.id or 0), f"{_case(row)} {row.state} since {stamp(row.updated_at)} {row.reason}")


def _unsettled(action: Action, row: Message) -> Obligation:
    what = f"{_case(row)} [message {row.id}] {action.kind}, {action.state} since {stamp(action.updated_at)}"
    return Obligation(action_key(action.id or 0), f"{what} {action.reason}")


def _matter(found: OpenCase) -> Matter:
    case = found.case
    number, newest = f"[case {case.id}]", stamp(case.updated_at)
    plain = f"{number} {found.messages} message(s), the newest {newest}, {found.category or 'no decision'}"
    told = f"{number} {newest} {case.subject} -> {found.category}: {found.summary}"
    # Of a mail without a decision not a word is told: it may be the one that no request gets through with.
    return Matter(case.id or 0, told if found.category else plain, plain)


def _case(row: Message) -> str:
    return f"[case {row.case_id}]" if row.case_id else "[no case]"
