"""What waits for a person's word, for that person's eyes: the mail, the proposal, and why it waits."""

from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.judgement.message import Message
from daemon.mail.compose import body_of
from daemon.review.log import clean, content_of, when
from knowledge.approvals import Item

LONGEST_MAIL = 4_000  # characters of the mail that are shown at first
FINDING = "bold red"


@dataclass(frozen=True)
class Proposal:
    """An action that waits, with the mail that it answers as it was read."""

    item: Item
    message: Message | None
    signature: str

    @property
    def category(self) -> str:
        """What the mail was filed as; empty where nothing was decided."""
        return self.item.decision.category if self.item.decision else ""

    @property
    def body(self) -> str:
        """The text that a person may edit, without the signature."""
        return body_of(self.item.action.content, self.signature)


def table(items: list[Item]) -> Table:
    """Lay out what waits, one line each."""
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", expand=True)
    grid.add_column("ID", justify="right")
    grid.add_column("Since", min_width=16)
    grid.add_column("Kind")
    grid.add_column("To", ratio=2, no_wrap=True, overflow="ellipsis")
    grid.add_column("Subject", ratio=3, no_wrap=True, overflow="ellipsis")
    grid.add_column("Category")
    grid.add_column("Why it waits", ratio=2, no_wrap=True, overflow="ellipsis")
    for item in items:
        action, decision = item.action, item.decision
        grid.add_row(
            str(action.id),
            when(action.updated_at),
            action.kind,
            Text(clean(", ".join(action.recipients) or action.target or "-")),
            Text(clean(item.message.subject or "(none)")),
            Text(decision.category if decision else "-"),
            Text(clean(action.rule)),
        )
    return grid


def record(item: Item, signature: str) -> dict[str, Any]:
    """Give one as plain data, for JSON; ``digest`` is what an approval is bound to."""
    action, decision = item.action, item.decision
    return {
        "id": action.id,
        "message": action.message_id,
        "case": item.message.case_id,
        "kind": action.kind,
        "to": action.recipients,
        "target": action.target,
        "from": item.message.sender_address,
        "subject": item.message.subject,
        "category": decision.category if decision else None,
        "confidence": decision.confidence if decision else None,
        "why": decision.reason if decision else None,
        "rule": action.rule,
        "before": action.reason,
        "findings": action.findings,
        "body": body_of(action.content, signature) if action.recipients else "",
        "digest": action.digest,
        "since": action.updated_at.isoformat(),
    }


def page(proposal: Proposal) -> RenderableType:
    """Lay out one: the mail above, the proposal below, and why it waits between them."""
    item = proposal.item
    mail, action = item.message, item.action
    parts: list[RenderableType] = [
        Panel(Text(_mail(proposal)), title=f"message {mail.id}, case {mail.case_id or '-'}", title_align="left"),
        _reasons(proposal),
        Panel(Text(clean(content_of(action))), title=f"action {action.id}: {action.kind}", title_align="left"),
    ]
    return Group(*parts)


def _mail(proposal: Proposal) -> str:
    mail, read = proposal.item.message, proposal.message
    head = [
        f"From: {mail.sender_name} <{mail.sender_address}>",
        f"Subject: {mail.subject or '(none)'}",
        f"Received: {when(mail.received_at)}; {mail.authenticity or 'not authenticated'}",
        *(f"Removed: {what}" for what in mail.removed),
        *(f"Attachment: {each.name}" for each in (read.attachments if read else ())),
    ]
    text = read.text if read else "(it cannot be read)"
    cut = f"{text[:LONGEST_MAIL]}\n[...]" if len(text) > LONGEST_MAIL else text
    return clean("\n".join([*head, "", cut]))


def _reasons(proposal: Proposal) -> Table:
    decision, action = proposal.item.decision, proposal.item.action
    grid = Table.grid(padding=(0, 2))
    rows: list[tuple[str, str, str]] = []
    if decision:
        said = f"{decision.category}, {decision.priority}, confidence {decision.confidence:.2f}"
        rows += [("Decision", said, ""), ("Summary", decision.summary, ""), ("Reason", decision.reason, "")]
    rows.append(("Waits by", action.rule, ""))
    rows += [("Before", action.reason, FINDING)] if action.reason else []
    rows += [("Wall", finding, FINDING) for finding in action.findings]
    for name, value, style in rows:
        grid.add_row(f"[bold]{name}[/]", Text(clean(value), style=style))
    return grid
