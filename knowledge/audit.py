"""The audit: hold the chain against the rows that it is about, and the log's entries against these.

See ``knowledge.chain`` for what a link is, and for what cannot be proven.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarResult, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from knowledge import chain
from knowledge.chain import ANSWERED, BEGINNING, DECIDED, DONE, WITHDRAWN
from knowledge.database import Database
from knowledge.seal import digest
from knowledge.tables import Action, Approval, Decision, Link, LogEntry

BATCH = 1_000


@dataclass(frozen=True)
class Finding:
    """What is wrong at a link, with a row that should have one, or with an entry of the log."""

    words: str


def verify(db: Database, sent: Sequence[str], known_head: str = "") -> Iterator[Finding]:
    """Go through the chain and yield what is wrong with it, the oldest first; then what is beside it.

    ``sent`` names the states of actions that went out. ``known_head`` is a hash that the chain must hold, from an older
    look at it: so a cut-off end is found.
    """
    previous, number, met = BEGINNING, 0, not known_head
    with db.read() as session:
        for link in _links(session):
            number += 1
            yield from _out_of_place(link, number, previous)
            yield from _changed(session, link)
            previous, number = link.hash, link.number
            met = met or link.hash == known_head
        yield from _unlinked(session, sent)
        yield from _unsealed(session)
        yield from _misplaced(session)
        yield from _unlisted(session)
    if not met:
        yield Finding(f"no link has the hash {known_head}: the chain's end was cut off, or it was written anew")


def erased(db: Database) -> int:
    """Count the links whose salt was erased: of what they are about, nothing can be told any more."""
    with db.read() as session:
        return int(session.exec(select(func.count()).where(Link.salt == "")).one())


def _links(session: Session) -> ScalarResult[Link]:
    return session.exec(select(Link).order_by(col(Link.number)).execution_options(yield_per=BATCH))


def _out_of_place(link: Link, number: int, previous: str) -> Iterator[Finding]:
    if link.number != number:
        yield Finding(f"link {number} is missing: the one after {number - 1} is {link.number}")
    elif link.previous != previous:
        yield Finding(f"link {link.number} ({_what(link)}) does not follow the one before it")
    if link.hash != chain.hash_of(link):
        yield Finding(f"link {link.number} ({_what(link)}) was changed")


def _changed(session: Session, link: Link) -> Iterator[Finding]:
    """Hold a link against the row that it is about; where its salt was erased, so must be what it could tell."""
    row = _row(session, link)
    if row is None:
        yield Finding(f"{_what(link)}: its row was deleted")
    elif not link.salt:
        if _tells(session, row):
            yield Finding(f"{_what(link)}: its salt is gone, but not its content, so that may be another by now")
    elif chain.digest_of(link.salt, chain.content_of(session, link.kind, row)) != link.digest:
        yield Finding(f"{_what(link)}: its row was changed")


def _row(session: Session, link: Link) -> Decision | Action | Approval | None:
    if link.kind == DONE:
        return session.get(Action, link.subject)
    if link.kind == ANSWERED:
        return session.get(Approval, link.subject)
    return session.get(Decision, link.subject)


def _tells(session: Session, row: Decision | Action | Approval) -> bool:
    """Say whether a row has words in it."""
    match row:
        case Decision():
            written = select(func.count()).where(Action.decision_id == row.id, func.length(Action.content) > 0)
            return bool(row.summary or row.reason or session.exec(written).one())
        case Action():
            return bool(row.content)
        case Approval():
            return bool(row.why)


def _unlinked(session: Session, sent: Sequence[str]) -> Iterator[Finding]:
    """Find what the chain does not know though it had begun; of approvals it has known all."""
    number, began = session.exec(select(func.min(Link.number), func.min(Link.linked_at))).one()
    if number is None:
        yield from _without_a_chain(session)
        return
    first = select(func.min(Link.subject)).where(Link.kind == DECIDED).scalar_subquery()
    since = or_(col(Decision.id) >= first, col(Decision.decided_at) >= began)
    yield from _each(session, _missing(Decision, DECIDED).where(since), "decision {} is not in the chain")
    taken = _missing(Decision, WITHDRAWN).where(since, col(Decision.withdrawn_at).is_not(None))
    yield from _each(session, taken, "decision {}: it was withdrawn, but the chain does not say so")
    yield from _each(session, _missing(Approval, ANSWERED), "approval {} is not in the chain")
    left = _missing(Action, DONE).where(col(Action.state).in_(sent), col(Action.created_at) >= began)
    yield from _each(session, left, "action {}: it went out, but the chain does not say so")


def _without_a_chain(session: Session) -> Iterator[Finding]:
    count = session.exec(select(func.count(col(Decision.id)))).one()
    if count:
        yield Finding(
            f"the chain has no link, and the log {count} decision(s): it was deleted, or brought by an update "
            "since which nothing was decided"
        )


def _unsealed(session: Session) -> Iterator[Finding]:
    """Find actions whose bytes, recipients or place are not what was decided, or that hang on another mail."""
    blank = set(session.exec(select(Link.subject).where(Link.kind == DECIDED, Link.salt == "")))
    rows = session.exec(
        select(Action, Decision.message_id)
        .outerjoin(Decision, col(Decision.id) == col(Action.decision_id))
        .order_by(col(Action.id))
        .execution_options(yield_per=BATCH)
    )
    for action, decided_on in rows:
        is_erased = not action.content and action.decision_id in blank
        if not is_erased and digest(action.content, action.recipients, action.kind, action.target) != action.digest:
            yield Finding(f"action {action.id}: its content is not what was decided")
        if decided_on is not None and decided_on != action.message_id:
            yield Finding(f"action {action.id}: it was put to another message")


def _misplaced(session: Session) -> Iterator[Finding]:
    """Find entries of the log that show a decision with another message or time, or that stand in another order."""
    other = or_(
        col(LogEntry.message_id) != col(Decision.message_id), col(LogEntry.concluded_at) != col(Decision.decided_at)
    )
    shown = select(LogEntry.number).join(Decision, col(Decision.id) == col(LogEntry.decision_id)).where(other)
    yield from _each(session, shown.order_by(col(LogEntry.number)), "entry {} of the log shows another decision")
    before = func.lag(col(LogEntry.reached_at)).over(order_by=col(LogEntry.number)).label("before")
    row = select(col(LogEntry.number), col(LogEntry.reached_at), before).subquery()
    moved = select(row.c.number).where(row.c.before > row.c.reached_at)
    yield from _each(session, moved.order_by(row.c.number), "entry {} of the log stands in another place")


def _unlisted(session: Session) -> Iterator[Finding]:
    """Find decisions that stand and that the log would not show."""
    listed = select(LogEntry.decision_id).where(LogEntry.decision_id == Decision.id, col(LogEntry.closed_at).is_(None))
    hidden = select(Decision.id).where(col(Decision.withdrawn_at).is_(None), ~listed.exists())
    yield from _each(session, hidden.order_by(col(Decision.id)), "decision {} is not among the log's entries")


def _missing(table: type[Decision | Approval | Action], kind: str) -> SelectOfScalar[Any]:
    linked = select(Link.subject).where(Link.kind == kind)
    return select(table.id).where(col(table.id).not_in(linked)).order_by(col(table.id))


def _each(session: Session, numbers: SelectOfScalar[Any], words: str) -> Iterator[Finding]:
    for number in session.exec(numbers):
        yield Finding(words.format(number))


def _what(link: Link) -> str:
    name = {DONE: "action", ANSWERED: "approval"}.get(link.kind, "decision")
    return f"{name} {link.subject}"
