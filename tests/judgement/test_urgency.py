"""Which escalation is told at once: facts alone make it urgent."""

from datetime import date, timedelta

import pytest

from daemon.judgement.urgency import Alarms, Escalated, reasons

TODAY = date(2026, 11, 28)
ALARMS = Alarms(("ceo@quill.example", "Tern.example"), deadline_days=1, issue_senders=5)
PLAIN = Escalated("ada@fern.example", authentic=True)


def test_what_no_fact_makes_urgent_waits_for_the_digest() -> None:
    """However urgent it says that it is."""
    assert reasons(PLAIN, ALARMS, TODAY) == []


@pytest.mark.parametrize("sender", ["ceo@quill.example", "CEO@Quill.Example", "bo@tern.example"])
def test_a_vip_is_known_by_address_or_domain(sender: str) -> None:
    """In whatever letters."""
    assert reasons(Escalated(sender, authentic=True), ALARMS, TODAY) == [f"from {sender}"]


@pytest.mark.parametrize("sender", ["", "bo@nottern.example", "bo@tern.example.evil.example", "ada@quill.example"])
def test_whoever_only_looks_like_a_vip_is_none(sender: str) -> None:
    """A name that ends alike, or holds one."""
    assert reasons(Escalated(sender, authentic=True), ALARMS, TODAY) == []


def test_a_vip_for_whom_nobody_vouches_is_told_as_such() -> None:
    """From may be forged; whoever reads it must know."""
    told = reasons(Escalated("bo@tern.example", authentic=False), ALARMS, TODAY)
    assert told == ["from bo@tern.example, as From says; nobody vouches for it"]


@pytest.mark.parametrize(
    ("days", "told"),
    [(-1, ["a promise was due on 2026-11-27"]), (0, ["a promise is due on 2026-11-28"]),
     (1, ["a promise is due on 2026-11-29"]), (2, [])],
)  # fmt: skip
def test_a_deadline_makes_it_urgent(days: int, told: list[str]) -> None:
    """One that is near, or over."""
    due = TODAY + timedelta(days=days)
    assert reasons(Escalated("ada@fern.example", authentic=True, due=due), ALARMS, TODAY) == told


def test_an_issue_that_many_share_makes_it_urgent() -> None:
    """Each that has so many senders is named."""
    mail = Escalated("ada@fern.example", authentic=True, issues=[("outage", 5), ("price list", 4), ("login", 9)])
    assert reasons(mail, ALARMS, TODAY) == ["5 senders have it: outage", "9 senders have it: login"]
