"""Letters: a handoff to a person is a draft to the address in her file, with the mail enclosed."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from daemon.house import House
from daemon.judgement.handoffs import Specialist
from daemon.judgement.policy import Kind
from daemon.judgement.states import ActionState
from daemon.mail.compose import digest, own_message_id
from daemon.mail.letter import Request, letter
from daemon.steps.remember import Scene
from knowledge import ledger
from knowledge.handoffs import Work
from knowledge.tables import Action, Handoff


def with_letters(house: House, at: Scene, summary: str, works: Sequence[Work]) -> list[Work]:
    """Give the handoffs, those to persons with the letter that asks, and with the day on which they come up."""
    persons = house.persons
    return [_asking(house, at, summary, work, persons.get(work.handoff.specialist)) for work in works]


def _asking(house: House, at: Scene, summary: str, work: Work, person: Specialist | None) -> Work:
    if person is None:
        return work
    work.handoff.comes_up_at = at.now + timedelta(days=person.days)
    return replace(work, letter=_action(house, at, person, _request(at, summary, person, work.handoff)))


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


def _action(house: House, at: Scene, person: Specialist, request: Request) -> Action:
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
        rule=f"specialist {person.name}",
        state=ActionState.PLANNED,
        created_at=at.now,
        updated_at=at.now,
    )
