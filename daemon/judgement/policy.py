"""From a decision to planned actions: what is allowed, and to whom it goes. The model never says to whom."""

from dataclasses import dataclass
from enum import StrEnum

from daemon.judgement.decision import Decision, DraftReply, Escalate, Flag, Move, NoAction
from daemon.judgement.message import Address, Message


class Kind(StrEnum):
    """The kinds of action that this house can carry out. LETTER: a draft to a specialist who is a person."""

    DRAFT = "draft"
    LETTER = "letter"
    MOVE = "move"
    FLAG = "flag"
    ESCALATE = "escalate"


@dataclass(frozen=True)
class Planned:
    """One action to come. ``rule`` is what allowed it, or what refused it where ``allowed`` is false."""

    kind: Kind
    rule: str
    target: str = ""
    body: str = ""
    recipients: tuple[str, ...] = ()
    allowed: bool = True


@dataclass(frozen=True)
class Handled:
    """What the configuration wants done with every handled mail; an empty word means nothing."""

    flag: str = ""
    folder: str = ""


SEEN_BY_A_PERSON = "\\Flagged"
DRAFTS = (Kind.DRAFT, Kind.LETTER)
ORDER = (Kind.DRAFT, Kind.ESCALATE, Kind.FLAG, Kind.MOVE)


def reply_address(message: Message) -> Address | None:
    """Derive to whom a reply goes: to From, if it names exactly one.

    Reply-To is how a forger diverts an answer, at the same mail provider too, so it is not followed. What that
    costs: an honest Reply-To must be seen by the person who sends the draft.
    """
    return message.sender


def plan(decision: Decision, message: Message, handled: Handled) -> tuple[Planned, ...]:
    """Turn a decision into actions in the order in which they are carried out.

    Moving comes last, because it changes where the mail is found.
    """
    chosen = [planned for action in decision.actions if (planned := _planned(action, message))]
    kinds = {planned.kind for planned in chosen}
    if handled.flag:
        chosen.append(Planned(Kind.FLAG, "mailbox.handled_flag", target=handled.flag))
    if handled.folder and Kind.MOVE not in kinds:
        chosen.append(Planned(Kind.MOVE, "mailbox.handled_folder", target=handled.folder))
    return tuple(sorted(chosen, key=lambda planned: ORDER.index(planned.kind)))


def _planned(action: DraftReply | Move | Flag | Escalate | NoAction, message: Message) -> Planned | None:
    match action:
        case DraftReply(body=body):
            return _draft(body, message)
        case Move(folder=folder):
            return Planned(Kind.MOVE, "mailbox.folders", target=folder)
        case Flag():
            return Planned(Kind.FLAG, "default: flag", target=SEEN_BY_A_PERSON)
        case Escalate(question=question):
            return Planned(Kind.ESCALATE, "default: escalate", target=SEEN_BY_A_PERSON, body=question)
        case NoAction():
            return None


def _draft(body: str, message: Message) -> Planned:
    address = reply_address(message)
    if address is None:
        return Planned(Kind.DRAFT, "no single sender to reply to", body=body, allowed=False)
    return Planned(Kind.DRAFT, "default: draft", body=body, recipients=(address.email,))
