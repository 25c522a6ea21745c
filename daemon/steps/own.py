"""clerkd's own messages to the employee, each about a mail: none has a place in any mailbox."""

from datetime import datetime

from daemon.judgement.states import MessageState
from knowledge.tables import Message

# No folders of any mailbox: with the number of promise or handoff they make a message's place.
PROMISES, HANDOFFS, WAITING = "(promises)", "(handoffs)", "(waiting)"
SENDER = "clerkd"


def own_message(mail: Message, place: tuple[str, int], subject: str, words: str, now: datetime) -> Message:
    """Make a message about a mail, in its case; its bytes are that mail's."""
    folder, number = place
    return Message(
        mailbox=mail.mailbox,
        folder=folder,
        uidvalidity=0,
        uid=number,
        sha256=mail.sha256,
        size=mail.size,
        whole=mail.whole,
        message_id=mail.message_id,
        subject=subject,
        sender_name=SENDER,
        person_id=mail.person_id,
        case_id=mail.case_id,
        about_id=mail.about_id or mail.id,
        words=words,
        received_at=now,
        state=MessageState.RECEIVED,
        updated_at=now,
    )
