"""Notify: the supervisor gets a digest each day, and at once what facts make urgent; each is sent at most once.

A mail that was cut off while it left is not sent again: nobody knows whether it did, and the next digest says so.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from uuid import uuid4

from daemon.errors import DeferredError, PermanentError, TransientError, UncertainError
from daemon.house import POST, House
from daemon.judgement.authenticity import VOUCHED
from daemon.judgement.casework import Promiser, PromiseState
from daemon.judgement.daybook import Book, Item, alarm, headline, is_due, text
from daemon.judgement.facts import FactKind
from daemon.judgement.money import windows
from daemon.judgement.states import NEEDS_A_PERSON, ActionState, MessageState
from daemon.judgement.urgency import Escalated, reasons
from daemon.mail.compose import content, head, mailbox, own_message_id, short, words
from daemon.settings.digest import DigestSettings
from knowledge import approvals, issues, ledger, notices, numbers, promises, service, turns
from knowledge.tables import Message, Notice

DAY, DAYS_BEFORE = timedelta(days=1), 7
NOBODY_KNOWS = "it was cut off while it was handed over: nobody knows whether it arrived"
DEFERRED_SECONDS, MOST_TRIES = 60.0, 20
LONGEST_LINE = 160


class NoticeKind(StrEnum):
    """What a mail to the supervisor is."""

    DIGEST = "digest"
    URGENT = "urgent"


async def notify(house: House) -> bool:
    """At a tick, write what is due; and send the next one. Say whether there was anything."""
    wanted = house.settings.digest
    if wanted is None:
        return False
    if house.notices.is_set():
        house.notices.clear()
        _write_digest(house, wanted)
        _write_urgent(house, wanted)
    return await _send(house)


def _write_digest(house: House, wanted: DigestSettings) -> None:
    last, now = notices.last(house.db, NoticeKind.DIGEST), house.clock()
    zone = house.settings.hours.hours.zone
    day = is_due(wanted.time, zone, date.fromisoformat(last.about) if last else None, now)
    if day is None:
        return
    since = max(last.created_at, now - DAYS_BEFORE * DAY) if last else now - DAY
    received, through = notices.came_in(house.db, last.through if last else 0)
    book, name = _book(house, since, now, received), house.author.name
    body = text(book, name, house.settings.web.address, zone)
    _plan(house, wanted.to, NoticeKind.DIGEST, day.isoformat(), headline(name, book), body, through)


def _write_urgent(house: House, wanted: DigestSettings) -> None:
    now = house.clock()
    left = wanted.most_urgent - notices.count_since(house.db, NoticeKind.URGENT, now - DAY)
    for row in notices.untold(house.db, NoticeKind.URGENT, MessageState.ESCALATED, now - DAY):
        if left <= 0:
            return
        why = reasons(_escalated(house, row), wanted.alarms, now.astimezone(house.settings.hours.hours.zone).date())
        if why:
            left -= 1
            what = _line(f"message {row.id}, from {row.sender_name} <{row.sender_address}>: {row.subject or '(none)'}")
            body = alarm(what, why, house.settings.web.address, f"/log/{row.id}", left)
            subject = f"{house.author.name}: urgent: {short(row.subject)}"
            _plan(house, wanted.to, NoticeKind.URGENT, str(row.id), subject, body)


def _escalated(house: House, row: Message) -> Escalated:
    case = row.case_id or 0
    ours = [each.due for each in promises.of_case(house.db, case, [PromiseState.OPEN]) if each.by == Promiser.US]
    shared = {item.issue.id: item.senders for item in issues.find(house.db, 200)}
    of_case = [(issue.name or issue.proposed, shared.get(issue.id, 0)) for issue in issues.of_case(house.db, case)]
    return Escalated(row.sender_address, row.authenticity.startswith(VOUCHED), min(ours, default=None), of_case)


def _plan(
    house: House, to: Sequence[str], kind: NoticeKind, about: str, subject: str, body: str, through: int = 0
) -> None:
    now, author = house.clock(), house.author
    fields = [
        ("From", mailbox(author.name, author.address)),
        ("To", ", ".join(to)),
        ("Subject", words("Subject", short(subject))),
        ("Date", format_datetime(now)),
        ("Message-ID", own_message_id(uuid4().hex, author.address)),
        ("Auto-Submitted", "auto-generated"),
    ]
    notice = Notice(
        kind=kind, about=about, content=head(fields) + content(body, ""), recipients=list(to), through=through,
        state=ActionState.PLANNED, created_at=now, updated_at=now,
    )  # fmt: skip
    if notices.plan(house.db, notice):
        house.log.info("notice_planned", kind=kind, about=about)


async def _send(house: House) -> bool:
    """Send the next one; one that was cut off by the end of an earlier service is held."""
    if house.health.is_paused(POST):
        return False
    notice = notices.next_due(house.db, [ActionState.PLANNED, ActionState.SENDING], house.clock())
    if notice is None:
        return False
    if notice.state == ActionState.SENDING:
        _end(house, notice, ActionState.HELD, NOBODY_KNOWS)
        return True
    sending = notices.change(house.db, notice, ActionState.SENDING, house.clock(), tries=notice.tries + 1)
    try:
        await asyncio.to_thread(_submit, house, sending)
    except UncertainError as error:
        _end(house, sending, ActionState.HELD, f"{NOBODY_KNOWS} ({error})")
    except PermanentError as error:
        _end(house, sending, ActionState.HELD, str(error))
    except (DeferredError, TransientError) as error:
        if isinstance(error, TransientError):
            house.health.pause(POST, error.kind, str(error))
        _later(house, sending, str(error))
    else:
        house.health.well(POST)
        _end(house, sending, ActionState.SENT, "")
    return True


def _submit(house: House, notice: Notice) -> None:
    if house.post is None:
        message = "the config has no [smtp] any more"
        raise PermanentError(message)
    house.post.submit(notice.recipients, notice.content)


def _later(house: House, notice: Notice, why: str) -> None:
    if notice.tries > MOST_TRIES:
        _end(house, notice, ActionState.HELD, why)
        return
    due = house.clock() + timedelta(seconds=DEFERRED_SECONDS)
    notices.change(house.db, notice, ActionState.PLANNED, house.clock(), reason=why, due=due)


def _end(house: House, notice: Notice, state: ActionState, reason: str) -> None:
    notices.change(house.db, notice, state, house.clock(), reason=reason)
    level = house.log.warning if state is ActionState.HELD else house.log.info
    level(f"notice_{state}", kind=notice.kind, about=notice.about, reason=reason)


def _book(house: House, since: datetime, until: datetime, received: int) -> Book:
    """Gather what was done between two times, and the numbers of the days before."""
    db = house.db
    rows = numbers.since(db, since - DAYS_BEFORE * DAY, FactKind.LESSON)
    spent = [(row.at, row.dollars) for row in rows.spent]
    waiting = approvals.waiting(db, ActionState.WAITING)
    return Book(
        since=since,
        until=until,
        received=received,
        categories=Counter(row.category for row in rows.decided if since <= row.at < until),
        done=notices.done(db, ActionState.SENT, since, until),
        waiting=[_waits(item) for item in waiting],
        attention=[_needs(row) for row in ledger.in_states(db, NEEDS_A_PERSON) if row.state != MessageState.WAITING],
        dollars=turns.spent_since(db, since),
        dollars_this_month=turns.spent_since(db, windows(until)[1]),
        received_before=_earlier([(at, 1) for at in rows.received], since, rows.received),
        dollars_before=_earlier(spent, since, [at for at, _ in spent]),
        walls=sum(bool(item.action.findings) for item in waiting),
        verdicts=notices.verdicts(db, since, until),
        troubles=_troubles(house, since),
    )


def _earlier(rows: Sequence[tuple[datetime, float]], since: datetime, known: Sequence[datetime]) -> list[float]:
    """Add up the days before, as far back as anything is known."""
    first = min(known, default=since)
    days = min(DAYS_BEFORE, -(-(since - first) // DAY)) if first < since else 0
    spans = [(since - (back + 1) * DAY, since - back * DAY) for back in range(days)]
    return [sum(count for at, count in rows if begin <= at < end) for begin, end in spans]


def _troubles(house: House, since: datetime) -> list[str]:
    paused = [f"{row.part} is paused: {row.reason}" for row in service.conditions(house.db) if row.paused]
    held = notices.in_state(house.db, ActionState.HELD, since)
    lost = [f"the {each.kind} of {each.about} may not have arrived: {each.reason}" for each in held]
    return [_line(each) for each in (*paused, *lost)]


def _waits(item: approvals.Item) -> Item:
    action, row = item.action, item.message
    to = ", ".join(action.recipients) or action.target or "-"
    return Item(_line(f"{action.kind} to {to}: {row.subject or '(none)'} ({action.rule})"), f"/waiting/{action.id}")


def _needs(row: Message) -> Item:
    why = f" ({row.reason})" if row.reason else ""
    return Item(_line(f"message {row.id}, {row.state}: {row.subject or '(none)'}{why}"), f"/log/{row.id}")


def _line(text: str) -> str:
    """Give words of somebody's as one line, without what cannot be seen."""
    plain = " ".join(text.split())
    seen = "".join(letter for letter in plain if letter.isprintable())
    return seen if len(seen) <= LONGEST_LINE else f"{seen[: LONGEST_LINE - 1]}\N{HORIZONTAL ELLIPSIS}"
