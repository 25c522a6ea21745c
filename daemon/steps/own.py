"""clerkd's own messages to the employee: a promise or a handoff that comes up, and the report of a specialist."""

from datetime import datetime

from daemon.judgement.handoffs import LONGEST_REPORT, OUTSTANDING, HandoffState
from daemon.judgement.reporting import report_subject
from daemon.judgement.states import MessageState
from knowledge.handoffs import Ending
from knowledge.tables import Handoff, Message

# No folders of any mailbox: with the number of promise or handoff they make the message's place.
PROMISES, REPORTS, WAITING = "(promises)", "(reports)", "(handoffs)"
SENDER = "clerkd"


def own_message(made_in: Message, place: tuple[str, int], subject: str, words: str, now: datetime) -> Message:
    """Make a message about another one, in its case; its mail is that one's."""
    folder, number = place
    return Message(
        mailbox=made_in.mailbox,
        folder=folder,
        uidvalidity=0,
        uid=number,
        sha256=made_in.sha256,
        size=made_in.size,
        whole=made_in.whole,
        message_id=made_in.message_id,
        subject=subject,
        sender_name=SENDER,
        person_id=made_in.person_id,
        case_id=made_in.case_id,
        about_id=made_in.about_id or made_in.id,
        words=words,
        received_at=now,
        state=MessageState.RECEIVED,
        updated_at=now,
    )


def ending(row: Handoff, handed: Message, state: HandoffState, report: str, now: datetime) -> Ending:
    """End a handoff of that message with a report, which comes in as a message."""
    words, subject = report[:LONGEST_REPORT], report_subject(row.specialist, row.id or 0)
    message = own_message(handed, (REPORTS, row.id or 0), subject, words, now)
    return Ending(row.id or 0, OUTSTANDING, state, words, message)
