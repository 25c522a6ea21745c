"""Notify: the supervisor gets a digest each day, and at once what facts make urgent; each is sent at most once.

A mail that was cut off while it left is not sent again: nobody knows whether it did, and the next digest says so.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from functools import cached_property
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from daemon.errors import DeferredError, PermanentError, TransientError, UncertainError
from daemon.house import POST, House
from daemon.judgement.authenticity import VOUCHED
from daemon.judgement.casework import Promiser, PromiseState
from daemon.judgement.daybook import Book, Item, alarm, headline, is_due, text
from daemon.judgement.money import windows
from daemon.judgement.policy import Kind
from daemon.judgement.states import NEEDS_A_PERSON, ActionState, MessageState
from daemon.judgement.urgency import Escalated, reasons
from daemon.mail.compose import content, head, mailbox, own_message_id, short, words
from daemon.settings.digest import DigestSettings
from daemon.steps.rest import rests
from daemon.steps.send import DEFERRED_SECONDS, MOST_TRIES
from knowledge import approvals, issues, ledger, notices, numbers, promises, service, turns
from knowledge.errors import TakenOverError
from knowledge.tables import Message, Notice, SharedIssue

DAY, LONGEST_DAY, DAYS_BEFORE = timedelta(days=1), timedelta(hours=36), 7
ANY = (ActionState.PLANNED, ActionState.SENDING, ActionState.SENT, ActionState.HELD)
OPEN = tuple(state for state in NEEDS_A_PERSON if state != MessageState.WAITING)
NOBODY_KNOWS = "it was cut off while it was handed over: nobody knows whether it arrived"
LONGEST_LINE = 160
MOST_ISSUES = 200


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
        await asyncio.to_thread(_write, house, wanted)  # a week's rows are read for it: the loop goes on meanwhile
    return await _send(house)


def _write(house: House, wanted: DigestSettings) -> None:
    """Write what is due; a mistake of our own costs a mail to the supervisor, and never the service."""
    for write in (_write_digest, _write_urgent):
        try:
            write(house, wanted)
        except (SQLAlchemyError, OSError, TakenOverError):
            raise
        except Exception as error:
            house.log.exception("stumbled", exc_info=error, over="what the supervisor is told")


def _write_digest(house: House, wanted: DigestSettings) -> None:
    """Write the digest of the day, from the last one on that was sent."""
    newest, now = notices.last(house.db, NoticeKind.DIGEST, ANY), house.clock()
    zone = house.settings.hours.hours.zone
    day = is_due(wanted.time, zone, date.fromisoformat(newest.about) if newest else None, now)
    if day is None:
        return
    sent = notices.last(house.db, NoticeKind.DIGEST, [ActionState.SENT])
    since = sent.created_at if sent else now - DAY
    received, through = notices.came_in(house.db, sent.through if sent else None, since)
    book, name = _book(house, since, now, received), house.author.name
    body = text(book, name, house.settings.web.address, zone)
    _plan(house, wanted.to, NoticeKind.DIGEST, day.isoformat(), headline(name, book), body, through)


def _write_urgent(house: House, wanted: DigestSettings) -> None:
    """Tell of what a person was asked about and has not answered; those for whom somebody vouches come first."""
    now, zone = house.clock(), house.settings.hours.hours.zone
    left = wanted.most_urgent - notices.count_since(house.db, NoticeKind.URGENT, now - DAY)
    known = notices.told(house.db, NoticeKind.URGENT)
    rows = [row for row in notices.asked_about(house.db, Kind.ESCALATE, NEEDS_A_PERSON) if str(row.id) not in known]
    if left <= 0 or not rows:
        return
    senders, today = Senders(house), now.astimezone(zone).date()
    for row in sorted(rows, key=lambda row: not row.authenticity.startswith(VOUCHED)):
        mail = _escalated(house, row, senders)
        why = reasons(mail, wanted.alarms, today)
        about = _about(row, mail, wanted, today)
        if not why or about in known or left <= 0:
            continue
        left -= 1
        known.add(about)
        what = _line(f"message {row.id}, from {row.sender_address}: {row.subject or '(none)'}")
        body = alarm(what, why, house.settings.web.address, f"/log/{row.id}", left)
        _plan(house, wanted.to, NoticeKind.URGENT, about, f"{house.author.name}: urgent: {short(row.subject)}", body)


def _about(row: Message, mail: Escalated, wanted: DigestSettings, today: date) -> str:
    """Name what it is about: of an issue that many share, and nothing else, one mail is told."""
    alone = replace(mail, issues=())
    shared = [name for name, count in mail.issues if count >= wanted.issue_senders]
    return str(row.id) if reasons(alone, wanted.alarms, today) or not shared else f"issue: {shared[0]}"


class Senders:
    """How many senders have each issue; counted once, and only where it is asked for."""

    def __init__(self, house: House) -> None:
        """Nothing is counted yet."""
        self._house = house

    @cached_property
    def _counts(self) -> dict[int | None, int]:
        return {item.issue.id: item.senders for item in issues.find(self._house.db, MOST_ISSUES)}

    def of(self, issue: SharedIssue) -> int:
        """Give the number for one."""
        return self._counts.get(issue.id, 0)


def _escalated(house: House, row: Message, senders: Senders) -> Escalated:
    case = row.case_id or 0
    ours = [each.due for each in promises.of_case(house.db, case, [PromiseState.OPEN]) if each.by == Promiser.US]
    shared = [(issue.name or issue.proposed, senders.of(issue)) for issue in issues.of_case(house.db, case)]
    return Escalated(row.sender_address, row.authenticity.startswith(VOUCHED), min(ours, default=None), shared)


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
    if house.health.is_paused(POST) or rests(house.db, house.clock):
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
    except DeferredError as error:
        _later(house, sending, str(error))
    except TransientError as error:  # nothing has left, however long it lasts
        house.health.pause(POST, error.kind, str(error))
        notices.change(house.db, sending, ActionState.PLANNED, house.clock(), reason=str(error), tries=notice.tries)
    except Exception as error:
        house.log.exception("stumbled", exc_info=error, over=f"{notice.kind} {notice.about}")
        _end(house, sending, ActionState.HELD, f"clerkd stumbled over it ({type(error).__name__}); please report this")
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
    due = house.clock() + timedelta(seconds=DEFERRED_SECONDS * 2**notice.tries)
    notices.change(house.db, notice, ActionState.PLANNED, house.clock(), reason=why, due=due)


def _end(house: House, notice: Notice, state: ActionState, reason: str) -> None:
    notices.change(house.db, notice, state, house.clock(), reason=reason)
    level = house.log.warning if state is ActionState.HELD else house.log.info
    level(f"notice_{state}", kind=notice.kind, about=notice.about, reason=reason)


def _book(house: House, since: datetime, until: datetime, received: int) -> Book:
    """Gather what was done between two times; and where that is a day, the numbers of the days before."""
    db = house.db
    days = [until - back * DAY for back in range(DAYS_BEFORE + 2)] if until - since < LONGEST_DAY else []
    first = min([since, *days])
    came, decided = numbers.received(db, first), numbers.decided(db, first)
    spent = [turns.spent_since(db, day) for day in days]
    known = [day for day in days[1:-1] if any(at < day for at in came)]
    return Book(
        since=since,
        until=until,
        received=received,
        categories=Counter(row.category for row in decided if since <= row.at < until),
        done=notices.done(db, ActionState.SENT, since, until),
        waiting=[_waits(item) for item in approvals.waiting(db, ActionState.WAITING)],
        attention=[_needs(row) for row in ledger.in_states(db, OPEN)[::-1]],
        dollars=turns.spent_since(db, since),
        dollars_this_month=turns.spent_since(db, windows(until)[1]),
        received_before=[sum(day - DAY <= at < day for at in came) for day in known],
        dollars_before=[spent[back + 2] - spent[back + 1] for back in range(len(known))],
        walls=notices.walls(db, since, until),
        verdicts=notices.verdicts(db, since, until),
        troubles=_troubles(house, since),
    )


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
