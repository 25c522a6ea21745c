"""What the employee learns from a mail, and what a later mail brings to mind."""

import json
from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from daemon import loop
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, tool_use
from knowledge import facts, passages, people, pieces, service
from knowledge.database import Database
from knowledge.tables import Fact, Passage
from knowledge.whose import Whose
from tests.bed import Bed, is_through, mail

PREFERS = "I prefer mails in the morning. When do you open?"
BO = "Bo Tern <bo@tern.example>"


def prompts(bed: Bed) -> list[str]:
    """Give what each mail was put to the model with."""
    return [entry.turn.prompt for entry in bed.entries if entry.turn]


def remembering(quote: str, **words: str | int) -> Answer:
    """Call the tool."""
    return Answer(
        (tool_use(rules.REMEMBER, {"text": "They like tea.", "kind": "preference", "quote": quote, **words}),)
    )


def first(answer: Answer) -> object:
    """Give rules that begin each turn with this answer."""

    def decide(body: Body) -> Answer:
        users = [message for message in body["messages"] if message["role"] == "user"]
        begins = not any(part.get("type") == "tool_result" for part in rules._parts(users[-1]))
        return answer if begins else rules.decide(body)

    return decide


def test_a_fact_is_remembered_with_the_words_that_it_rests_on(bed: Bed) -> None:
    """In the turn's one transaction, about the sender."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    (fact,) = facts.of_person(bed.db, 1)
    assert (fact.text, fact.kind) == ("They prefer mails in the morning", "preference")
    assert (fact.quote, fact.message_id, fact.author) == ("I prefer mails in the morning", 1, "employee")
    assert bed.entries[0].turn
    assert fact.turn_id == bed.entries[0].turn.id


def test_the_next_mail_of_the_sender_is_briefed_with_it_and_with_what_was_said(bed: Bed) -> None:
    """With dates and sources; both what they wrote and what we wrote."""
    bed.server.deliver(mail("Hours", f"{PREFERS} My pump HP-2044 is blue."))
    bed.work(1)
    bed.server.deliver(mail("Pump", "Is the pump HP-2044 in stock?"))
    bed.work(2)
    shown, day = prompts(bed)[1].partition("<<<")[0], f"{datetime.now(UTC):%Y-%m-%d}"
    assert f'[fact 1] {day} preference: "They prefer mails in the morning"' in shown
    assert f'[message 1] {day} they wrote: "{PREFERS} My pump HP-2044 is blue."' in shown
    assert f'[message 1] {day} we drafted: "Dear Ada Quill' in shown


@pytest.mark.exhaustive
def test_the_next_mail_of_the_sender_is_briefed_with_their_other_open_cases(bed: Bed) -> None:
    """By their own words, in what they wrote last; nobody else's."""
    bed.server.deliver(mail("Hours"))
    bed.server.deliver(mail("Boat", sender=BO))
    bed.work(2)
    bed.server.deliver(mail("Pump", "Is the pump HP-2044 in stock?"))
    bed.work(3)
    shown, day = prompts(bed)[2].partition("<<<")[0], f"{datetime.now(UTC):%Y-%m-%d}"
    line = f'[case 1] {day} they wrote last in message 1: "Hours"'
    assert f"Other open cases of the sender (subjects as they wrote them):\n  {line}\n" in shown
    assert "Boat" not in shown


def test_nothing_of_one_person_is_told_in_another_ones_turn(bed: Bed) -> None:
    """However alike their questions are."""
    bed.server.deliver(mail("Pump", f"{PREFERS} My pump HP-2044 is blue."))
    bed.server.deliver(mail("Pump", "Is my pump HP-2044 blue? In the morning?", sender=BO))
    bed.work(2)
    assert "Remembered" not in prompts(bed)[1]
    assert "Said earlier" not in prompts(bed)[1]


@pytest.mark.exhaustive
def test_a_fact_that_takes_anothers_place_closes_it(bed: Bed) -> None:
    """The model is shown what stands near, and says how the new one stands to it; the old row is kept."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    bed.server.deliver(mail("Hours again", "I now prefer mails in the evening."))
    bed.work(2)
    with bed.db.read() as session:
        old, new = session.exec(select(Fact).order_by(Fact.id)).all()  # type: ignore[arg-type]
    assert (old.text, old.superseded_by, old.expired_at is None) == ("They prefer mails in the morning", 2, False)
    assert (new.text, new.expired_at) == ("They now prefer mails in the evening", None)
    assert [fact.id for fact in facts.of_person(bed.db, 1)] == [2]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (remembering("I like coffee a lot"), "the quote does not stand in the mail at hand"),
        (remembering("When do you open?", relation="supersede", fact=7), "7 is no fact about this sender"),
        (remembering("When do you open?", relation="same"), "needs the number of the fact"),
        (remembering("When do you open?", kind="lesson"), "kind"),
        (Answer((tool_use("mcp__clerkd__correct", {"fact": 7, "quote": "When do you open?"}),)), "7 is no fact"),
    ],
)
def test_what_does_not_rest_on_the_mail_is_refused_in_words(bed: Bed, call: Answer, said: str) -> None:
    """The model reads why, and nothing is remembered."""
    bed.model.rules = first(call)  # type: ignore[assignment]
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    assert said in str(bed.model.seen[-1]["messages"])
    assert facts.of_person(bed.db, 1) == []


@pytest.mark.exhaustive
def test_a_fact_about_somebody_else_cannot_be_corrected(bed: Bed) -> None:
    """Its number is none of the sender's."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    call = {"fact": 1, "quote": "When do you open?", "text": "They prefer nothing."}
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__correct", call),)))  # type: ignore[assignment]
    bed.server.deliver(mail("Other hours", sender=BO))
    bed.work(2)
    assert [fact.text for fact in facts.of_person(bed.db, 1)] == ["They prefer mails in the morning"]


@pytest.mark.exhaustive
def test_a_fact_that_the_mail_speaks_against_is_put_right(bed: Bed) -> None:
    """In its kind, with the words of the newer mail, and with the days on which it holds."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    call = {"fact": 1, "quote": "Evenings are better", "text": "They like evenings.", "valid_to": "2090-12-24"}
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__correct", call),)))  # type: ignore[assignment]
    bed.server.deliver(mail("Other hours", "Evenings are better for me."))
    bed.work(2)
    (fact,) = facts.of_person(bed.db, 1)
    assert (fact.text, fact.kind, fact.quote) == ("They like evenings.", "preference", "Evenings are better")
    assert (fact.valid_from, fact.valid_to) == (None, date(2090, 12, 24))


@pytest.mark.exhaustive
def test_the_tool_recalls_in_other_words_what_the_sender_said(bed: Bed) -> None:
    """And nothing of anybody else."""
    bed.server.deliver(mail("Pump", "My pump HP-2044 is blue."))
    bed.server.deliver(mail("Pump", "My pump HP-2044 is red.", sender=BO))
    bed.work(2)
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__recall", {"words": "which colour, pump 2044"}),)))  # type: ignore[assignment]
    bed.server.deliver(mail("Hello", "Do you remember?"))
    bed.work(3)
    users = [message for message in bed.model.seen[-1]["messages"] if message["role"] == "user"]
    said = next(str(message) for message in users if "they wrote" in str(message) and "tool_result" in str(message))
    assert "My pump HP-2044 is blue." in said
    assert "red" not in said


@pytest.mark.exhaustive
def test_a_rollback_retracts_what_the_turn_remembered_and_lets_stand_what_it_closed(bed: Bed) -> None:
    """A session that a mail has taken over leaves nothing in the memory."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    bed.server.deliver(mail("Hours again", "I now prefer mails in the evening."))
    bed.work(2)
    service.leave_order(bed.db, "roll back", "2", "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 1)
    assert [fact.id for fact in facts.of_person(bed.db, 1)] == [1]
    with bed.db.read() as session:
        found, size = passages.find(session, Whose(1), ["prefer"])
        known = passages.get(session, [each.number for each in found])
    assert {row.message_id for row in known.values()} == {1}
    assert size == 3  # the mail, our answer, the fact


@pytest.mark.exhaustive
def test_a_mail_whose_sender_is_forged_is_neither_remembered_nor_briefed(bed: Bed) -> None:
    """It may be anybody's."""
    bed.sections["mailbox"] = 'authserv_id = "mx.harbourpine.example"\nauthserv_strips_forgeries = true'
    bed.server.deliver(mail("Hours", PREFERS))
    verdict = "mx.harbourpine.example; dmarc=fail header.from=quill.example"
    bed.server.deliver(mail("Hours again", "I prefer mails in the evening.", Authentication_Results=verdict))
    bed.work(2)
    assert [fact.text for fact in facts.of_person(bed.db, 1)] == ["They prefer mails in the morning"]
    assert "the sender is not known" in str(bed.model.seen[-1]["messages"])
    assert "Remembered" not in prompts(bed)[1]
    with bed.db.read() as session:
        assert {row.message_id for row in session.exec(select(Passage))} == {1}


@pytest.mark.exhaustive
def test_what_is_recalled_keeps_to_its_budget(bed: Bed) -> None:
    """Of what has no room, the least fitting is left out."""
    bed.sections["employee"] = "\n"
    bed.sections["model"] = "\n[knowledge]\nrecall_tokens = 150"
    bed.server.deliver(mail("Pump", "My pump is blue. " * 12))
    bed.server.deliver(mail("Boat", "Colour of the boat: red."))
    bed.work(2)
    bed.server.deliver(mail("Question", "Which colour is the boat?"))
    bed.work(3)
    shown = prompts(bed)[2].partition("<<<")[0]
    assert "Colour of the boat: red." in shown
    assert "My pump is blue" not in shown


@pytest.mark.exhaustive
def test_a_fact_that_only_the_mails_words_bring_to_mind_stands_among_the_facts(bed: Bed) -> None:
    """Never under what was said, which is no instruction: it may be a lesson of ours."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    for words in ["Boats go to them by rail.", *(f"Detail {number}." for number in range(25))]:
        argument = json.dumps({"text": words, "kind": "lesson", "person": 1})
        service.leave_order(bed.db, "add fact", argument, "waiting", datetime.now(UTC))
    bed.run(lambda db: len(service.orders(db, "done")) == 26)
    bed.server.deliver(mail("Boats", "How will the boats come?"))
    bed.work(2)
    shown = prompts(bed)[1].partition("<<<")[0]
    assert "Detail 24." in shown
    assert "Detail 3." not in shown
    assert "by rail" in shown.partition("Remembered of the sender")[2].partition("Said earlier")[0]


@pytest.mark.exhaustive
def test_a_person_is_known_by_name_organisation_and_language(bed: Bed) -> None:
    """All of it from the mail alone."""
    bed.server.deliver(mail("Hours", "Could you please tell me when you are open, and whether I can come with my dog?"))
    bed.work(1)
    known = people.get(bed.db, 1)
    assert known
    assert (known.person.name, known.person.organisation, known.person.language) == ("Ada Quill", "quill.example", "en")


def order(bed: Bed, kind: str, argument: str) -> None:
    """Have a person's order carried out."""
    number = service.leave_order(bed.db, kind, argument, "waiting", datetime.now(UTC))
    bed.run(lambda db: bool((row := service.order(db, number)) and row.state == "done"))


@pytest.mark.exhaustive
def test_a_lesson_is_brought_to_mind_by_a_mail_whose_words_come_near_it(bed: Bed) -> None:
    """In everybody's turns, and marked as the company's own word."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    order(bed, "add fact", '{"text": "Quotes for boats are escalated.", "kind": "lesson"}')
    bed.server.deliver(mail("Quote", "Could I have a quote for a boat?", sender=BO))
    bed.server.deliver(mail("Weather", "Is it raining?", sender=BO))
    bed.work(3)
    shown = [prompt.partition("<<<")[0] for prompt in prompts(bed)]
    assert "Written down by the company's people:\n  [fact 1]" in shown[1]
    assert 'lesson, by one of us: "Quotes for boats are escalated."' in shown[1]
    assert "Quotes for boats" not in shown[2]


@pytest.mark.exhaustive
def test_what_a_person_wrote_down_no_mail_can_put_right(bed: Bed) -> None:
    """Neither in its place nor as true no longer."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    order(bed, "add fact", '{"text": "They get no credit.", "kind": "lesson", "person": 1}')
    call = {"fact": 1, "quote": "give me credit", "text": "They get credit."}
    bed.model.rules = first(Answer((tool_use("mcp__clerkd__correct", call),)))  # type: ignore[assignment]
    bed.server.deliver(mail("Credit", "Your records are wrong: give me credit!"))
    bed.work(2)
    assert "1 is no fact about this sender" in str(bed.model.seen[-1]["messages"])
    assert [fact.text for fact in facts.of_person(bed.db, 1)] == ["They get no credit."]
    assert 'lesson, by one of us: "They get no credit."' in prompts(bed)[1]


@pytest.mark.exhaustive
def test_a_fact_is_told_only_as_long_as_it_holds(bed: Bed) -> None:
    """One of a day that has passed is kept, but not told, whatever the mail asks; one to come is told with its day."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    order(bed, "add fact", '{"text": "Away.", "kind": "circumstance", "person": 1, "valid_to": "2020-01-01"}')
    order(bed, "add fact", '{"text": "Back.", "kind": "circumstance", "person": 1, "valid_from": "2090-01-01"}')
    bed.server.deliver(mail("More", "And then you thought that I was away?"))
    bed.work(2)
    shown = prompts(bed)[1].partition("<<<")[0]
    assert "Away." not in shown
    assert 'circumstance, from 2090-01-01, by one of us: "Back."' in shown


@pytest.mark.exhaustive
def test_a_turn_speaks_of_a_fact_once(bed: Bed) -> None:
    """Two words on one fact would leave two in its place."""
    bed.server.deliver(mail("Hours", PREFERS))
    bed.work(1)
    calls = tuple(
        tool_use("mcp__clerkd__correct", {"fact": 1, "quote": "Evenings are better", "text": text})
        for text in ("They like evenings.", "They like nights.")
    )
    bed.model.rules = first(Answer(calls))  # type: ignore[assignment]
    bed.server.deliver(mail("Other hours", "Evenings are better for me."))
    bed.work(2)
    assert [fact.text for fact in facts.of_person(bed.db, 1)] == ["They like evenings."]
    assert "fact 1 was spoken of in this turn already" in str(bed.model.seen[-1]["messages"])


@pytest.mark.exhaustive
def test_the_same_fact_twice_in_a_turn_is_one(bed: Bed) -> None:
    """However often the model calls."""
    call, again = remembering("When do you open?"), remembering("When do you open?")
    bed.model.rules = first(Answer((*call.blocks, *again.blocks)))  # type: ignore[assignment]
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    assert [fact.text for fact in facts.of_person(bed.db, 1)] == ["They like tea."]


@pytest.mark.exhaustive
def test_the_index_of_words_is_tidied_on_a_tick(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the work, and what was remembered is found as before."""
    monkeypatch.setattr(loop, "TIDY_SECONDS", 0.1)
    monkeypatch.setattr(pieces, "MANY", 0)
    joined: list[bool] = []
    join = pieces.join

    def counting(db: Database, *, begin: bool) -> bool:
        joined.append(begin)
        return join(db, begin=begin)

    monkeypatch.setattr(pieces, "join", counting)
    bed.server.deliver(mail("Chair", "The chair is blue."))
    bed.run(lambda db: is_through(db, 1) and bool(joined))
    assert joined[0] is True
    with bed.db.read() as session:
        assert passages.find(session, Whose(1), ["blue"])[0]
