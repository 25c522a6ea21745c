"""``clerkd pause`` and ``clerkd resume``: nothing is decided or sent meanwhile, and nothing is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.cli.pause import parse_until
from daemon.cli.reviewer import at_the_keys
from daemon.errors import FatalError
from knowledge import service
from tests.bed import Bed, end, mail, wait_for
from tests.cli.answers import refused, said

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def worked(bed: Bed) -> Bed:
    """Work a first mail."""
    bed.server.deliver(mail("First"))
    bed.work(1)
    return bed


@pytest.mark.exhaustive
def test_a_paused_employee_still_takes_mail_in_and_decides_nothing(worked: Bed) -> None:
    """The pause outlasts a restart; what came in is worked when it ends."""
    assert said("pause", worked) == "the employee pauses"
    worked.server.deliver(mail("Second"))
    process = worked.start()
    try:
        wait_for(lambda: worked.state_of(2) == "screened", what="the second mail on the ledger")
        status = worked.clerkd("status", "--config", str(worked.config))
        assert "paused employee" in status.stdout
        assert worked.state_of(2) == "screened"
        assert said("resume", worked) == "the employee is at work"
        given = [(order.kind, order.by, order.place) for order in service.orders(worked.db, "done")]
        assert given == [(kind, at_the_keys().by, "terminal") for kind in ("pause", "resume")]
        wait_for(lambda: worked.state_of(2) == "done", what="the second mail's end")
    finally:
        end(process)


@pytest.mark.exhaustive
def test_a_pause_ends_by_itself(worked: Bed) -> None:
    """At the time that was given."""
    said("pause", worked, "--until", (datetime.now(UTC) + timedelta(seconds=6)).isoformat())
    worked.server.deliver(mail("Second"))
    worked.run(lambda _db: worked.state_of(2) == "done")


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("90m", NOW + timedelta(minutes=90)),
        ("2h", NOW + timedelta(hours=2)),
        ("3d", NOW + timedelta(days=3)),
        ("2026-12-24T09:00:00+00:00", datetime(2026, 12, 24, 9, tzinfo=UTC)),
    ],
)
def test_it_reads_when_a_pause_ends(words: str, end: datetime) -> None:
    """A span from now, or a time."""
    assert parse_until(words, NOW) == end


@pytest.mark.parametrize("words", ["00:00", "12:30", "23:59"])
def test_a_time_of_day_is_the_next_one(words: str) -> None:
    """Today's, or tomorrow's where it is over."""
    found = parse_until(words, NOW)
    assert NOW < found <= NOW + timedelta(days=1)
    assert found.astimezone().strftime("%H:%M") == words


@pytest.mark.parametrize(
    ("words", "said"), [("soon", "is no time; write 2h"), ("25:00", "is no time"), ("2026-01-01", "is over already")]
)
def test_what_is_no_time_is_refused_in_words(words: str, said: str) -> None:
    """With what may be written."""
    with pytest.raises(FatalError, match=said):
        parse_until(words, NOW)


def test_the_command_says_what_is_wrong_with_a_time(worked: Bed) -> None:
    """Without a traceback."""
    assert "is no time" in refused("pause", worked, "--until", "soon")
