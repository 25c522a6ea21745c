"""The decision log: searched, filtered, live; and everything about one mail."""

from datetime import UTC, datetime

from starlette.responses import Response

from daemon.judgement.sign_in import Role
from daemon.judgement.states import MessageState
from daemon.review.log import (
    Around,
    actions_line,
    approval_line,
    concluded_at,
    content_of,
    correction_line,
    handoff_lines,
    turn_lines,
    when,
)
from daemon.web import render
from daemon.web.site import Asked, as_number, found
from knowledge import approvals, corrections, decisions, feedback, handoffs, turns, visits
from knowledge.database import Database
from knowledge.decisions import Entry, Filter
from knowledge.handoffs import Work

MOST, MOST_CHANGES = 100, 1_000
BAD_REQUEST, GONE = 400, 410
FILTERS = ("search", "person", "category", "state", "since")
BAD_SINCE = "Since when: write a day, such as 2026-11-21."


def listed(asked: Asked) -> Response:
    """Show the log, the newest first."""
    wanted, problem = _wanted(asked)
    newest = decisions.newest_change(asked.db)
    entries = decisions.log(asked.db, wanted) if not problem else []
    asked.look("log", 0)
    return render.page(
        asked,
        "log.html",
        lines=[_line(entry) for entry in entries],
        newest=newest,
        most=MOST,
        given={name: asked.given(name) for name in FILTERS},
        categories=asked.settings.employee.categories,
        states=list(MessageState),
        problem=problem,
    )


def fresh(asked: Asked) -> Response:
    """Give the lines that have changed since, for a page that is open."""
    wanted, problem = _wanted(asked)
    since = as_number(asked.given("after_change"))
    if problem or since is None:
        return Response(status_code=BAD_REQUEST)
    if decisions.newest_change(asked.db) - since > MOST_CHANGES:
        return Response(status_code=GONE)  # the page is loaded anew instead
    entries, newest = decisions.changes(asked.db, wanted, since)
    lines = [_line(entry) for entry in reversed(entries[-MOST:])]
    if lines:
        asked.look("log", 0)
    return render.part(asked, "log_lines.html", {"X-Newest": str(newest)}, lines=lines)


def one(asked: Asked) -> Response:
    """Show everything about one mail: the decision, the mail as the model saw it, what was done, and who said what."""
    entry = found("message", asked.number, decisions.of_message(asked.db, asked.number))
    asked.look("decision", asked.number)
    around = _around(asked.db, entry)
    return render.page(
        asked,
        "decision.html",
        entry=entry,
        around=around,
        seen=next((turn.prompt for turn in reversed(around.turns)), ""),
        contents=[(action, content_of(action)) for action in entry.actions],
        handoffs=[(work.handoff, handoff_lines(work)) for work in around.handoffs],
        approvals=[str(approval_line(each)) for each in around.approvals],
        corrections=[str(correction_line(each)) for each in around.corrections],
        turns=[turn_lines(turn) for turn in around.turns],
        looks=_looks(asked),
    )


def _looks(asked: Asked) -> list[str]:
    if not Role(asked.guest.user.role).may(Role.ADMIN):
        return []
    return [
        f"{look.user} ({look.place}), {when(look.looked_at)}"
        for look in visits.looks_at(asked.db, "decision", asked.number)
    ]


def _around(db: Database, entry: Entry) -> Around:
    number = entry.message.id or 0
    calls = handoffs.calls_of_message(db, number)
    handed = [Work(row, calls.get(row.id or 0, ())) for row in handoffs.of_message(db, number)]
    said = approvals.of_message(db, number), corrections.of_message(db, number)
    dollars = turns.spent_on_case(db, entry.message.case_id or 0)
    return Around(decisions.turns_of(db, number), handed, feedback.of_message(db, number), *said, dollars)


def _wanted(asked: Asked) -> tuple[Filter, str]:
    """Read the filters; say what is wrong with them."""
    state = asked.given("state")
    try:
        since = _day(asked.given("since"))
    except (ValueError, OverflowError):
        return Filter(), BAD_SINCE
    wanted = Filter(since, asked.given("category"), asked.given("person"), state, asked.given("search"), MOST)
    if state and state not in set(MessageState):
        return Filter(), f"There is no state {state}."
    return wanted, "" if wanted.can_be_met else "Signs alone are not looked for: give letters or digits."


def _day(words: str) -> datetime | None:
    return datetime.fromisoformat(words).astimezone(UTC) if words else None


def _line(entry: Entry) -> tuple[Entry, datetime, str]:
    return entry, concluded_at(entry), actions_line(entry)
