"""Situation: what the harness knows when it judges a decision, whatever the mail or the model says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from daemon.house import House, Records
from daemon.judgement.authenticity import Verdict, authenticity
from daemon.judgement.autonomy import Facts
from daemon.judgement.caps import LONGEST, Sent
from daemon.judgement.decision import Decision, Forward
from daemon.judgement.message import Message
from daemon.judgement.policy import LEAVING, Handled, Situation, reply_address
from daemon.judgement.screening import File, Hold, screen
from daemon.judgement.states import ON_ITS_WAY
from daemon.judgement.walls import Ground
from daemon.steps.outward import ground
from knowledge import actions, people
from knowledge.actions import Departure
from knowledge.tables import Message as Row

DAY = 86_400.0  # seconds


def situation(
    house: House, row: Row, message: Message, decision: Decision, said_to_persons: Sequence[str]
) -> Situation:
    """Gather what a decision on a mail is judged by; of clerkd's own messages there is nothing to flag or move.

    ``said_to_persons`` is what stands in the letters to our own people besides.
    """
    return replace(
        in_hindsight(house, row, message),
        handled=Handled() if row.about_id else house.settings.handled(row.mailbox),
        ground=_ground(house, row, message, [*_written(decision), *said_to_persons]),
        sent=sent(house, row.case_id, _recipients(message)),
    )


def in_hindsight(records: Records, row: Row, message: Message) -> Situation:
    """Gather what does not depend on what would leave: what a replay is judged by, from which nothing does."""
    return Situation(
        now=records.clock(),
        autonomy=records.settings.autonomy.autonomy,
        facts=facts(records, row, message),
        own=records.settings.employee.own_addresses,
        addressees=records.settings.addressees,
        automated=_automated(records, message),
    )


def facts(records: Records, row: Row, message: Message) -> Facts:
    """Say what is known of the sender, and of the hour."""
    now, mailbox = records.clock(), records.settings.mailbox(row.mailbox)
    vouched = authenticity(message, mailbox.authserv_id if mailbox else "")
    person = people.get(records.db, row.person_id) if row.person_id else None
    known = (now - person.person.first_seen_at).total_seconds() / DAY if person else 0.0
    return Facts(known, vouched.verdict is Verdict.PASS, records.settings.hours.hours.are_on(now))


def sent(records: Records, case_id: int | None, recipients: tuple[str, ...]) -> Sent:
    """Say when mail left lately: in the case, and to any of these recipients."""
    left = actions.departures(records.db, LEAVING, ON_ITS_WAY, records.clock() - LONGEST)
    return Sent([each.left_at for each in left if each.case_id == case_id], _to(left, recipients))


def _to(left: list[Departure], recipients: tuple[str, ...]) -> list[datetime]:
    return [each.left_at for each in left if set(map(str.lower, each.recipients)) & set(map(str.lower, recipients))]


def _recipients(message: Message) -> tuple[str, ...]:
    address = reply_address(message)
    return (address.email,) if address else ()


def _automated(records: Records, message: Message) -> str:
    """Name the rule by which a machine wrote the mail; one that went by the rules once may not by newer ones."""
    match screen(message, records.settings.employee.own_addresses):
        case File(why=why) | Hold(reason=why):
            return why
        case _:
            return ""


def _written(decision: Decision) -> list[str]:
    return [*decision.answers, *(action.note for action in decision.actions if isinstance(action, Forward))]


def _ground(house: House, row: Row, message: Message, texts: Sequence[str]) -> Ground:
    """Say what these texts of ours may stand on."""
    engine = house.session.engine
    at_hand = "\n".join([message.subject, *map(str, message.senders), message.text, message.quote, message.signature])
    orders = [engine.orders, *(each.prompt for each in (*engine.specialists, *engine.outlasting) if not each.to)]
    return replace(ground(house, row, message, at_hand, texts, orders), secrets=engine.secrets())
