"""Screen: a mail is read where it can do no harm, put into its case, and filed or held where a rule says so."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from daemon.errors import PermanentError, TransientError
from daemon.house import READER, House
from daemon.judgement.answers import answered, letter_ids, why_of
from daemon.judgement.authenticity import authenticity
from daemon.judgement.bounces import bounce_of
from daemon.judgement.casework import CaseEvent, moves
from daemon.judgement.message import Address, Message
from daemon.judgement.people import organisation_of
from daemon.judgement.screening import Answer, AutomatedKind, File, Hold, Screening, Work
from daemon.judgement.screening import screen as by_rules
from daemon.judgement.states import Event, MessageState
from daemon.judgement.subject import bare_subject
from daemon.judgement.threads import Candidate, Clue, Joined, Opened, clues, place
from daemon.judgement.words import language_of
from daemon.mail.reader import Reader
from daemon.steps.answer import ended_by, letter_named
from daemon.steps.aside import put_by
from daemon.steps.moves import move
from daemon.steps.record import answered as conclusion
from daemon.steps.record import attention, filed
from knowledge import actions, cases, ledger, screenings, turns
from knowledge.cases import Placing, Relative, Trace
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.people import Acquaintance
from knowledge.raw import header_of
from knowledge.screenings import Found, Screened
from knowledge.tables import Feedback
from knowledge.tables import Message as Row

BOUNCED = "bounced"
NOBODY = Acquaintance("")  # a forged sender is a stranger: nothing is learnt of whom it names, nor told
Judged = tuple[Screening, Placing, list[Feedback]]


@dataclass(frozen=True)
class Read:
    """A mail as it was read; ``obstacle`` says why not all of it, and ``message`` is None where not even its header."""

    raw: bytes
    message: Message | None
    obstacle: str = ""


@dataclass(frozen=True)
class Around:
    """What the screening knows besides the mail: the knowledge database, and what the config says of the mailbox.

    ``persons`` are the addresses of specialists who are persons, by their names.
    """

    db: Database
    own_addresses: frozenset[str]
    authserv_id: str
    largest: int
    now: datetime
    persons: Mapping[str, str] = field(default_factory=dict)


async def screen(house: House, row: Row) -> bool:
    """Read a message that was received, and write what was found and what follows; False where nothing can be read.

    clerkd's own messages need no screening: no word of them came from outside.
    """
    if row.about_id:
        if not put_by(house, row):
            turns.step(house.db, row.id or 0, move(MessageState.RECEIVED, Event.SCREEN), [], house.clock())
        return True
    mailbox = house.settings.mailbox(row.mailbox)
    around = Around(
        db=house.db,
        own_addresses=house.settings.employee.own_addresses,
        authserv_id=mailbox.authserv_id if mailbox else "",
        largest=mailbox.largest_mail if mailbox else row.size,
        now=house.clock(),
        persons={name: each.to for name, each in house.persons.items()},
    )
    raw = ledger.raw_mail(house.db, row)
    missing = unfetched(row.size, around.largest, whole=row.whole)
    try:
        read = await asyncio.to_thread(read_mail, house.reader, raw, missing)
    except TransientError as error:
        house.health.pause(READER, error.kind, str(error))
        return False
    house.health.well(READER)
    await asyncio.to_thread(_conclude, house, around, row, read)
    return True


def _conclude(house: House, around: Around, row: Row, read: Read) -> None:
    what, judged = found(around, read.message), judge(around, row, read)
    try:
        _write(house, row, what, judged)
    except FenceError:
        if not isinstance(judged[0], Answer):
            raise
        _write(house, row, what, judge(around, row, read))  # its handoff has just ended, by a person's order perhaps


def read_mail(reader: Reader, raw: bytes, missing: str = "") -> Read:
    """Read a mail in the worker; where that fails, at least its header."""
    try:
        return Read(raw, reader.read(raw), missing)
    except PermanentError as error:
        obstacle = str(error)
    try:
        return Read(raw, reader.read(header_of(raw)), obstacle)
    except PermanentError:
        return Read(raw, None, obstacle)


def unfetched(size: int, largest: int, *, whole: bool) -> str:
    """Say why only a mail's header was fetched; nothing where it is whole."""
    if whole:
        return ""
    if size <= largest:
        return "the server did not hand it out"
    return f"it has {size} bytes, more than mailbox.largest_mail: only its header was fetched"


def judge(around: Around, row: Row, read: Read) -> Judged:
    """Say what is to be done with a mail, to which case it belongs, and what it tells of earlier actions."""
    message = read.message
    if message is None or read.obstacle:
        return Hold(read.obstacle), _placing(around, row, message), []
    screening = by_rules(message, around.own_addresses)
    answer = _answered(around, row, message, screening)
    if answer and isinstance(answer[0], Answer) and not answer[0].late:
        return answer  # also where it is a copy: the first one may have shown less, or be somebody else's
    if told := _copied(around, row, read.raw, message) or _bounced(around, message, screening):
        return told
    return answer or (screening, _placing(around, row, message), [])


def _answered(around: Around, row: Row, message: Message, screening: Screening) -> Judged | None:
    """Judge a mail that names a letter of ours to a specialist; None where it names none."""
    named = letter_named(around.db, around.persons, message)
    if named is None:
        return None
    letter, case_id = named
    judged = answered(message, screening, letter, authenticity(message, around.authserv_id))
    if isinstance(judged, Answer):
        return judged, Placing(case_id, "", "", why_of(judged)), []
    return judged, _placing(around, row, message), []


def _copied(around: Around, row: Row, raw: bytes, message: Message) -> Judged | None:
    """File a copy of a message that the ledger has already, beside the first one."""
    sender = message.sender.email if message.sender else ""
    first = ledger.copy_of(around.db, row, raw, message.message_id or row.message_id, sender)
    if first is None:
        return None
    why = f"it is a copy of message {first.id}"
    return File("duplicate", why, AutomatedKind.DUPLICATE), Placing(first.case_id, "", "", why), []


def _bounced(around: Around, message: Message, screening: Screening) -> Judged | None:
    """Tie a bounce to the mail of ours that it is about; where that is final, a person must know."""
    bounce = bounce_of(message) if isinstance(screening, File) and screening.kind is AutomatedKind.BOUNCE else None
    action = actions.of_own_ids(around.db, bounce.original_ids) if bounce else None
    if bounce is None or action is None:
        return None
    about = ledger.get(around.db, action.message_id)
    why = f"our mail of message {action.message_id} {bounce.words}"
    filing = File("bounce", why, AutomatedKind.BOUNCE, for_a_person=bounce.is_final)
    told = f"it is a machine's word on our mail of message {action.message_id}"
    placing = Placing(about.case_id if about else None, bare_subject(message.subject), "", told)
    return filing, placing, [Feedback(action_id=action.id or 0, kind=BOUNCED, detail=bounce.words, noted_at=around.now)]


def _placing(around: Around, row: Row, message: Message | None) -> Placing:
    """Find the case to which the mail belongs."""
    if message is None:
        return Placing(None, "", "", "it could not be read")
    traces = clues(message)
    sender = message.sender.email if message.sender else ""
    trace = Trace(letter_ids(traces.ids), traces.conversation, traces.subject, sender)
    candidates = [_candidate(relative) for relative in cases.relatives(around.db, trace, row.id or 0)]
    if authenticity(message, around.authserv_id).is_strangers:
        # A forged From is a stranger's: only what nobody can guess leads to the case, and to what is said in it.
        candidates = [candidate for candidate in candidates if candidate.by is Clue.OWN_ID]
    match place(message, traces, candidates, around.now):
        case Joined(case=case, why=why):
            return Placing(case, "", "", why)
        case Opened(why=why):
            return Placing(None, bare_subject(message.subject), traces.subject, why)


def _candidate(relative: Relative) -> Candidate:
    return Candidate(relative.case, Clue(relative.by), relative.subject, relative.people, relative.last_at)


def found(around: Around, message: Message | None) -> Found:
    """Give what the ledger keeps of what was read."""
    if message is None:
        return Found()
    sender, vouched = message.sender, authenticity(message, around.authserv_id)
    everybody = (*message.senders, *message.recipients, *message.copied)
    others = dict.fromkeys(address.email for address in everybody)
    return Found(
        message_id=message.message_id,
        subject=message.subject,
        sender_address=sender.email if sender else "",
        sender_name=sender.name if sender else "",
        correspondents=tuple(email for email in others if email not in around.own_addresses),
        conversation=clues(message).conversation,
        authenticity=vouched.line(),
        removed=message.removed,
        sender=_acquaintance(message, sender) if sender and not vouched.is_strangers else NOBODY,
    )


def _acquaintance(message: Message, sender: Address) -> Acquaintance:
    return Acquaintance(sender.email, sender.name, organisation_of(sender), language_of(message.text))


def _write(house: House, row: Row, what: Found, judged: Judged) -> None:
    """Write what was found and what follows from it in one transaction, and tell it in one event."""
    screening, placing, feedback = judged
    screened = _screened(house, row, what, screening, placing)
    case_id = screenings.write(house.db, row, replace(screened, feedback=feedback), house.clock())
    match screening:
        case Work():
            house.log.info("message_screened", message=row.id, case=case_id)
        case Hold(reason=reason):
            house.log.warning("message_held", message=row.id, case=case_id, reason=reason)
        case File(rule=rule, for_a_person=for_a_person):
            house.log.info("message_filed", message=row.id, case=case_id, rule=rule, for_a_person=for_a_person)
        case Answer(handoff=handoff, late=late):
            house.log.info("handoff_answered", message=row.id, case=case_id, handoff=handoff, late=late)


def _screened(house: House, row: Row, what: Found, screening: Screening, placing: Placing) -> Screened:
    now = house.clock()
    match screening:
        case Work():
            return Screened(what, placing, move(MessageState.RECEIVED, Event.SCREEN), case_moves=moves(CaseEvent.MAIL))
        case Hold(reason=reason):
            step, flag = move(MessageState.RECEIVED, Event.HOLD, reason), attention(row, "held", now)
            return Screened(what, placing, step, actions=[flag], case_moves=moves(CaseEvent.OURS))
        case File() as filing:
            concluded = filed(house.settings.handled(row.mailbox), row, filing, now)
            return Screened(what, placing, move(MessageState.RECEIVED, Event.FILE), concluded)
        case Answer() as answer:
            concluded = conclusion(house.settings.handled(row.mailbox), row, answer, now)
            step, moved = move(MessageState.RECEIVED, Event.FILE), moves(CaseEvent.MAIL)
            ended = ended_by(house.db, answer, now)
            return Screened(what, placing, step, concluded, case_moves=moved, ending=ended)
