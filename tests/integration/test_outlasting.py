"""Handoffs that outlast their turn: staged by the employee, written as it settles, taken back with it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from daemon import app
from daemon.rehearsal import rules
from daemon.rehearsal.model import Answer, Body, tool_use
from knowledge import cases, handoffs, service
from tests.bed import Bed, mail
from tests.integration.test_specialists import _is_result, staff

HAND_OVER = "mcp__clerkd__hand_over"
PLEASE = "Could you look into our contract?"


def staged(*calls: dict[str, Any]) -> Callable[[Body], Answer]:
    """Give rules of a model that hands over so, all at once, and then decides; a specialist does as always."""

    def decide(body: Body) -> Answer:
        users = [message for message in body["messages"] if message["role"] == "user"]
        mine = any(tool["name"] == HAND_OVER for tool in body.get("tools") or ())
        if not mine or rules.OF_SPECIALIST in json.dumps(body["system"]) or any(map(_is_result, _spoken(users))):
            return rules.decide(body)
        if not rules.MARKED.search(rules._text_of(users[-1])):
            return rules.decide(body)
        asked = {"specialist": "contracts", "why": "Their field", "brief": "May they leave?"}
        return Answer(tuple(tool_use(HAND_OVER, {**asked, **call}) for call in calls))

    return decide


def _spoken(users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(rules._parts(users[-1]))


def engage(bed: Bed, keys: str = "", name: str = "contracts") -> None:
    """Engage a specialist that works on a fork of the session."""
    staff(bed, f'context = "session"\n{keys}', name)


def order(bed: Bed, kind: str, argument: str = "") -> None:
    """Leave an order, and have it carried out."""
    service.leave_order(bed.db, kind, argument, "waiting", datetime.now(UTC))
    bed.run(lambda db: not service.orders(db, "waiting"))


def test_it_is_only_offered_where_somebody_reports_later(bed: Bed) -> None:
    """Nobody pays for its description; and such a specialist is none of the engine's agents."""
    engage(bed)
    bed.server.deliver(mail("Contract", PLEASE))
    bed.work(1)
    offered = {each["name"]: each for each in bed.model.seen[0]["tools"]}
    assert "- contracts: Invoices and payments." in offered[HAND_OVER]["description"]
    assert offered[HAND_OVER]["input_schema"]["properties"]["specialist"]["enum"] == ["contracts"]
    assert rules.AGENT not in offered
    assert "## Specialists who report later" in json.dumps(bed.model.seen[0]["system"])
    staff(bed)
    (bed.root / "specialists/contracts.md").unlink()
    assert HAND_OVER not in {f"mcp__clerkd__{each['name']}" for each in app.desk_of(bed.settings).frozen()}
    assert "later" not in app.standing_orders(bed.settings)


def test_a_turn_that_settles_leaves_the_handoff_open(bed: Bed) -> None:
    """With why, to whom and what for; the case is ours to go on with, whatever was decided on the mail."""
    engage(bed)
    bed.model.rules = staged({})
    bed.server.deliver(mail("Contract", "Thank you."))  # nothing is to be done about it
    bed.work(1)
    (row,) = handoffs.of_message(bed.db, 1)
    assert (row.specialist, row.state, row.why, row.brief) == ("contracts", "open", "Their field", "May they leave?")
    assert (row.report, row.ended_at, row.report_id, row.cost_usd) == ("", None, None, 0.0)
    case = cases.get(bed.db, 1)
    assert case
    assert case.state == "waiting for us"
