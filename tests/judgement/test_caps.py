"""How many mails may leave in which time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.caps import CAPS, LONGEST, Sent, reached
from tests.judgement.samples import NOW


def ago(minutes: Sequence[float]) -> list[datetime]:
    """Give the times so many minutes ago."""
    return [NOW - timedelta(minutes=each) for each in minutes]


@pytest.mark.parametrize(("mails", "minutes"), [(10, 10), (15, 30), (25, 60), (50, 180), (100, 600)], ids=str)
def test_each_cap_holds_for_a_case_and_for_a_recipient(mails: int, minutes: int) -> None:
    """One more mail would be too many in that time; an instant later, with one less, it is not."""
    # As far apart as they can be, so that no shorter cap is reached before.
    times = ago([minutes * (each + 0.5) / mails for each in range(mails)])
    assert reached(Sent(in_case=times), NOW) == f"limits: {mails} mails in {minutes} minutes in this case"
    assert reached(Sent(to_recipient=times), NOW) == f"limits: {mails} mails in {minutes} minutes to this recipient"
    assert reached(Sent(in_case=times[1:], to_recipient=times[1:]), NOW) == ""


def test_mails_stamped_in_the_future_count() -> None:
    """A clock that was set back opens no cap."""
    assert reached(Sent(in_case=ago([-5000.0] * 10)), NOW) == "limits: 10 mails in 10 minutes in this case"


def test_mails_that_left_long_ago_do_not_count() -> None:
    """Behind the longest window everything is forgotten."""
    assert reached(Sent(in_case=ago([LONGEST / timedelta(minutes=1)] * 200)), NOW) == ""


@given(st.lists(st.floats(0, 700), max_size=150))
def test_more_mails_than_the_caps_never_leave_in_any_window(gaps: list[float]) -> None:
    """A mail is sent whenever no cap stands against it: no window ever holds more than its cap."""
    sent: list[datetime] = []
    now = NOW
    for gap in gaps:
        now += timedelta(minutes=gap % 7)
        if not reached(Sent(in_case=sent), now):
            sent.append(now)
    for cap in CAPS:
        spans = [[at for at in sent if timedelta() <= last - at < timedelta(minutes=cap.minutes)] for last in sent]
        assert all(len(span) <= cap.mails for span in spans)
