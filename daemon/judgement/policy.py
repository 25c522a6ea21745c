"""From a decision to planned actions: what is allowed, asked about or refused, and by which rule.

The model never says to whom anything goes: the harness derives it from the mail at hand, or from the config.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from daemon.judgement.amounts import largest
from daemon.judgement.autonomy import ORDER as MODES
from daemon.judgement.autonomy import Autonomy, Effect, Facts, Mode, Ruling, ruling
from daemon.judgement.caps import Sent, reached
from daemon.judgement.decision import (
    Close,
    Decision,
    DraftReply,
    Escalate,
    Flag,
    Forward,
    Move,
    NoAction,
    ProposedAction,
    Reply,
)
from daemon.judgement.message import Address, Message
from daemon.judgement.walls import Breach, Ground, breaches, named


class Kind(StrEnum):
    """The kinds of action that this house can carry out. LETTER: a draft to a specialist who is a person."""

    DRAFT = "draft"
    LETTER = "letter"
    REPLY = "reply"
    FORWARD = "forward"
    MOVE = "move"
    FLAG = "flag"
    ESCALATE = "escalate"
    CLOSE = "close"


class Verdict(StrEnum):
    """What becomes of an action: it is done, it waits for a person's approval, or it is never done."""

    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Planned:
    """One action to come. ``rule`` is what allowed, delays or refused it, ``findings`` the walls that it ran into."""

    kind: Kind
    rule: str
    target: str = ""
    body: str = ""
    recipients: tuple[str, ...] = ()
    verdict: Verdict = Verdict.ALLOW
    findings: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class Handled:
    """What the configuration wants done with every handled mail; an empty word means nothing."""

    flag: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Situation:
    """What an action is judged by, besides the decision and the mail.

    ``addressees`` are those to whom mail may be forwarded, by the names that the model knows; ``automated`` is the rule
    by which the mail is a machine's; ``sent`` is what left lately.
    """

    now: datetime
    handled: Handled = field(default_factory=Handled)
    autonomy: Autonomy = field(default_factory=Autonomy)
    facts: Facts = field(default_factory=Facts)
    ground: Ground = field(default_factory=Ground)
    own: frozenset[str] = frozenset()
    addressees: Mapping[str, str] = field(default_factory=dict)
    sent: Sent = field(default_factory=Sent)
    automated: str = ""


SEEN_BY_A_PERSON = "\\Flagged"
HANDLED_FLAG, HANDLED_FOLDER = HANDLED = ("mailbox.handled_flag", "mailbox.handled_folder")
EDITED = "edited by"  # how the rule of a version begins that a person wrote
DRAFTS = (Kind.DRAFT, Kind.LETTER)
ANSWERS = (Kind.DRAFT, Kind.REPLY)
LEAVING = (Kind.REPLY, Kind.FORWARD)
ORDER = (Kind.REPLY, Kind.DRAFT, Kind.FORWARD, Kind.ESCALATE, Kind.FLAG, Kind.CLOSE, Kind.MOVE)
VERDICTS = {Mode.NEVER: Verdict.REFUSE, Mode.ASK: Verdict.ASK, Mode.DRAFT: Verdict.ALLOW, Mode.DO: Verdict.ALLOW}


def reply_address(message: Message) -> Address | None:
    """Derive to whom a reply goes: to From, if it names exactly one.

    Reply-To is how a forger diverts an answer, at the same mail provider too, so it is not followed. What that
    costs: an honest Reply-To must be seen by the person who sends the draft.
    """
    return message.sender


def plan(decision: Decision, message: Message, around: Situation) -> tuple[Planned, ...]:
    """Turn a decision into actions in the order in which they are carried out.

    Moving comes last, because it changes where the mail is found.
    """
    chosen = [planned for action in decision.actions for planned in _planned(action, decision, message, around)]
    kinds = {planned.kind for planned in chosen}
    if around.handled.flag:
        chosen.append(Planned(Kind.FLAG, HANDLED_FLAG, target=around.handled.flag))
    if around.handled.folder and Kind.MOVE not in kinds:
        chosen.append(Planned(Kind.MOVE, HANDLED_FOLDER, target=around.handled.folder))
    return tuple(sorted(chosen, key=lambda planned: ORDER.index(planned.kind)))


def _planned(action: ProposedAction, decision: Decision, message: Message, around: Situation) -> Iterator[Planned]:
    match action:
        case DraftReply(body=body):
            yield _answer(body, Mode.DRAFT, decision, message, around)
        case Reply(body=body):
            yield _answer(body, Mode.DO, decision, message, around)
        case Forward(to=name, note=note):
            yield _forward(name, note, decision, around)
        case Move(folder=folder):
            yield _within(Kind.MOVE, folder, _ruling(Effect.MOVE, decision, "", around))
        case Flag():
            yield _within(Kind.FLAG, SEEN_BY_A_PERSON, _ruling(Effect.FLAG, decision, "", around))
        case Close():
            yield _within(Kind.CLOSE, "", _ruling(Effect.CLOSE, decision, "", around))
        case Escalate(question=question):
            yield Planned(Kind.ESCALATE, "default: escalate", target=SEEN_BY_A_PERSON, body=question)
        case NoAction():
            pass


def _ruling(effect: Effect, decision: Decision, text: str, around: Situation) -> Ruling:
    """Say how far an action may go; at stake is the larger of what the model says and what stands in the text."""
    sums = [each for each in (decision.amount, largest(text)) if each is not None]
    return ruling(effect, decision, max(sums, default=None), around.facts, around.autonomy)


def _within(kind: Kind, target: str, found: Ruling) -> Planned:
    """Plan what stays in the house."""
    return Planned(kind, found.rule, target=target, verdict=VERDICTS[found.mode])


def _answer(body: str, wish: Mode, decision: Decision, message: Message, around: Situation) -> Planned:
    """Plan an answer to the sender, no further than the model wishes: what it would only draft never leaves alone."""
    address = reply_address(message)
    found = _ruling(Effect.REPLY, decision, body, around)
    mode = min(found.mode, wish, key=MODES.index)
    kind = Kind.DRAFT if mode is Mode.DRAFT else Kind.REPLY
    if objection := _unanswerable(address, around):
        return Planned(kind, objection, body=body, verdict=Verdict.REFUSE)
    recipients = (address.email,) if address else ()
    return _passed(Planned(kind, found.rule, body=body, recipients=recipients, verdict=VERDICTS[mode]), around)


def _unanswerable(address: Address | None, around: Situation) -> str:
    """Say why nobody is answered whatever the config says; empty where somebody may be."""
    if around.automated:
        return f"never to a machine: {around.automated}"
    if address is None:
        return "no single sender to reply to"
    return "never to ourselves" if address.email in around.own else ""


def _forward(name: str, note: str, decision: Decision, around: Situation) -> Planned:
    """Plan to send the mail on, with a note in the employee's words."""
    found = _ruling(Effect.FORWARD, decision, note, around)
    to = around.addressees.get(name)
    if to is None:
        return Planned(Kind.FORWARD, f"nobody called {name!r}", target=name, body=note, verdict=Verdict.REFUSE)
    planned = Planned(Kind.FORWARD, found.rule, target=name, body=note, recipients=(to,), verdict=VERDICTS[found.mode])
    return _passed(planned, around)


def _passed(planned: Planned, around: Situation) -> Planned:
    """Hold a text against the walls, and what would leave now against the caps: what fails waits for a person."""
    if planned.verdict is Verdict.REFUSE:
        return planned
    found = breaches(planned.body, around.ground)
    cap = reached(around.sent, around.now) if planned.kind in LEAVING and planned.verdict is Verdict.ALLOW else ""
    if not found and not cap:
        return planned
    rule = named(found) if found else cap
    return Planned(planned.kind, rule, planned.target, planned.body, planned.recipients, Verdict.ASK, found)
