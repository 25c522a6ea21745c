"""Brief: what the knowledge database knows around a mail, for the prompt and for the read-only tools."""

import secrets

from daemon.agent.tools import Reads
from daemon.house import Records
from daemon.judgement.briefing import (
    Correspondent,
    Due,
    Earlier,
    Handed,
    Known,
    Reminder,
    briefing,
    earlier_line,
    marked,
    reminding,
)
from daemon.judgement.casework import PromiseState
from daemon.judgement.handoffs import Awaited
from daemon.judgement.issues import FRESH, MOST_SHOWN, Shared
from daemon.judgement.message import Message
from daemon.judgement.overdue import overdue
from daemon.judgement.promises import Standing
from daemon.judgement.reports import Report, marked_report, reporting
from daemon.judgement.states import TurnState
from daemon.steps.hand import outstanding_of_case
from daemon.steps.handover import page
from daemon.steps.outward import ground
from daemon.steps.recall import recall, recall_by_words, sheet
from knowledge import decisions, handoffs, issues, ledger, people, promises, turns
from knowledge import folders as files
from knowledge.decisions import Entry
from knowledge.tables import AgentSession, Handoff, Promise, SharedIssue
from knowledge.tables import Message as Row

CASE_LINES = 10
FOUND_LINES = 10


def brief(records: Records, row: Row, message: Message, live: AgentSession) -> str:
    """Write the prompt of the turn. In a new session, or behind a hole, it begins with what went before."""
    count, since = decisions.acquaintance(records.db, row.person_id, row.id or 0)
    earlier = decisions.of_case(records.db, row.case_id or 0, row.id or 0, CASE_LINES)
    known = Known(
        message=row.id or 0,
        case=row.case_id or 0,
        received_at=row.received_at,
        person_messages=count,
        person_since=since,
        case_messages=tuple(map(_earlier, earlier)),
        authenticity=_authenticity(records, row),
        gap=tuple(map(_earlier, decisions.of_lost_turns(records.db, live.id, TurnState.LOST, TurnState.SETTLED))),
        handover=live.handover if live.head_uuid is None else "",
        promises=tuple(map(due, _open_promises(records, row))),
        handed=tuple(
            Handed(each.specialist, each.message_id) for each in outstanding_of_case(records, row.case_id or 0)
        ),
        memory=recall(records, row, message),
        issues=tuple(map(str, shared(records, row))),
        sender=_correspondent(records, row),
    )
    return briefing(message, known, _mark()) if row.about_id is None else _own(records, row, message, known)


def _correspondent(records: Records, row: Row) -> Correspondent | None:
    known = people.get(records.db, row.person_id) if row.person_id else None
    if known is None:
        return None
    person = known.person
    return Correspondent(person.id or 0, person.name, person.organisation, person.language)


def _own(records: Records, row: Row, message: Message, known: Known) -> str:
    """Write the prompt of a message of clerkd's own: a report, a handoff that nobody has answered, or a promise."""
    about = row.about_id or 0
    if handoff := handoffs.of_report(records.db, row.id or 0):
        return reporting(_report(records, row, handoff, message), known, _mark("report"))
    if handoffs.of_reminder(records.db, row.id or 0):
        return overdue(row.words, about, known)
    return reminding(Reminder(row.words, about, _at_hand(records, row) or 0), known)


def _report(records: Records, row: Row, handoff: Handoff, message: Message) -> Report:
    again = handoff.awaits == Awaited.ANSWER
    turn = turns.get(records.db, handoff.turn_id)
    return Report(
        handoff=handoff.id or 0,
        specialist=handoff.specialist,
        brief=handoff.brief,
        words=row.words,
        about=row.about_id or 0,
        message=handoff.message_id,
        handed_at=turn.started_at if turn else row.received_at,
        mail=marked(message, _mark(), with_quote=False) if again else "",
    )


def reads(records: Records, row: Row, message: Message) -> Reads:
    """Bind the read-only tools to the mail at hand: the model never names a case or a person."""

    def case() -> str:
        entries = decisions.of_case(records.db, row.case_id or 0, row.id or 0, CASE_LINES)
        return _lines(entries, "This is the case's first message.")

    def search(words: str) -> str:
        if row.person_id is None:
            return "The sender is not known."
        found = decisions.of_person(records.db, row.person_id, row.id or 0, words, FOUND_LINES)
        return _lines(found, "Nothing was found among this sender's earlier messages.")

    mailbox = records.settings.mailbox(row.mailbox)
    mail = marked(message, _mark(), with_quote=True)
    report = handoffs.of_report(records.db, row.id or 0) if row.about_id else None
    letter = row.words if row.about_id else mail
    folders = mailbox.folders if mailbox else ()
    return Reads(
        case=case,
        search=search,
        recall=lambda words: recall_by_words(records, row, message, words),
        matters=lambda number: page(records, number),
        promises=_standing(records, row),
        issues=frozenset(issue.number for issue in shared(records, row)),
        sheet=sheet(records, row, message),
        letter=f"{mail}\n{marked_report(row.words, _mark('report'))}" if report else letter,
        # Whoever wrote a report knows what belongs to others: it says nothing of whose it is that it stands there.
        ground=lambda texts, told, orders: ground(
            records, row, message, "\n".join((mail, "" if report else row.words, told)), texts, orders
        ),
        folders=folders,
        files=lambda: {file.name: file.text for file in files.of_case(records.db, row.case_id or 0)},
        dollars=records.settings.limits.dollars_per_turn,
        rounds=promises.reminders_since_mail(records.db, row.case_id or 0),
    )


def shared(records: Records, row: Row) -> list[Shared]:
    """List the open issues that several people share, without a word that no person has confirmed."""
    here = {issue.id for issue in issues.of_case(records.db, row.case_id or 0)}
    found = issues.find(records.db, MOST_SHOWN, since=records.clock() - FRESH)
    return [_shared(item.issue, item.cases, here=item.issue.id in here) for item in found]


def _shared(issue: SharedIssue, cases: int, *, here: bool) -> Shared:
    return Shared(issue.id or 0, issue.category, issue.opened_at, cases, issue.name, here)


def _authenticity(records: Records, row: Row) -> str:
    """Say what the border server found of the mail at hand, or of the one that clerkd's own message is about."""
    about = ledger.get(records.db, row.about_id) if row.about_id else None
    return (about or row).authenticity


def _mark(what: str = "mail") -> str:
    """Make a mark that no sender, and no specialist, can know."""
    return f"{what}-{secrets.token_hex(8)}"


def due(promise: Promise) -> Due:
    """Give a promise as the judgement knows it."""
    return Due(promise.id or 0, promise.by, promise.what, promise.due, promise.message_id)


def _standing(records: Records, row: Row) -> Standing:
    return Standing(
        today=records.clock().date(),
        open=frozenset(promise.id or 0 for promise in _open_promises(records, row)),
        at_hand=_at_hand(records, row),
        reminders=promises.reminders_since_mail(records.db, row.case_id or 0),
    )


def _open_promises(records: Records, row: Row) -> list[Promise]:
    return promises.of_case(records.db, row.case_id or 0, [PromiseState.OPEN])


def _at_hand(records: Records, row: Row) -> int | None:
    """Give the number of the promise that has come up with this message, where it is open still."""
    promise = promises.of_reminder(records.db, row.id or 0) if row.about_id else None
    return promise.id if promise and promise.state == PromiseState.OPEN else None


def _lines(entries: list[Entry], otherwise: str) -> str:
    return "\n".join(f"{earlier_line(_earlier(entry))}{_details(entry)}" for entry in entries) or otherwise


def _details(entry: Entry) -> str:
    actions = ", ".join(f"{action.kind} ({action.state})" for action in entry.actions)
    return f" | actions: {actions}" if actions else ""


def _earlier(entry: Entry) -> Earlier:
    decision = entry.decision
    return Earlier(
        message=entry.message.id or 0,
        received_at=entry.message.received_at,
        subject=entry.message.subject,
        category=decision.category if decision else "",
        summary=decision.summary if decision else "",
    )
