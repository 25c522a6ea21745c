"""Remember: what a settled turn leaves for later ones: the mail and our answer as passages, and the facts of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.agent.turn import Reply
from daemon.house import House
from daemon.judgement.facts import Author, Correct, Remember
from daemon.judgement.message import Message
from daemon.judgement.recall import passages_of
from daemon.judgement.words import terms
from daemon.steps.recall import language
from knowledge import facts
from knowledge.facts import Entry, Memory
from knowledge.tables import Fact, Passage
from knowledge.tables import Message as Row


@dataclass(frozen=True)
class Voice:
    """Who said something, when, about what, and in which language."""

    name: str
    said_at: datetime
    subject: str
    language: str
    ours: bool = False


@dataclass(frozen=True)
class Scene:
    """A mail with the two who speak, its sender and the employee; ``kinds`` are those of the facts that stand."""

    row: Row
    message: Message
    them: Voice
    us: Voice
    kinds: Mapping[int, str]
    now: datetime


def scene(house: House, row: Row, message: Message) -> Scene:
    """Set the scene of a turn."""
    now, tongue = house.clock(), language(house, row, message)
    them = Voice(row.sender_name or row.sender_address, row.received_at, message.subject, tongue)
    us = Voice(house.settings.employee.name, now, message.subject, tongue, ours=True)
    kinds = {fact.id or 0: fact.kind for fact in facts.of_person(house.db, row.person_id)} if row.person_id else {}
    return Scene(row, message, them, us, kinds, now)


def memory_of(at: Scene, reply: Reply, *, answered: bool) -> Memory:
    """Make the rows of what is remembered; nothing of a sender whom we do not know.

    Without ``answered``, what the employee wrote is for nobody, and nobody was told it.
    """
    if at.row.person_id is None or reply.decision is None:
        return Memory()
    answers = reply.decision.answers if answered else []
    said = "" if at.row.about_id else at.message.text
    return Memory(
        [*(_learnt(at, wanted) for wanted in reply.remembered), *_put_right(at, reply)],
        [wanted.fact for wanted in reply.corrected if not wanted.text],
        [*_passages(at, said, at.them), *_passages(at, "\n\n".join(answers), at.us)],
    )


def _passages(at: Scene, text: str, voice: Voice) -> Iterator[Passage]:
    for piece in passages_of(text):
        made = passage(piece, voice, at.now)
        made.person_id, made.message_id = at.row.person_id, at.row.id
        yield made


def passage(text: str, voice: Voice, now: datetime) -> Passage:
    """Make a passage of nobody's yet; its label tells what it is about, who said it, and on which day."""
    label = f"{voice.subject} {voice.name} {voice.said_at:%d %B %Y}"
    return Passage(
        ours=voice.ours,
        speaker=voice.name,
        said_at=voice.said_at,
        text=text,
        stems=" ".join(terms(text, voice.language)),
        label=" ".join(terms(label, voice.language)),
        recorded_at=now,
    )


def _learnt(at: Scene, wanted: Remember) -> Entry:
    return _entry(at, _fact(at, wanted, wanted.kind), wanted.fact if wanted.relation == "supersede" else None)


def _put_right(at: Scene, reply: Reply) -> Iterator[Entry]:
    for wanted in reply.corrected:
        if wanted.text:
            yield _entry(at, _fact(at, wanted, at.kinds.get(wanted.fact, "")), wanted.fact)


def _fact(at: Scene, wanted: Remember | Correct, kind: str) -> Fact:
    return Fact(
        person_id=at.row.person_id,
        kind=kind,
        text=wanted.text,
        quote=wanted.quote,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        author=Author.EMPLOYEE,
        message_id=at.row.id,
        recorded_at=at.now,
    )


def _entry(at: Scene, fact: Fact, replaces: int | None) -> Entry:
    made = passage(fact.text, at.them, at.now)
    made.person_id, made.message_id = fact.person_id, fact.message_id
    made.before = " ".join(terms(fact.quote, at.them.language))
    return Entry(fact, made, replaces)
