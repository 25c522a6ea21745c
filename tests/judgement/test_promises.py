"""Promises with a date, as a decision may make and settle them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.judgement.decision import Decision
from daemon.judgement.promises import FARTHEST, MOST_OPEN, MOST_REMINDERS, Standing, comes_up_at, objection

TODAY = date(2026, 11, 21)
NONE = [{"kind": "none"}]
ESCALATE = [{"kind": "escalate", "question": "What now?"}]


def decision(actions: list[dict[str, Any]] = NONE, **words: Any) -> Decision:
    """Make a decision."""
    plain = {"category": "order", "priority": "low", "summary": "s", "reason": "r", "confidence": 1, "actions": actions}
    return Decision.model_validate({**plain, **words})


def promised(due: date, count: int = 1) -> dict[str, Any]:
    """Promise something, so many times."""
    return {"promises": [{"by": "us", "what": "the list", "due": due.isoformat()}] * count}


def settled(*numbers: int) -> dict[str, Any]:
    """Settle promises."""
    return {"settled": [{"promise": number, "how": "kept"} for number in numbers]}


def test_ours_comes_up_on_its_day_and_theirs_on_the_day_after() -> None:
    """Ours can still be kept then; theirs can be said to be late."""
    assert comes_up_at("us", TODAY) == datetime(2026, 11, 21, tzinfo=UTC)
    assert comes_up_at("them", TODAY) == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("days", [0, 1, FARTHEST.days])
def test_a_promise_for_a_day_to_come_is_taken(days: int) -> None:
    """From today on."""
    assert objection(decision(**promised(TODAY + timedelta(days))), Standing(TODAY)) is None


def test_a_promise_for_a_day_that_has_passed_is_refused() -> None:
    """The model is told which day it is."""
    found = objection(decision(**promised(TODAY - timedelta(1))), Standing(TODAY))
    assert found == "promises: 2026-11-20 has passed; today is 2026-11-21"


def test_a_promise_for_a_day_far_away_is_refused() -> None:
    """It would lie in the ledger for ever."""
    found = objection(decision(**promised(TODAY + FARTHEST + timedelta(1))), Standing(TODAY))
    assert found
    assert "too far away" in found


def test_an_open_promise_of_the_case_can_be_settled() -> None:
    """Those that the harness knows of."""
    assert objection(decision(**settled(3)), Standing(TODAY, frozenset({3, 4}))) is None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (frozenset({4, 3}), "settled: 7 is no open promise of this case; open: 3, 4"),
        (frozenset[int](), "settled: 7 is no open promise of this case; open: none"),
    ],
)
def test_no_other_promise_can_be_settled(known: frozenset[int], said: str) -> None:
    """A mail must not settle what another case was promised."""
    assert objection(decision(**settled(7)), Standing(TODAY, known)) == said


def test_a_promise_is_settled_once() -> None:
    """Kept and dropped at once says nothing."""
    assert objection(decision(**settled(3, 3)), Standing(TODAY, frozenset({3}))) == "settled: a promise is settled once"


def test_a_case_has_a_bounded_number_of_open_promises() -> None:
    """A sender who talks the model into promising cannot fill the ledger; settling makes room."""
    full = Standing(TODAY, frozenset(range(MOST_OPEN)))
    found = objection(decision(**promised(TODAY)), full)
    assert found
    assert f"more than {MOST_OPEN} open ones" in found
    assert objection(decision(**promised(TODAY), **settled(1)), full) is None


def test_a_decision_makes_a_bounded_number_of_promises() -> None:
    """Six at once are too many."""
    with pytest.raises(ValidationError, match="at most 5 items"):
        decision(**promised(TODAY, 6))


def test_a_promise_that_has_come_up_must_be_settled_or_escalated() -> None:
    """It must not lie there unsaid."""
    due = Standing(TODAY, frozenset({3}), at_hand=3)
    found = objection(decision(), due)
    assert found == "settled: say what became of promise 3 (kept or dropped), or escalate"
    assert objection(decision(**settled(3)), due) is None
    assert objection(decision(ESCALATE), due) is None


def test_a_case_that_comes_up_again_and_again_is_given_to_a_person() -> None:
    """A promise for tomorrow in the place of each that is due would go on through all nights."""
    often = Standing(TODAY, frozenset({3}), at_hand=3, reminders=MOST_REMINDERS)
    tomorrow = promised(TODAY + timedelta(1))
    found = objection(decision(**settled(3), **tomorrow), often)
    assert found == "promises: this case came up 3 times without a mail between; escalate instead"
    fewer = Standing(TODAY, frozenset({3}), at_hand=3, reminders=MOST_REMINDERS - 1)
    assert objection(decision(**settled(3), **tomorrow), fewer) is None
    assert objection(decision(**settled(3)), often) is None


def test_what_takes_the_place_of_a_promise_that_has_come_up_needs_a_later_day() -> None:
    """One for today would come up at once, again and again."""
    due = Standing(TODAY, frozenset({3}), at_hand=3)
    found = objection(decision(**settled(3), **promised(TODAY)), due)
    assert found == "promises: one that takes another's place needs a later day than today, 2026-11-21"


def test_a_case_with_too_many_promises_can_still_be_decided() -> None:
    """Two cases that were merged may have more than one may make."""
    full = Standing(TODAY, frozenset(range(MOST_OPEN + 5)))
    assert objection(decision(ESCALATE), full) is None
