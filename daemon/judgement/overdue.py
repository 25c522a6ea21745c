"""What the employee is told of a handoff that nobody has answered in time."""

from datetime import datetime

from daemon.judgement.briefing import Known, around, handover, stamp

OVERDUE = "Handoff {} of message {}, to the specialist {} since {}, is not answered yet. Our letter {}."
STAYS = (
    "No mail is at hand. A draft would answer message {}. The handoff stays open. Decide with the tool `decide` what "
    "is to be done meanwhile: tell the sender, escalate, or wait."
)


def overdue_words(handoff: int, message: int, specialist: str, since: datetime, letter: str) -> str:
    """Say which handoff it is, and how far our letter came."""
    return OVERDUE.format(handoff, message, specialist, stamp(since), letter)


def overdue(words: str, about: int, known: Known) -> str:
    """Write the prompt of the message of clerkd's own that brings it up."""
    return "\n".join(
        [
            *handover(known),
            f"[message {known.message}] [case {known.case}] from clerkd itself, {stamp(known.received_at)}",
            words,
            *around(known),
            STAYS.format(about),
        ]
    )
