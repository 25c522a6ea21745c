"""Handoffs that outlast their turn: staged by the employee, written as it settles, taken back with it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from daemon import app
from daemon.judgement.handoffs import LONGEST_BRIEF
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, tool_use
from knowledge import cases, handoffs, service, sessions, turns
from knowledge.database import Database
from knowledge.tables import Handoff
from tests.bed import Bed, mail
from tests.integration.test_specialists import _is_result, staff

PLEASE = "Could you look into our contract?"
TRADE = "BILLING-BY-TRADE"  # stands in the prompt of each specialist of these tests


def engage(bed: Bed, keys: str = "", name: str = "contracts") -> None:
    """Engage a specialist that works on a fork of the session."""
    staff(bed, f'context = "session"\n{keys}', name)


def hold(bed: Bed) -> None:
    """Let no specialist of ours be answered until the bed's faults hold no more; a stop does not wait for long."""
    bed.sections["service"] = "stop_seconds = 1"
    bed.faults.always, bed.faults.poison, bed.faults.held = "held", TRADE, True


def at_work(bed: Bed, db: Database) -> bool:
    """Say whether a specialist's request is out."""
    return bool(handoffs.numbers(db, ["working"])) and bed.faults.under_way > 0


def staged(*calls: dict[str, Any], when: Callable[[str], bool] = bool) -> Callable[[Body], Answer]:
    """Give rules of a model that hands over a mail so, all at once, and then decides; else it does as always."""

    def decide(body: Body) -> Answer:
        users = [message for message in body["messages"] if message["role"] == "user"]
        prompt, parts = rules._text_of(users[-1]), rules._parts(users[-1])
        wanted = rules.HAND_OVER in rules._tools(body) and rules.MARKED.search(prompt) and when(prompt)
        if not wanted or any(map(_is_result, parts)):
            return rules.decide(body)
        asked = {"specialist": "contracts", "why": "Their field", "brief": "May they leave?"}
        return Answer(tuple(tool_use(rules.HAND_OVER, {**asked, **call}) for call in calls))

    return decide


def handed(bed: Bed, subject: str = "Contract", body: str = PLEASE) -> Handoff:
    """Have a mail handed over, as far as its turn has settled; nobody is answered."""
    engage(bed)
    hold(bed)
    bed.model.rules = staged({})
    bed.server.deliver(mail(subject, body))
    bed.run(lambda db: any(row.state == "done" for row in _messages(db)))
    return only(bed)


def _messages(db: Database) -> list[Any]:
    return [row for _handoff, row in handoffs.outstanding(db, ["open", "working"])]


def only(bed: Bed) -> Handoff:
    """Give the only handoff."""
    with bed.db.read() as session:
        return session.exec(select(Handoff)).one()


def order(bed: Bed, kind: str, argument: str = "") -> str:
    """Leave an order, have it carried out, and give what came of it."""
    number = service.leave_order(bed.db, kind, argument, "waiting", datetime.now(UTC))
    bed.run(lambda db: not service.orders(db, "waiting"))
    row = service.order(bed.db, number)
    assert row
    return row.outcome


def said(bed: Bed) -> str:
    """Give what the tools answered, as the model's newest request holds it."""
    parts = [part for message in bed.model.seen[-1]["messages"] for part in rules._parts(message)]
    return json.dumps([part for part in parts if _is_result(part)])


@pytest.mark.exhaustive
def test_it_is_only_offered_where_somebody_reports_later(bed: Bed) -> None:
    """Nobody pays for its description; and such a specialist is none of the engine's agents."""
    engage(bed)
    bed.server.deliver(mail("Contract", PLEASE))
    bed.work(1)
    offered = {each["name"]: each for each in bed.model.seen[0]["tools"]}
    assert "- contracts: Invoices and payments." in offered[rules.HAND_OVER]["description"]
    assert offered[rules.HAND_OVER]["input_schema"]["properties"]["specialist"]["enum"] == ["contracts"]
    assert rules.AGENT not in offered
    assert "## Specialists who report later" in json.dumps(bed.model.seen[0]["system"])
    staff(bed)
    (bed.root / "specialists/contracts.md").unlink()
    assert "hand_over" not in {each["name"] for each in app.desk_of(bed.settings).frozen()}
    assert "later" not in app.standing_orders(bed.settings)


def test_what_the_employee_is_told_of_them_is_frozen_with_the_session(bed: Bed) -> None:
    """A new one, or another ``when``, begins a new session; another prompt does not: the employee never reads it."""
    before = app.orders_digest(bed.settings)
    engage(bed)
    engaged = app.orders_digest(bed.settings)
    path = bed.root / "specialists/contracts.md"
    path.write_text(path.read_text().replace("Be exact.", "Be kind."), encoding="utf-8")
    reworded = app.orders_digest(bed.settings)
    path.write_text(path.read_text().replace("Invoices and payments.", "Contracts."), encoding="utf-8")
    assert len({before, engaged, app.orders_digest(bed.settings)}) == 3
    assert reworded == engaged


@pytest.mark.exhaustive
def test_a_turn_that_settles_leaves_the_handoff_open(bed: Bed) -> None:
    """With why, to whom and what for; the case is ours to go on with, whatever was decided on the mail."""
    row = handed(bed, body="Thank you.")  # nothing is to be done about it
    assert (row.specialist, row.why, row.brief, row.model) == (
        "contracts", "Their field", "May they leave?", "claude-haiku-4-5",
    )  # fmt: skip
    assert (row.state, row.report, row.ended_at, row.report_id) == ("open", "", None, None)
    case = cases.get(bed.db, 1)
    assert case
    assert case.state == "waiting for us"


@pytest.mark.exhaustive
def test_a_turn_that_is_dropped_leaves_nothing(bed: Bed) -> None:
    """It is staged in memory alone; asked again, the model thinks better of it."""
    engage(bed)
    first: list[str] = []
    bed.model.rules = staged({}, when=lambda prompt: not first and not first.append(prompt))  # type: ignore[func-returns-value]
    bed.faults.coming = ["ok", 529]
    bed.server.deliver(mail("Contract", PLEASE))
    bed.work(1)
    assert first
    assert [turn.tools for turn in turns.in_state(bed.db, "dropped")] == [["hand_over"]]
    assert handoffs.of_case(bed.db, 1) == []


@pytest.mark.exhaustive
def test_a_wrong_call_is_answered_so_that_the_model_can_put_it_right(bed: Bed) -> None:
    """Nobody of that name, nothing said, too much said, the same twice: each is refused in words."""
    engage(bed)
    hold(bed)
    bed.model.rules = staged(
        {"specialist": "nobody"}, {"brief": " "}, {"brief": "x" * (LONGEST_BRIEF + 1)}, {"address": "x@evil.example"},
        {}, {},
    )  # fmt: skip
    bed.server.deliver(mail("Contract", PLEASE))
    bed.run(lambda db: any(row.state == "done" for row in _messages(db)))
    assert only(bed).brief == "May they leave?"
    answers = said(bed)
    assert "'nobody' is not one of ['contracts']" in answers
    assert "brief: String should have at least 1 character" in answers
    assert "is too long" in answers
    assert "address: Extra inputs are not permitted" in answers
    assert "It is handed to contracts in this turn already." in answers


@pytest.mark.exhaustive
def test_it_counts_among_the_handoffs_of_a_turn(bed: Bed) -> None:
    """Three in all, whoever reports when."""
    for number in range(4):
        engage(bed, name=f"number-{number}")
    hold(bed)
    bed.model.rules = staged(*({"specialist": f"number-{number}"} for number in range(4)))
    bed.server.deliver(mail("Contract", PLEASE))
    bed.run(lambda db: any(row.state == "done" for row in _messages(db)))
    assert [row.specialist for row in handoffs.of_case(bed.db, 1)] == ["number-0", "number-1", "number-2"]
    assert "No more than 3 handoffs in one turn" in said(bed)


@pytest.mark.exhaustive
def test_the_turns_of_the_case_are_told_that_a_report_is_to_come(bed: Bed) -> None:
    """And those of others are not."""
    handed(bed)
    bed.server.deliver(mail("Re: Contract", "Any news?"))
    bed.server.deliver(mail("Hours", sender="Bo Tern <bo@tern.example>"))
    bed.model.rules = rules.decide
    bed.run(lambda db: len(turns.in_state(db, "settled")) == 3)
    line = "Handed to contracts, whose report is to come by itself: message 1"
    assert [line in turn.prompt for turn in turns.in_state(bed.db, "settled")] == [False, True, False]


@pytest.mark.exhaustive
def test_a_successor_is_told_of_every_open_handoff(bed: Bed) -> None:
    """It binds: a rotation that would lose it out of sight does not take place."""
    handed(bed)
    outcome = order(bed, "rotate")
    successor = sessions.live(bed.db, "live")
    assert successor
    assert "has ended" in outcome
    line = "[handoff 1] [case 1] [message 1] is handed to contracts, whose report is to come"
    assert line in successor.handover.partition("Open cases")[0]
    assert "May they leave?" not in successor.handover


@pytest.mark.exhaustive
def test_a_rollback_takes_it_back(bed: Bed) -> None:
    """Before anybody has reported: it is cancelled, and no report comes in."""
    handed(bed)
    order(bed, "roll back", "1")
    bed.faults.held = False
    row = only(bed)
    assert (row.state, row.report_id) == ("cancelled", None)
    bed.work(1)
    assert len(bed.entries) == 1


@pytest.mark.exhaustive
def test_a_person_who_closes_the_case_cancels_it(bed: Bed) -> None:
    """As what was promised in it is dropped."""
    handed(bed)
    assert order(bed, "close case", "1") == "case 1 is closed; 1 open handoff(s) are cancelled"
    bed.faults.held = False
    bed.work(1)
    assert only(bed).state == "cancelled"
    assert len(bed.entries) == 1
