"""A mail's reading for a person's eyes, or for a report to somebody who must not read the mail."""

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.judgement.answers import ANSWER, why_of
from daemon.judgement.bounces import bounce_of
from daemon.judgement.briefing import letter
from daemon.judgement.message import Address, Attachment, Message
from daemon.judgement.screening import Answer, File, Hold, Screening, Work
from daemon.review.log import clean
from knowledge.cases import Placing
from knowledge.screenings import Found

Words = Callable[[str], str]
# Any other type of an attachment is a word of the sender's choice.
KNOWN_TYPES = frozenset(mimetypes.types_map.values())


@dataclass(frozen=True)
class Reading:
    """One mail as the service would read it, and what it would do with it."""

    name: str
    size: int
    message: Message | None
    screening: Screening
    placing: Placing
    found: Found


def plain(text: str) -> str:
    """Leave a text as it is."""
    return text


def record(reading: Reading, words: Words) -> dict[str, Any]:
    """Give a reading as plain data, for JSON; ``words`` redacts what the mail says."""
    message = reading.message
    return {
        "mail": reading.name if words is plain else "",
        "bytes": reading.size,
        **_verdict(reading.screening, words),
        "case": reading.placing.case,
        "placement": reading.placing.why,
        **(_contents(message, reading, words) if message else {}),
    }


def _verdict(screening: Screening, words: Words) -> dict[str, Any]:
    match screening:
        case Work():
            return {"verdict": "put to the model", "rule": "", "reason": ""}
        case Hold(reason=reason):
            return {"verdict": "held", "rule": "", "reason": reason}
        case File() as filing:
            reason = filing.why if words is plain else ""
            return {"verdict": "filed", "rule": filing.rule, "kind": str(filing.kind), "reason": reason}
        case Answer() as answer:
            return {"verdict": "taken as a report", "rule": ANSWER, "reason": why_of(answer)}


def _contents(message: Message, reading: Reading, words: Words) -> dict[str, Any]:
    bounce = bounce_of(message)
    return {
        "from": [_address(address, words) for address in message.senders],
        "to": [_address(address, words) for address in message.recipients],
        "cc": [_address(address, words) for address in message.copied],
        "subject": words(message.subject),
        "message_id": words(message.message_id),
        "date": message.sent_at.isoformat() if message.sent_at else None,
        "authenticity": _authenticity(message, reading, words),
        "text": words(message.text),
        "cut": message.cut,
        "quote": words(message.quote),
        "signature": words(message.signature),
        "removed": [_removed(what, words) for what in message.removed],
        "attachments": [_attachment(item, words) for item in message.attachments],
        "bounce": words(bounce.words) if bounce else None,
        "model_reads": words(letter(message, with_quote=reading.placing.case is None)),
    }


def _authenticity(message: Message, reading: Reading, words: Words) -> str:
    """Redact the domain alone: the verdict is ours."""
    line, domain = reading.found.authenticity, message.sender.domain if message.sender else ""
    return line.replace(domain, words(domain)) if domain else line


def _removed(what: str, words: Words) -> str:
    """Redact the sample, which stands in quotation marks: before it stands in our words what was removed."""
    ours, mark, sample = what.partition(': "')
    return f"{ours}{mark}{words(sample)}"


def _address(address: Address, words: Words) -> dict[str, str]:
    return {"name": words(address.name), "address": words(address.email)}


def _attachment(item: Attachment, words: Words) -> dict[str, Any]:
    return {
        "name": words(item.name),
        "type": item.media_type if item.media_type in KNOWN_TYPES else words(item.media_type),
        "bytes": item.size,
        "sha256": item.sha256 if words is plain else "",
        "inline": item.inline,
        "text": words(item.text),
        "note": item.note,
    }


def page(data: dict[str, Any]) -> RenderableType:
    """Lay out a reading's data."""
    parts: list[RenderableType] = [_head(data)]
    shown = {title: data[name] for name, title in TITLES.items() if data.get(name)}
    parts += [Panel(Text(clean(text)), title=title, title_align="left") for title, text in shown.items()]
    for item in data.get("attachments", []):
        title = escape(clean(f"{item['name']}: {item['type']}, {item['bytes']} bytes {item['sha256'][:16]}"))
        text = item["text"] or f"({item['note'] or 'its text is not taken'})"
        parts.append(Panel(Text(clean(text)), title=title, title_align="left"))
    return Group(*parts, "")


TITLES = {"model_reads": "what the model would read", "quote": "quoted, split off", "signature": "signature, split off"}


def _head(data: dict[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    rows = [
        ("Mail", f"{data['mail']} {data['bytes']} bytes".strip()),
        ("Verdict", ": ".join(filter(None, (data["verdict"], data["rule"], data["reason"])))),
        ("Case", f"{data['case'] or 'a new one'}: {data['placement']}"),
    ]
    if "from" in data:
        rows += [
            ("From", _people(data["from"])),
            ("To", _people([*data["to"], *data["cc"]])),
            ("Subject", data["subject"]),
            ("Authenticity", data["authenticity"]),
        ]
        rows += [("Removed", what) for what in data["removed"]]
        rows += [("Cut", "its text is longer than reading.longest_text")] if data["cut"] else []
        rows += [("Bounce", data["bounce"])] if data["bounce"] else []
    for name, value in rows:
        grid.add_row(f"[bold]{name}[/]", Text(clean(value)))
    return grid


def _people(people: list[dict[str, str]]) -> str:
    return ", ".join(f"{person['name']} <{person['address']}>".strip() for person in people) or "-"
