"""The chain: one link for each decision, approval, action that went out, and decision withdrawn; none ever changes.

A link holds a salted digest of what it is about, and the hash of the link before it. So a row that was edited, deleted
or put elsewhere is found, and content can still be erased: with the salt gone nothing can be told from the digest, and
the chain holds all the same. It cannot prove that nobody wrote all of it anew from some link on: against that, heads
are kept elsewhere (the journal has one every hour).
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from knowledge.database import Database
from knowledge.tables import Action, Approval, Decision, Link

DECIDED, DONE, WITHDRAWN, ANSWERED = "decided", "done", "withdrawn", "answered"
BEGINNING = "0" * 64


@dataclass(frozen=True)
class Head:
    """Where the chain ends."""

    number: int
    hash: str


def decided(session: Session, decision: Decision, now: datetime) -> None:
    """Link a decision with the actions that came of it; part of the transaction that writes them."""
    _append(session, DECIDED, decision.id or 0, of_decision(session, decision), now)


def done(session: Session, action: Action, now: datetime) -> None:
    """Link an action that went out; part of the transaction that says so."""
    _append(session, DONE, action.id or 0, of_action(action), now)


def answered(session: Session, approval: Approval, now: datetime) -> None:
    """Link a person's word on an action; part of the transaction that writes it down."""
    _append(session, ANSWERED, approval.id or 0, of_approval(session, approval), now)


def withdrawn(session: Session, decision: Decision, now: datetime) -> None:
    """Link the end of a decision; part of the transaction that withdraws it."""
    _append(session, WITHDRAWN, decision.id or 0, {"decision": decision.id}, now)


def head(db: Database) -> Head | None:
    """Give the newest link's number and hash; None before the first."""
    with db.read() as session:
        return _head(session)


def _append(session: Session, kind: str, subject: int, content: dict[str, Any], now: datetime) -> None:
    session.flush()
    last, salt = _head(session), secrets.token_hex(16)
    link = Link(
        number=last.number + 1 if last else 1,
        kind=kind,
        subject=subject,
        salt=salt,
        digest=digest_of(salt, content),
        previous=last.hash if last else BEGINNING,
        hash="",
        linked_at=now,
    )
    link.hash = hash_of(link)
    session.add(link)
    session.flush()


def _head(session: Session) -> Head | None:
    last = session.exec(select(Link).order_by(col(Link.number).desc()).limit(1)).first()
    return Head(last.number, last.hash) if last else None


def digest_of(salt: str, content: dict[str, Any]) -> str:
    """Hash content with its salt."""
    plain = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(f"{salt}\n{plain}".encode()).hexdigest()


def hash_of(link: Link) -> str:
    """Hash a link with its place, and so all before it."""
    parts = (link.number, link.kind, link.subject, link.linked_at.isoformat(), link.digest, link.previous)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def of_decision(session: Session, decision: Decision) -> dict[str, Any]:
    """Give a decision with the actions that came of it."""
    later = select(Approval.version).where(col(Approval.version).is_not(None))  # as a person wrote them
    of_it = (Action.decision_id == decision.id, col(Action.id).not_in(later))
    theirs = session.exec(select(Action).where(*of_it).order_by(col(Action.id)))
    return {**decision.model_dump(mode="json", exclude={"withdrawn_at"}), "actions": list(map(of_action, theirs))}


def of_action(action: Action) -> dict[str, Any]:
    """Give what an action does; its bytes by their seal."""
    names = {"id", "ordinal", "kind", "target", "digest", "recipients", "own_message_id", "rule"}
    return action.model_dump(mode="json", include=names)


def of_approval(session: Session, approval: Approval) -> dict[str, Any]:
    """Give a person's word, with the version that it put in an action's place."""
    version = session.get(Action, approval.version) if approval.version else None
    return {**approval.model_dump(mode="json"), "action": of_action(version) if version else None}


def content_of(session: Session, kind: str, row: Decision | Action | Approval) -> dict[str, Any]:
    """Give what a link of this kind holds of a row."""
    match row:
        case Action():
            return of_action(row)
        case Approval():
            return of_approval(session, row)
        case Decision():
            return of_decision(session, row) if kind == DECIDED else {"decision": row.id}
