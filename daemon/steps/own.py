"""Own: how a message of clerkd's own is made. It is about a mail, and a draft of its turn answers that."""

from datetime import datetime

from daemon.judgement.states import MessageState
from knowledge.tables import Message

SENDER = "clerkd"


def own_message(about: Message, folder: str, number: int, words: str, now: datetime) -> Message:
    """Make a message about a mail, or about what another one of ours is about, in its case.

    ``folder``, which no mailbox has, and ``number`` are its place.
    """
    return Message(
        mailbox=about.mailbox,
        folder=folder,
        uidvalidity=0,
        uid=number,
        sha256=about.sha256,
        size=about.size,
        whole=about.whole,
        message_id=about.message_id,
        subject=words,
        sender_name=SENDER,
        person_id=about.person_id,
        case_id=about.case_id,
        about_id=about.about_id or about.id,
        words=words,
        received_at=now,
        state=MessageState.RECEIVED,
        updated_at=now,
    )
