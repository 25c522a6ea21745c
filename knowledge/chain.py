"""The chain: one link for each decision, approval, action that went out, and decision withdrawn; none ever changes.

A link holds a salted digest of what it is about, and the hash of the link before it. So a row that was edited, deleted
or put elsewhere is found, and content can still be erased: with the salt gone nothing can be told from the digest, and
the chain holds all the same. It cannot prove that nobody wrote all of it anew from some link on: against that, heads
are kept elsewhere (the journal has one every hour).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Action, Approval, Decision, Link, LogEntry

DECIDED, DONE, WITHDRAWN, ANSWERED = "decided", "done", "withdrawn", "answered"
BEGINNING = "0" * 64
BATCH = 1_000


@dataclass(frozen=True)
class Head:
    """Where the chain ends."""

    number: int
    hash: str


@dataclass(frozen=True)
class Finding:
    """What is wrong at a link, or with a decision or approval that has none."""

    words: str


def decided(session: Session, decision: Decision, now: datetime) -> None:
    """Link a decision with the actions that came of it; part of the transaction that writes them."""
    _append(session, DECIDED, decision.id or 0, _of_decision(session, decision), now)


def done(session: Session, action: Action, now: datetime) -> None:
    """Link an action that went out; part of the transaction that says so."""
    _append(session, DONE, action.id or 0, _of_action(action), now)


def answered(session: Session, approval: Approval, now: datetime) -> None:
    """Link a person's word on an action; part of the transaction that writes it down."""
    _append(session, ANSWERED, approval.id or 0, _of_approval(session, approval), now)


def withdrawn(session: Session, decision: Decision, now: datetime) -> None:
    """Link the end of a decision; part of the transaction that withdraws it."""
    _append(session, WITHDRAWN, decision.id or 0, {"decision": decision.id}, now)


def head(db: Database) -> Head | None:
    """Give the newest link's number and hash; None before the first."""
    with db.read() as session:
        return _head(session)


def verify(db: Database, known_head: str = "") -> Iterator[Finding]:
    """Go through the chain and yield what is wrong with it, the oldest first.

    ``known_head`` is a hash that it must hold, from an older look at it: so a cut-off end is found.
    """
    previous, number, met = BEGINNING, 0, not known_head
    with db.read() as session:
        statement = select(Link).order_by(col(Link.number)).execution_options(yield_per=BATCH)
        for link in session.exec(statement):
            number += 1
            yield from _out_of_place(link, number, previous)
            yield from _changed(session, link)
            previous, number = link.hash, link.number
            met = met or link.hash == known_head
        yield from _unlinked(session)
        yield from _unlisted(session)
    if not met:
        yield Finding(f"no link has the hash {known_head}: the chain's end was cut off, or it was written anew")


def _append(session: Session, kind: str, subject: int, content: dict[str, Any], now: datetime) -> None:
    session.flush()
    last, salt = _head(session), secrets.token_hex(16)
    link = Link(
        number=last.number + 1 if last else 1,
        kind=kind,
        subject=subject,
        salt=salt,
        digest=_digest(salt, content),
        previous=last.hash if last else BEGINNING,
        hash="",
        linked_at=now,
    )
    link.hash = _hash(link)
    session.add(link)
    session.flush()


def _head(session: Session) -> Head | None:
    last = session.exec(select(Link).order_by(col(Link.number).desc()).limit(1)).first()
    return Head(last.number, last.hash) if last else None


def _digest(salt: str, content: dict[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(f"{salt}\n{plain}".encode()).hexdigest()


def _hash(link: Link) -> str:
    parts = (link.number, link.kind, link.subject, link.linked_at.isoformat(), link.digest, link.previous)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _of_decision(session: Session, decision: Decision) -> dict[str, Any]:
    later = select(Approval.version).where(col(Approval.version).is_not(None))  # as a person wrote them
    of_it = (Action.decision_id == decision.id, col(Action.id).not_in(later))
    theirs = session.exec(select(Action).where(*of_it).order_by(col(Action.id)))
    return {**decision.model_dump(mode="json", exclude={"withdrawn_at"}), "actions": list(map(_of_action, theirs))}


def _of_action(action: Action) -> dict[str, Any]:
    names = {"id", "ordinal", "kind", "target", "digest", "recipients", "own_message_id", "rule"}
    return action.model_dump(mode="json", include=names)


def _of_approval(session: Session, approval: Approval) -> dict[str, Any]:
    version = session.get(Action, approval.version) if approval.version else None
    return {**approval.model_dump(mode="json"), "action": _of_action(version) if version else None}


def _out_of_place(link: Link, number: int, previous: str) -> Iterator[Finding]:
    if link.number != number:
        yield Finding(f"link {number} is missing: the one after {number - 1} is {link.number}")
    elif link.previous != previous:
        yield Finding(f"link {link.number} ({_what(link)}) does not follow the one before it")
    if link.hash != _hash(link):
        yield Finding(f"link {link.number} ({_what(link)}) was changed")


def _changed(session: Session, link: Link) -> Iterator[Finding]:
    """Hold a link against the row that it is about; where its salt was erased, the content was, too."""
    if not link.salt:
        return
    content = _content(session, link)
    if content is None:
        yield Finding(f"{_what(link)}: its row was deleted")
    elif _digest(link.salt, content) != link.digest:
        yield Finding(f"{_what(link)}: its row was changed")


def _content(session: Session, link: Link) -> dict[str, Any] | None:
    if link.kind == DONE:
        action = session.get(Action, link.subject)
        return _of_action(action) if action else None
    if link.kind == ANSWERED:
        approval = session.get(Approval, link.subject)
        return _of_approval(session, approval) if approval else None
    decision = session.get(Decision, link.subject)
    if decision is None:
        return None
    return _of_decision(session, decision) if link.kind == DECIDED else {"decision": decision.id}


def _unlinked(session: Session) -> Iterator[Finding]:
    """Find decisions that the chain does not know, though it had begun, and approvals: of these it has known all."""
    linked = select(Link.subject).where(Link.kind == DECIDED)
    first = select(func.min(Link.subject)).where(Link.kind == DECIDED).scalar_subquery()
    strange = select(Decision.id).where(col(Decision.id) >= first, col(Decision.id).not_in(linked))
    for number in session.exec(strange.order_by(col(Decision.id))):
        yield Finding(f"decision {number} is not in the chain")
    ended = select(Link.subject).where(Link.kind == WITHDRAWN)
    taken = (col(Decision.id) >= first, col(Decision.withdrawn_at).is_not(None), col(Decision.id).not_in(ended))
    for number in session.exec(select(Decision.id).where(*taken).order_by(col(Decision.id))):
        yield Finding(f"decision {number}: it was withdrawn, but the chain does not say so")
    said = select(Link.subject).where(Link.kind == ANSWERED)
    for number in session.exec(select(Approval.id).where(col(Approval.id).not_in(said)).order_by(col(Approval.id))):
        yield Finding(f"approval {number} is not in the chain")


def _unlisted(session: Session) -> Iterator[Finding]:
    """Find decisions that stand and that the log would not show."""
    listed = select(LogEntry.decision_id).where(LogEntry.decision_id == Decision.id, col(LogEntry.closed_at).is_(None))
    hidden = select(Decision.id).where(col(Decision.withdrawn_at).is_(None), ~listed.exists())
    for number in session.exec(hidden.order_by(col(Decision.id))):
        yield Finding(f"decision {number} is not among the log's entries")


def _what(link: Link) -> str:
    name = {DONE: "action", ANSWERED: "approval"}.get(link.kind, "decision")
    return f"{name} {link.subject}"
