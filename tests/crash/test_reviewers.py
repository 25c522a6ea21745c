"""Reviewers who answer at the same time, and one who answers as the time runs out: one word counts."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from daemon.clock import utc_now
from daemon.steps.approval_orders import expire
from knowledge import actions, approvals
from knowledge.tables import Action
from tests.bed import Bed, end, mail, wait_for
from tests.post_office import PostOffice
from tests.rules import DRAFT, deciding

pytestmark = pytest.mark.exhaustive
COUNT = 4


@pytest.fixture
def waiting(bed: Bed) -> Iterator[tuple[Bed, PostOffice]]:
    """Have the answers to four mails wait."""
    with PostOffice() as office:
        office.serve(bed, '[autonomy]\nreply = "ask"')
        bed.model.rules = deciding(DRAFT)
        for number in range(COUNT):
            bed.server.deliver(mail(f"Mail {number}", sender=f"p{number}@quill.example"))
        bed.work(COUNT)
        yield bed, office


@pytest.mark.parametrize("at_work", [True, False], ids=["beside the service", "without a service"])
def test_of_two_reviewers_one_is_told_that_the_other_was_first(
    waiting: tuple[Bed, PostOffice],
    at_work: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Each action gets one word, and what was approved leaves once."""
    bed, office = waiting
    service = bed.start() if at_work else None
    try:
        for number in range(1, COUNT + 1):
            racing = [
                bed.start("-m", "daemon", "review", word, str(number), "--config", str(bed.config))
                for word in ("approve", "reject")
            ]
            assert sorted(process.wait(60) for process in racing) == [0, 2], bed.log_text
    finally:
        if service:
            end(service)
    said = [row for number in range(1, COUNT + 1) for row in approvals.of_message(bed.db, number)]
    assert len(said) == COUNT
    verdicts = Counter(row.verdict for row in said)
    bed.run(lambda _db: all(action.state in ("sent", "rejected") for action in _replies(bed)))
    wait_for(lambda: len(office.delivered) == verdicts["approved"], 20, "the replies")
    assert Counter(action.state for action in _replies(bed)) == {
        state: count for state, count in (("sent", verdicts["approved"]), ("rejected", verdicts["rejected"])) if count
    }


def _replies(bed: Bed) -> list[Action]:
    return [actions.of_message(bed.db, number)[0] for number in range(1, COUNT + 1)]


def test_of_a_reviewer_and_the_clock_one_is_first(waiting: tuple[Bed, PostOffice]) -> None:
    """An approval as the time runs out either counts, or is told that it came too late."""
    bed, _office = waiting
    chance = random.Random(6)
    for number in range(1, COUNT + 1):
        process = bed.start("-m", "daemon", "review", "approve", str(number), "--config", str(bed.config))
        late = _replies(bed)[number - 1].updated_at + timedelta(microseconds=1)
        time.sleep(chance.uniform(0, 2))  # a command takes about as long
        expire(bed.db, late, utc_now())
        code = process.wait(60)
        (row,) = approvals.of_message(bed.db, number)
        assert (code, row.verdict) in ((0, "approved"), (2, "expired")), bed.log_text
