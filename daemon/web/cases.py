"""The cases: the list, and the way of one with its mails, decisions, handoffs and actions in their order."""

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from daemon.judgement.casework import CaseState, PromiseState
from daemon.judgement.states import ActionState
from daemon.review.cases import Page, page
from daemon.review.log import actions_line
from daemon.web import render
from daemon.web.site import Asked, found
from knowledge import cases
from knowledge.decisions import Entry

MOST = 200
ENDED = (ActionState.SUBMITTED, ActionState.SENT, ActionState.REJECTED, ActionState.EXPIRED, ActionState.HELD)


@dataclass(frozen=True)
class Happening:
    """Something that happened in a case; ``message`` leads to everything about it."""

    at: datetime
    what: str
    message: int | None = None
    by_us: bool = False


def listed(asked: Asked) -> Response:
    """List the cases, the last touched first: those that are not closed, or all."""
    states = tuple(CaseState) if asked.given("all") else tuple(each for each in CaseState if each != CaseState.CLOSED)
    found_cases = cases.find(asked.db, states, None, PromiseState.OPEN, MOST)
    asked.look("cases", 0)
    return render.page(asked, "cases.html", cases=found_cases, everything=bool(asked.given("all")), most=MOST)


def one(asked: Asked) -> Response:
    """Show the way of one case."""
    shown = found("case", asked.number, page(asked.db, asked.number))
    asked.look("case", asked.number)
    return render.page(asked, "case.html", shown=shown, way=way(shown))


def way(shown: Page) -> list[Happening]:
    """Put all that happened in their order."""
    happened = [each for entry in shown.entries for each in _of_entry(entry)]
    happened += [
        Happening(row.made_at, f"promise {row.id} by {row.by}, due {row.due}, {row.state}: {row.what}", row.message_id)
        for row in shown.promises
    ]
    happened += [
        Happening(row.started_at, f"handed to {row.specialist}, {row.state}: {row.report or row.brief}", row.message_id)
        for row in shown.handoffs
        if row.started_at
    ]
    return sorted(happened, key=lambda each: each.at)


def _of_entry(entry: Entry) -> list[Happening]:
    row, decision = entry.message, entry.decision
    who = "clerkd" if row.about_id else row.sender_name or row.sender_address or "nobody known"
    came = Happening(row.received_at, f"mail from {who}: {row.subject or '(no subject)'}", row.id)
    if decision is None:
        return [came]
    told = f"{decision.category}, {decision.priority}: {decision.summary}; actions: {actions_line(entry)}"
    done = [
        Happening(
            action.updated_at, f"{action.kind} {action.target} {action.state}".replace("  ", " "), row.id, by_us=True
        )
        for action in entry.actions
        if action.state in ENDED
    ]
    return [came, Happening(decision.decided_at, told, row.id, by_us=True), *done]
