"""The daemon's own rows: generations, the health of its parts, and orders."""

import pytest

from knowledge import service
from knowledge.database import Database
from knowledge.errors import FenceError
from knowledge.service import Closing
from knowledge.tables import Condition
from tests.knowledge.rows import NOW, after


def started(db: Database) -> int:
    """Start a daemon."""
    return service.start(db, 42, "0.1.0", NOW)


def test_there_is_no_daemon_before_the_first_start(db: Database) -> None:
    """A new database has no row for it."""
    assert service.current(db) is None


def test_each_start_takes_the_next_generation(db: Database) -> None:
    """Generations are counted from one."""
    assert [started(db) for _start in range(3)] == [1, 2, 3]


def test_a_start_wipes_out_the_last_stop(db: Database) -> None:
    """A running daemon has not stopped."""
    service.stop(db, started(db), after(1))
    started(db)
    row = service.current(db)
    assert row
    assert row.stopped_at is None


def test_a_beat_says_that_the_loop_goes_round(db: Database) -> None:
    """The row keeps the newest beat."""
    service.beat(db, started(db), after(60))
    row = service.current(db)
    assert row
    assert (row.beat_at, row.stopped_at) == (after(60), None)


def test_an_older_daemon_cannot_beat(db: Database) -> None:
    """Only the newest generation may write."""
    old = started(db)
    started(db)
    with pytest.raises(FenceError, match=r"^generation 1: "):
        service.beat(db, old, after(60))


def test_an_older_daemon_cannot_say_that_the_newer_one_stopped(db: Database) -> None:
    """Only the newest generation may write."""
    old = started(db)
    started(db)
    with pytest.raises(FenceError, match=r"^generation 1: "):
        service.stop(db, old, after(60))


def test_the_health_of_a_part_is_written_over(db: Database) -> None:
    """Each part has one row."""
    for reason in ("first", "second"):
        service.set_condition(db, Condition(part="model", paused=True, reason=reason, since=NOW, set_at=NOW))
    assert [(row.part, row.reason) for row in service.conditions(db)] == [("model", "second")]


def test_the_parts_are_listed_by_name(db: Database) -> None:
    """The status page has a fixed order."""
    for part in ("model", "budget", "mailbox"):
        service.set_condition(db, Condition(part=part, since=NOW, set_at=NOW))
    assert [row.part for row in service.conditions(db)] == ["budget", "mailbox", "model"]


def test_it_forgets_the_health_of_parts_that_are_gone(db: Database) -> None:
    """A mailbox that left the config is not shown as ill for ever."""
    for part in ("model", "mailbox old", "mailbox new"):
        service.set_condition(db, Condition(part=part, paused=True, since=NOW, set_at=NOW))
    service.forget_conditions(db, ["model", "budget", "mailbox new"])
    assert [row.part for row in service.conditions(db)] == ["mailbox new", "model"]


def test_an_order_waits_for_the_daemon(db: Database) -> None:
    """Orders are listed in the order in which they were left."""
    numbers = [service.leave_order(db, "requeue", str(message), "waiting", NOW) for message in (7, 8)]
    assert [(row.id, row.argument) for row in service.orders(db, "waiting")] == list(
        zip(numbers, ("7", "8"), strict=True)
    )


def test_an_order_is_closed_with_its_outcome(db: Database) -> None:
    """Whoever waits for it reads what became of it."""
    number = service.leave_order(db, "requeue", "7", "waiting", NOW)
    service.close_order(db, Closing(service.orders(db, "waiting")[0], "done", "requeued"), after(5))
    row = service.order(db, number)
    assert row
    assert (row.state, row.outcome, row.done_at, service.orders(db, "waiting")) == ("done", "requeued", after(5), [])


def test_an_order_is_closed_once(db: Database) -> None:
    """It is carried out once."""
    service.leave_order(db, "requeue", "7", "waiting", NOW)
    (row,) = service.orders(db, "waiting")
    service.close_order(db, Closing(row, "done", "requeued"), NOW)
    with pytest.raises(FenceError, match=r"^order 1: "):
        service.close_order(db, Closing(row, "refused", "too late"), NOW)


def test_an_unknown_order_is_none(db: Database) -> None:
    """There is no row for it."""
    assert service.order(db, 99) is None
