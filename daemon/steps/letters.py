"""Letters: a handoff to a person is a draft to the address in her file, with the mail enclosed.

What the employee says in it goes through the walls like all that is written for others: the person may be outside.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from daemon.agent.turn import Reply
from daemon.house import House
from daemon.judgement.handoffs import Specialist
from daemon.judgement.policy import Kind
from daemon.judgement.states import ActionState
from daemon.judgement.walls import Ground, breaches, named
from daemon.mail.compose import own_message_id
from daemon.mail.letter import Request, letter
from daemon.steps.remember import Scene
from knowledge import ledger
from knowledge.handoffs import Work
from knowledge.seal import digest
from knowledge.tables import Action, Handoff


def said_to_persons(reply: Reply) -> list[str]:
    """Give what the employee says in the letters of its turn."""
    asked = [each for each in reply.outlasting if each.specialist.to]
    said = [words for each in asked for words in (each.why, each.brief)]
    return [reply.decision.summary, *said] if asked and reply.decision else []


def with_letters(house: House, at: Scene, summary: str, works: Sequence[Work], ground: Ground) -> list[Work]:
    """Give the handoffs, those to persons with the letter that asks, and with the day on which they come up."""
    persons = house.persons
    return [_asking(house, at, summary, work, persons.get(work.handoff.specialist), ground) for work in works]


def _asking(house: House, at: Scene, summary: str, work: Work, person: Specialist | None, ground: Ground) -> Work:
    if person is None:
        return work
    work.handoff.comes_up_at = at.now + timedelta(days=person.days)
    return replace(work, letter=_action(house, at, person, _request(at, summary, person, work.handoff), ground))


def letters_of(works: Sequence[Work], behind: int) -> list[Action]:
    """List the letters of handoffs, numbered behind so many other actions."""
    found = [work.letter for work in works if work.letter]
    for ordinal, action in enumerate(found, start=behind):
        action.ordinal = ordinal
    return found


def _request(at: Scene, summary: str, person: Specialist, handoff: Handoff) -> Request:
    return Request(
        case=at.row.case_id or 0,
        message=at.row.about_id or at.row.id or 0,
        subject=at.message.subject,
        opening=person.prompt,
        why=handoff.why,
        brief=handoff.brief,
        summary=summary,
    )


def _action(house: House, at: Scene, person: Specialist, request: Request, ground: Ground) -> Action:
    found = breaches(f"{request.why}\n{request.brief}\n{request.summary}", ground)
    own_id = own_message_id(uuid.uuid4().hex, house.author.address)
    content = letter(request, house.author, person.to, ledger.raw_mail(house.db, at.row), own_id, at.now)
    return Action(
        message_id=at.row.id or 0,
        ordinal=0,  # until its place among the actions is known
        kind=Kind.LETTER,
        content=content,
        recipients=[person.to],
        own_message_id=own_id,
        digest=digest(content, (person.to,), Kind.LETTER, ""),
        rule=named(found) if found else f"specialist {person.name}",
        findings=list(map(str, found)),
        state=ActionState.WAITING if found else ActionState.PLANNED,
        created_at=at.now,
        updated_at=at.now,
    )
