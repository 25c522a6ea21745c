"""A daemon that is killed while a specialist is at work."""

import json
import signal

import pytest

from knowledge import handoffs, turns
from tests.bed import Bed, end, mail, prompts_in_transcript, settled_prompts, wait_for
from tests.integration.test_specialists import OWED, of_specialist, staff


@pytest.mark.exhaustive
def test_a_kill_while_a_specialist_works_loses_nothing_and_repeats_nothing(bed: Bed) -> None:
    """The turn is cut off with all that it had handed over, its charge is kept, and the mail is asked again, once."""
    staff(bed)
    bed.faults.always, bed.faults.poison = "silence", "BILLING-BY-TRADE"
    bed.server.deliver(mail("Invoice", OWED))
    process = bed.start()
    wait_for(lambda: bed.faults.under_way > 0 and bed.faults.calls > 1, what="the specialist's request")
    end(process, signal.SIGKILL)
    bed.faults.always = None
    bed.work(1)
    (dropped,), (settled,) = turns.in_state(bed.db, "dropped"), turns.in_state(bed.db, "settled")
    assert dropped.cost_usd == dropped.reserved_usd
    assert [row.turn_id for row in handoffs.of_message(bed.db, 1)] == [settled.id]
    assert prompts_in_transcript(bed) == settled_prompts(bed) == [settled.prompt_uuid]
    assert len(bed.mails_in("Drafts")) == 1
    assert json.dumps(of_specialist(bed)[-1]["messages"]).count(OWED) == 1
