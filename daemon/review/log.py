"""The decision log for a person's eyes: one line a message, or everything about one."""

import email
import email.policy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.judgement.policy import DRAFTS, LEAVING, Kind
from daemon.judgement.states import ActionState
from knowledge.decisions import Entry
from knowledge.handoffs import Work
from knowledge.tables import Action, Approval, Correction, Feedback, Handoff, ToolCall, Turn

WIDE = 110
MAILS = (*DRAFTS, *LEAVING)


class Column(NamedTuple):
    """One column of the log's table."""

    title: str
    layout: dict[str, Any]
    narrow: bool = True


COLUMNS = (
    Column("ID", {"justify": "right"}),
    Column("Decided", {"min_width": 16}, narrow=False),
    Column("From", {"ratio": 2, "min_width": 12}),
    Column("Subject", {"ratio": 3, "min_width": 16}),
    Column("Category", {"min_width": 8}),
    Column("Priority", {"min_width": 6}, narrow=False),
    Column("Actions", {"min_width": 8}),
    Column("State", {"min_width": 4}),
)
STYLES = {"done": "green", "held": "bold red", "failed": "bold red", "escalated": "bold yellow",
          "waiting": "bold cyan"}  # fmt: skip
PRIORITY_STYLES = {"urgent": "bold red", "high": "yellow"}
UNPRINTABLE = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])


def clean(words: str) -> str:
    """Take control characters out, so that no mail can steer the terminal."""
    return words.translate(UNPRINTABLE)


def when(moment: datetime | None) -> str:
    """Show a time in the reader's own zone."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else "-"


def concluded_at(entry: Entry) -> datetime:
    """Say when the message was decided, or last changed where it was not."""
    return entry.decision.decided_at if entry.decision else entry.message.updated_at


def table(entries: list[Entry], width: int) -> Table:
    """Lay the log out as a table; a narrow terminal (``width`` in characters) gets the columns that matter most."""
    kept = [column for column in COLUMNS if width >= WIDE or column.narrow]
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", expand=True)
    for column in kept:
        grid.add_column(column.title, no_wrap=True, overflow="ellipsis", **column.layout)
    for entry in entries:
        cells = dict(zip((column.title for column in COLUMNS), _cells(entry), strict=True))
        grid.add_row(*(cells[column.title] for column in kept))
    return grid


def _cells(entry: Entry) -> list[RenderableType]:
    message, decision = entry.message, entry.decision
    priority = decision.priority if decision else "-"
    return [
        str(message.id),
        when(concluded_at(entry)),
        Text(clean(message.sender_name or message.sender_address or "(unknown)")),
        Text(clean(message.subject or "(none)")),
        Text(decision.category if decision else "-"),
        Text(priority, style=PRIORITY_STYLES.get(priority, "")),
        Text(actions_line(entry)),
        Text(message.state, style=STYLES.get(message.state, "")),
    ]


def actions_line(entry: Entry) -> str:
    """Name the actions, with their state where it is not the usual one."""
    shown = [_short(action) for action in entry.actions if action.decision_id is not None]
    return ", ".join(shown) or ("none" if entry.decision else "-")


def _short(action: Action) -> str:
    name = f"{action.kind} {action.target}" if action.kind == Kind.MOVE else action.kind
    return name if action.state == ActionState.SENT else f"{name} ({action.state})"


def record(entry: Entry) -> dict[str, Any]:
    """Give an entry as plain data, for JSON."""
    message, decision, turn = entry.message, entry.decision, entry.turn
    return {
        "message": message.id,
        "message_id": message.message_id,
        "subject": message.subject,
        "from": message.sender_address,
        "state": message.state,
        "reason": message.reason,
        "case": message.case_id,
        "category": decision.category if decision else None,
        "priority": decision.priority if decision else None,
        "summary": decision.summary if decision else None,
        "why": decision.reason if decision else None,
        "rule": decision.rule if decision else None,
        "confidence": decision.confidence if decision else None,
        "decided_at": concluded_at(entry).isoformat(),
        "actions": [_action_record(action) for action in entry.actions],
        "session": turn.session_id if turn else None,
        "turn": turn.id if turn else None,
        "model": turn.model if turn else None,
        "cost_usd": turn.cost_usd if turn else None,
    }


def _action_record(action: Action) -> dict[str, Any]:
    return {"kind": action.kind, "target": action.target, "state": action.state, "reason": action.reason}


@dataclass(frozen=True)
class Around:
    """What belongs to an entry of the log besides itself; ``case_dollars`` is what its case cost so far."""

    turns: Sequence[Turn]
    handoffs: Sequence[Work]
    feedback: Sequence[Feedback]
    approvals: Sequence[Approval]
    corrections: Sequence[Correction]
    case_dollars: float


def full_record(entry: Entry, around: Around) -> dict[str, Any]:
    """Give everything about one message as plain data."""
    message = entry.message
    return {
        **record(entry),
        "case_cost_usd": round(around.case_dollars, 6),
        "authenticity": message.authenticity,
        "placement": message.placement,
        "removed": message.removed,
        "feedback": [note.model_dump(mode="json", exclude={"id"}) for note in around.feedback],
        "approvals": [given.model_dump(mode="json", exclude={"id"}) for given in around.approvals],
        "corrections": [given.model_dump(mode="json", exclude={"id"}) for given in around.corrections],
        "turns": [turn.model_dump(mode="json") for turn in around.turns],
        "handoffs": [_handoff_record(work) for work in around.handoffs],
    }


def _handoff_record(work: Work) -> dict[str, Any]:
    calls = [call.model_dump(mode="json", exclude={"handoff_id"}) for call in work.calls]
    return {**work.handoff.model_dump(mode="json"), "calls": calls}


def page(entry: Entry, around: Around) -> RenderableType:
    """Lay out everything about one message."""
    parts: list[RenderableType] = [_head(entry, around.case_dollars)]
    seen = next((turn.prompt for turn in reversed(around.turns)), "")
    if seen:
        parts.append(Panel(Text(clean(seen)), title="the mail as the model saw it", title_align="left"))
    parts.extend(map(_handoff_panel, around.handoffs))
    parts.extend(_action_panel(action) for action in entry.actions)
    parts.extend(map(approval_line, around.approvals))
    parts.extend(map(correction_line, around.corrections))
    parts.extend(_feedback_panel(note) for note in around.feedback)
    parts.extend(Text(turn_lines(turn)) for turn in around.turns)
    return Group(*parts)


def _head(entry: Entry, case_dollars: float) -> Table:
    message, decision = entry.message, entry.decision
    cost = f"; its turns and handoffs cost ${case_dollars:.4f} so far" if message.case_id else ""
    grid = Table.grid(padding=(0, 2))
    rows = [
        ("Message", f"{message.id}, received {when(message.received_at)}"),
        ("Case", f"{message.case_id or '-'}{': ' + message.placement if message.placement else ''}{cost}"),
        ("Message-ID", message.message_id or "-"),
        ("From", f"{message.sender_name} <{message.sender_address}>"),
        ("Authenticity", message.authenticity or "-"),
        ("Subject", message.subject or "(none)"),
        ("State", f"{message.state}{': ' + message.reason if message.reason else ''}"),
    ]
    if decision:
        rows += [
            ("Decision", f"{decision.category}, {decision.priority}, confidence {decision.confidence:.2f}"),
            ("Summary", decision.summary),
            ("Reason", f"{'rule ' + decision.rule + ': ' if decision.rule else ''}{decision.reason}"),
        ]
    rows += [("Removed", what) for what in message.removed]
    for name, value in rows:
        grid.add_row(f"[bold]{name}[/]", Text(clean(value)))
    return grid


def _action_panel(action: Action) -> Panel:
    note = f" - {action.reason}" if action.reason else ""
    title = f"action {action.id}: {action.kind} {action.target} ({action.state}{note}); by {action.rule}"
    found = "".join(f"\n\nwall: {finding}" for finding in action.findings)
    return Panel(Text(clean(content_of(action) + found)), title=escape(title), title_align="left")


def _handoff_panel(work: Work) -> Panel:
    row = work.handoff
    title = f"handoff {row.id}, in turn {row.turn_id}, to {row.specialist} ({row.state})"
    return Panel(Text(clean("\n".join(handoff_lines(work)))), title=escape(title), title_align="left")


def handoff_lines(work: Work) -> list[str]:
    """Say what was handed over, what came back, with what, and what it cost."""
    row = work.handoff
    used = f"model {row.model}, tools {', '.join(row.tools) or 'none'}"
    cached = f"{row.cache_read_tokens} more read from the cache, {row.cache_write_tokens} written to it"
    cost = f"tokens: {row.input_tokens} in, {row.output_tokens} out, {cached}; ${row.cost_usd:.4f}; {row.seconds:.2f} s"
    calls = map(_call_line, work.calls)
    told = [f"why: {row.why or '-'}", f"brief: {row.brief}", f"report: {row.report or '-'}"]
    came = [f"the report came in as message {row.report_id}"] if row.report_id else []
    done = [asked_by_letter(row)] if row.letter_id else [used, *calls, cost]
    return [*told, *came, *done, *([row.transcript] if row.transcript else [])]


def asked_by_letter(row: Handoff) -> str:
    """Say how a person was asked, and when that comes up, or came up, without an answer."""
    came = f"came up unanswered as message {row.reminder_id}"
    return f"letter: action {row.letter_id}, {came if row.reminder_id else f'comes up on {when(row.comes_up_at)}'}"


def _call_line(call: ToolCall) -> str:
    """Show a call to a server outside: what was passed, and what came of it."""
    passed = json.dumps(call.arguments, ensure_ascii=False)
    outcome = f"failed: {call.said}" if call.error else f"{call.result_size} characters came back"
    end = f"{outcome}; {call.seconds:.2f} s" if call.allowed else f"refused: {call.said}"
    return f"call {call.server}.{call.tool} {passed}: {end}"


def correction_line(given: Correction) -> Text:
    """Say in a line how a person says that a decision should have been."""
    why = f": {given.why}" if given.why else ""
    told = f"{given.field} should have been {given.should}, not {given.was}{why}"
    return Text(clean(f"corrected by {given.by} on {when(given.given_at)}: {told}"))


def approval_line(given: Approval) -> Text:
    """Say in a line what a person said of an action."""
    why = f": {given.why}" if given.why else ""
    version = f"; action {given.version} took its place" if given.version else ""
    who = f"action {given.action_id}: {given.verdict} by {given.by} ({given.place}) on {when(given.given_at)}"
    return Text(clean(f"{who}{version}{why}"))


def _feedback_panel(note: Feedback) -> Panel:
    title = f"action {note.action_id}: {note.kind}, noted {when(note.noted_at)}"
    return Panel(Text(clean(note.detail or "as drafted")), title=escape(title), title_align="left")


def content_of(action: Action) -> str:
    """Show a mail of ours as a mail program would, and anything else as it is."""
    if action.kind not in MAILS or not action.recipients:
        return action.content.decode("utf-8", "replace") or action.target
    mail = email.message_from_bytes(action.content, policy=email.policy.default)
    head = [f"{name}: {mail[name]}" for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To") if mail[name]]
    body = mail.get_body(("plain",))
    head += [f"Enclosed: {part.get_filename()}" for part in mail.iter_attachments()]
    return "\n".join([*head, "", str(body.get_content()).strip() if body else ""])


def turn_lines(turn: Turn) -> str:
    """Show a turn in a few lines."""
    cached = f"{turn.cache_read_tokens} more read from the cache, {turn.cache_write_tokens} written to it"
    lines = [
        f"turn {turn.id}, attempt {turn.attempt}: {turn.state}, session {turn.session_id}",
        f"  model {turn.model}, tools {', '.join(turn.tools) or 'none'}",
        f"  tokens: {turn.input_tokens} in, {turn.output_tokens} out, {cached}; ${turn.cost_usd or 0:.4f}",
        f"  {turn.seconds or 0:.2f} s",
        *(f"  {note}" for note in (turn.failure, *turn.notes) if note),
    ]
    return "\n".join(lines)
