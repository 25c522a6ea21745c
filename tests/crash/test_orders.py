"""kill -9 of the real daemon while it carries out a person's order: it is done once, whole, and the order is closed."""

from datetime import UTC, datetime

import pytest

from daemon.judgement.casework import PromiseState
from knowledge import cases, facts, service
from tests.bed import Bed, mail
from tests.crash.test_kill import die_at, finish

STEPS = [
    ("before it is carried out", "knowledge.facts:remember:before", 1),
    ("when it is done, before its order is closed", "knowledge.service:close:before", 1),
    ("when its order is closed, before the commit", "knowledge.service:close:after", 1),
    ("after the commit", "daemon.steps.orders:_carry_out:after", 1),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("step", "nth"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_a_kill_has_an_order_carried_out_once(bed: Bed, step: str, nth: int) -> None:
    """A fact that a person wrote down stands there once, and nobody waits for the order any more."""
    bed.server.deliver(mail("Hours"))
    bed.work(1)
    asked = datetime.now(UTC)
    number = service.leave_order(
        bed.db, "add fact", '{"text": "We close at noon.", "kind": "lesson"}', "waiting", asked
    )
    bed.server.deliver(mail("More hours"))
    die_at(bed, step, nth)
    finish(bed, 2)
    assert [fact.text for fact in facts.of_person(bed.db, None)] == ["We close at noon."]
    order = service.order(bed.db, number)
    assert order
    assert (order.state, order.outcome) == ("done", "fact 1 is written down, about everyone")
    assert len(cases.find(bed.db, ["waiting for us"], None, PromiseState.OPEN, 9)) == 2
