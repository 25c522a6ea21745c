"""What people wrote down about an organisation is told in the turns of its members, and in nobody else's."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given, settings

from daemon.embedding.base import Embedder
from daemon.judgement.message import Address, Message
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, tool_use
from daemon.settings import Settings
from daemon.settings.sections import KnowledgeSettings
from daemon.steps.recall import recall, recall_by_words
from knowledge import facts, people
from knowledge.database import Database
from knowledge.tables import Message as Row
from knowledge.whose import EVERYONE, Whose
from tests.bed import Bed, mail
from tests.integration.test_memory import BO, first, order, prompts
from tests.knowledge.rows import NOW
from tests.knowledge.test_memory import EVERYTHING, STEPS, begun, may_know, step, word

JO = "Jo Quill <jo@quill.example>"
NEEDS = "Their orders need a PO number, such as 7788-99."
TOLD = f'circumstance about their organisation quill.example, by one of us: "{NEEDS}"'


def write(bed: Bed, text: str = NEEDS, **about: object) -> None:
    """Write a fact down, as a person does."""
    order(bed, "add fact", json.dumps({"kind": "circumstance", "organisation": "quill.example", "text": text, **about}))


def recalling(body: Body) -> object:
    """Begin each turn with a call of the tool, under an id of its own: one that the engine knows, it does not make."""
    return first(Answer((tool_use("mcp__clerkd__recall", {"words": "a PO number"}),)))(body)  # type: ignore[operator]


def briefed(bed: Bed) -> list[str]:
    """Give what stands above each mail."""
    return [prompt.partition("<<<")[0] for prompt in prompts(bed)]


def results(bed: Bed) -> list[str]:
    """Give what the tools answered in the conversation, one after the other; the last word is on the decision."""
    users = [message for message in bed.model.seen[-1]["messages"] if message["role"] == "user"]
    parts = [part for user in users for part in rules._parts(user) if part.get("type") == "tool_result"]
    return [part["content"][0]["text"] for part in parts]


@pytest.mark.exhaustive
def test_what_is_written_of_an_organisation_is_told_to_its_members_alone(bed: Bed) -> None:
    """To whoever writes from its domain, whatever the mail is about; to others not even where they ask for it."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    write(bed)
    bed.model.rules = recalling  # type: ignore[assignment]
    bed.server.deliver(mail("Weather", "Is it raining?", sender=JO))
    bed.server.deliver(mail("Question", "Do you need a PO number?", sender=BO))
    bed.work(3)
    shown = briefed(bed)
    assert "Written down by the company's people:\n  [fact 1]" in shown[1]
    assert [TOLD in each for each in shown] == [False, True, False]
    assert "Nothing is remembered that has these words." in results(bed)[-2]


@pytest.mark.exhaustive
def test_the_tool_finds_what_is_written_of_the_senders_organisation(bed: Bed) -> None:
    """With about whom it is."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    write(bed)
    bed.model.rules = recalling  # type: ignore[assignment]
    bed.server.deliver(mail("Weather", "Is it raining?", sender=JO))
    bed.work(2)
    assert TOLD in results(bed)[-2]


@pytest.mark.exhaustive
def test_a_mail_with_a_forged_sender_is_told_nothing_of_the_organisation(bed: Bed) -> None:
    """Neither in the briefing nor by the tool: it may be anybody's."""
    bed.sections["mailbox"] = 'authserv_id = "mx.harbourpine.example"\nauthserv_strips_forgeries = true'
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    write(bed)
    bed.model.rules = recalling  # type: ignore[assignment]
    verdict = "mx.harbourpine.example; dmarc=fail header.from=quill.example"
    bed.server.deliver(mail("Question", "Do you need a PO number?", Authentication_Results=verdict))
    bed.work(2)
    assert NEEDS not in str(bed.model.seen)
    assert "Nothing is remembered that has these words." in results(bed)[-2]


@pytest.mark.exhaustive
def test_who_is_split_off_from_the_organisation_is_told_nothing_of_it(bed: Bed) -> None:
    """As long as the two are one, what is written of it is told for the private address, too."""
    private = "Ada <ada@gmail.com>"
    bed.server.deliver(mail("Hours"))
    bed.server.deliver(mail("Private", sender=private))
    bed.work(2)
    write(bed)
    order(bed, "merge persons", "1 2")
    bed.server.deliver(mail("Question", sender=private))
    bed.work(3)
    order(bed, "split person", "1 ada@gmail.com")
    bed.server.deliver(mail("Another question", sender=private))
    bed.server.deliver(mail("A question from the office"))
    bed.work(5)
    assert [TOLD in each for each in briefed(bed)] == [False, False, True, False, True]


@pytest.mark.exhaustive
def test_what_is_written_of_an_organisation_no_mail_can_put_right(bed: Bed) -> None:
    """Not one of its members' either."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    write(bed)
    call = {"fact": 1, "quote": "We need none", "text": "They need none."}
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__correct", call),)))  # type: ignore[assignment]
    bed.server.deliver(mail("PO numbers", "We need none any more."))
    bed.work(2)
    assert "1 is no fact about this sender" in str(bed.model.seen[-1]["messages"])
    assert [fact.text for fact in facts.of_organisation(bed.db, "quill.example")] == [NEEDS]


@dataclass(frozen=True)
class Memory:
    """What the recall works with."""

    db: Database
    settings: Settings
    clock: Callable[[], datetime]
    embedder: Embedder | None = None


ROOM: Settings = Settings.model_construct(knowledge=KnowledgeSettings(recall_tokens=20_000))  # type: ignore[call-arg]
WORDS = re.compile(r'"([^"]*)"')


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(STEPS)
def test_no_sequence_of_facts_merges_and_splits_has_a_turn_told_what_is_anothers(
    steps: list[tuple[str, int, int]],
) -> None:
    """Neither the briefing of a mail that names all there is, nor the tool, tells what is not theirs or everyone's.

    And the briefing tells what is written of their organisation.
    """
    asked = " ".join(EVERYTHING)
    with begun() as db:
        for kind, one, other in steps:
            step(db, kind, one, other)
        records = Memory(db, ROOM, lambda: NOW)
        for number in range(4):
            person, own, of_organisations = may_know(db, number)
            row = Row(id=99, person_id=person, case_id=1)  # type: ignore[call-arg]  # no more is asked of it
            message = Message("", asked, (Address("x@quill.example"),), asked)
            memory = recall(records, row, message)
            lines = [*memory.person, *memory.said, *memory.company, *memory.documents]
            found = recall_by_words(records, row, message, asked).splitlines()
            told = [WORDS.findall(line)[-1] for line in (*lines, *found)]
            assert set(told) <= {*own, *of_organisations, word(EVERYONE)}
            name = people.organisation_of(db, person)
            assert word(EVERYONE) in told
            assert not name or set(of_organisations) & set(told) >= {word(Whose(organisation=name))}
